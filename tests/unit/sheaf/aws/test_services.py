"""AWS's services: a client's bounds, and calls of functions over the protocol of Lambda."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from local.gateway.functions import REGION
from local.invocation.account import empty_package
from local.invocation.endpoint import Answer, Endpoint, serving
from sheaf.aws import services
from tests.waiting import PATIENCE

PATH = "/2015-03-31/functions/sheaf-migrate/invocations"
MOTO = "http://motoapi.amazonaws.com/moto-api"
BUSY = Answer(429, {"Type": "User"}, {"X-Amzn-ErrorType": "TooManyRequestsException"})


@pytest.fixture
def functions(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with serving(lambda _: Answer(body={"done": True})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
        yield server


def test_a_client_is_made_once_and_does_not_wait_for_ever(account: None) -> None:
    client = services.client("s3", 7, 3)
    assert services.client("s3", 7, 3) is client
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 7)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_a_function_gets_its_event_and_answers(functions: Endpoint) -> None:
    assert services.invoke("sheaf-migrate", {"naïve": [1]}, PATIENCE) == {"done": True}
    (asked,) = functions.asked
    assert (asked.method, asked.path, asked.document) == ("POST", PATH, {"naïve": [1]})


def test_a_version_of_a_function_is_asked_for(functions: Endpoint) -> None:
    services.invoke("sheaf-pages", {}, PATIENCE, "7")
    assert functions.asked[0].path.endswith("/functions/sheaf-pages/invocations?Qualifier=7")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"errorType": "OperationalError", "errorMessage": "no route"}, "OperationalError: no r"),
        ({"errorMessage": "Task timed out after 600.00 seconds"}, "Error: Task timed out"),
    ],
)
def test_the_error_of_a_function_is_raised(
    functions: Endpoint, payload: dict[str, str], message: str
) -> None:
    functions.answer = lambda _: Answer(200, payload, {"X-Amz-Function-Error": "Unhandled"})
    with pytest.raises(services.FunctionFailed, match=message):
        services.invoke("sheaf-migrate", {}, PATIENCE)


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_a_function_that_may_have_run_is_not_called_again(
    functions: Endpoint, pauses: list[float], status: int
) -> None:
    functions.answer = lambda _: Answer(status, {"Message": "lost"})
    with pytest.raises((ClientError, ConnectionClosedError)):
        services.invoke("sheaf-migrate", {}, PATIENCE)
    assert (len(functions.asked), pauses) == (1, [])


def test_a_function_that_does_not_answer_in_time_is_not_called_again(functions: Endpoint) -> None:
    ended = threading.Event()
    functions.answer = lambda _: Answer(status=0 if ended.wait(PATIENCE) else 200)
    with pytest.raises(ReadTimeoutError):
        services.invoke("sheaf-migrate", {}, 1)
    ended.set()
    assert len(functions.asked) == 1


def test_a_function_that_was_refused_is_called_again(
    functions: Endpoint, pauses: list[float]
) -> None:
    answers = [BUSY, BUSY, Answer(body={"done": True})]
    functions.answer = lambda _: answers.pop(0)
    assert services.invoke("sheaf-migrate", {}, PATIENCE) == {"done": True}
    assert pauses == [1, 2]


def test_patience_ends(functions: Endpoint, pauses: list[float]) -> None:
    functions.answer = lambda _: BUSY
    with pytest.raises(services.client("lambda", 5, 1).exceptions.TooManyRequestsException):
        services.invoke("sheaf-migrate", {}, PATIENCE)
    assert (len(functions.asked), pauses) == (4, [1, 2, 4])


def test_a_long_call_keeps_its_connection_alive(account: None) -> None:
    assert services.client("lambda", 650, 1).meta.config.tcp_keepalive


@pytest.fixture
def lambda_by_moto(account: None) -> Iterator[Any]:
    """An account with a function, which answers as a test says, and a role that may do nothing."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        client: Any = boto3.client("lambda")
        client.create_function(
            FunctionName="sheaf-migrate",
            Runtime="python3.13",
            Handler="migrate.app.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": empty_package()},
            Publish=True,
        )
        yield client


def answers(*results: object) -> None:
    """What the function of moto answers next."""
    document = {"region": REGION, "results": [json.dumps(result) for result in results]}
    requests.post(f"{MOTO}/static/lambda-simple/response", json=document, timeout=PATIENCE)


def test_a_function_of_an_account_answers(lambda_by_moto: Any) -> None:
    answers({"migrated": []}, {"statusCode": 401})
    assert services.invoke("sheaf-migrate", {}, PATIENCE) == {"migrated": []}
    assert services.invoke("sheaf-migrate", {}, PATIENCE, "1") == {"statusCode": 401}


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("lambda", lambda: services.invoke("sheaf-migrate", {}, PATIENCE)),
        ("s3", lambda: services.client("s3").list_objects_v2(Bucket="files")),
        (
            "cloudfront",
            lambda: services.client("cloudfront").create_invalidation(
                DistributionId="E",
                InvalidationBatch={"Paths": {"Quantity": 0}, "CallerReference": "1"},
            ),
        ),
        (
            "cognito-idp",
            lambda: services.client("cognito-idp").describe_user_pool_client(
                UserPoolId="us-east-1_x", ClientId="x"
            ),
        ),
    ],
)
def test_what_its_role_may_not_do_is_an_error(
    lambda_by_moto: Any, monkeypatch: pytest.MonkeyPatch, service: str, call: Callable[[], object]
) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    services.client.cache_clear()

    @set_initial_no_auth_action_count(0)
    def refused() -> None:
        with pytest.raises(ClientError) as denied:
            call()
        metadata = denied.value.response["ResponseMetadata"]
        # What moto says in CloudFront's name has no more than the status.
        assert "AccessDenied" in str(denied.value) or metadata["HTTPStatusCode"] == 403

    refused()
