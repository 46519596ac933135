"""The user pool's client: Cognito by moto, and what a call for a change has to say."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

import release.app
from local.invocation.account import CLIENT
from local.invocation.endpoint import Answer, Endpoint, serving
from local.invocation.samples import EVENTS, Sample
from sheaf.aws import services
from tests.context import new_context

SITE = "https://wiki.example.com"


ADDRESSES = {name: [f"{SITE}/-/sign-in"] for name in ("CallbackURLs", "LogoutURLs")}


class UserPool(NamedTuple):
    """A pool with one client, and CloudFormation, which hears what became of it."""

    id: str
    client_id: str
    cloudformation: Endpoint

    @property
    def settings(self) -> dict[str, Any]:
        """What is set of the client, without what Cognito adds."""
        cognito = boto3.client("cognito-idp")
        found = cognito.describe_user_pool_client(UserPoolId=self.id, ClientId=self.client_id)
        settings: Any = found["UserPoolClient"]
        return {name: settings[name] for name in CLIENT}

    def send(self, name: str, **properties: str) -> dict[str, Any]:
        """What CloudFormation is told of a sample event for this client, with these properties."""
        event = Sample(EVENTS / "release" / f"{name}.ok.json").event
        event["ResponseURL"] = f"{self.cloudformation.url}/answers/1"
        ids = {"UserPoolId": self.id, "ClientId": self.client_id}
        event["ResourceProperties"] |= ids | properties
        release.app.handler(event, new_context())
        answer: dict[str, Any] = self.cloudformation.asked[-1].document
        return answer


@pytest.fixture
def pool(account: None) -> Iterator[UserPool]:
    with mock_aws(), serving(lambda _: Answer()) as cloudformation:
        cognito: Any = boto3.client("cognito-idp")
        pool_id = cognito.create_user_pool(PoolName="sheaf-dev")["UserPool"]["Id"]
        made = cognito.create_user_pool_client(UserPoolId=pool_id, **CLIENT)
        yield UserPool(pool_id, made["UserPoolClient"]["ClientId"], cloudformation)


def test_the_sites_address_is_where_to_come_back_to_and_all_else_stays(pool: UserPool) -> None:
    answer = pool.send("sign-in-create", Site=SITE)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "SignInAddress")
    assert pool.settings == {**CLIENT, **ADDRESSES}


def test_the_call_says_all_that_is_set_for_cognito_forgets_the_rest(pool: UserPool) -> None:
    said: list[dict[str, Any]] = []
    services.client("cognito-idp").meta.events.register(
        "provide-client-params.cognito-identity-provider.UpdateUserPoolClient",
        lambda params, **_: said.append(params),
    )
    pool.send("sign-in-create", Site=SITE)
    (call,) = said
    assert {**CLIENT, **ADDRESSES}.items() <= call.items()


def test_doing_it_again_changes_nothing(pool: UserPool) -> None:
    pool.send("sign-in-create")
    once = pool.settings
    assert pool.send("sign-in-create")["Status"] == "SUCCESS"
    assert pool.settings == once


def test_a_client_that_is_not_there_is_said_to_be(pool: UserPool) -> None:
    answer = pool.send("sign-in-create", ClientId="none")
    assert answer["Status"] == "FAILED"
    assert "ResourceNotFoundException" in answer["Reason"]


def test_the_address_goes_with_the_client(pool: UserPool) -> None:
    assert pool.send("sign-in-delete", ClientId="deleted-before")["Status"] == "SUCCESS"
    assert pool.settings == CLIENT
