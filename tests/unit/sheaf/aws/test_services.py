"""AWS's services: a client's bounds, and calls of functions over the protocol of Lambda."""

import threading
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from local.invocation.endpoint import Answer, Endpoint, serving
from sheaf.aws import services
from tests.waiting import PATIENCE

PATH = "/2015-03-31/functions/sheaf-migrate/invocations"
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
