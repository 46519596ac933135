"""The user pool's client: Cognito over HTTP, with what it forgets."""

from collections.abc import Iterator
from typing import Any

import pytest

import release.app
from tests.conftest import new_context
from tests.sam.samples import EVENTS, Sample
from tests.servers.endpoint import Answer, Asked, serving

# As the template makes it, and what Cognito adds.
SETTINGS = {
    "UserPoolId": "us-east-1_Abc123Def",
    "ClientId": "4k3j2h1g5f6d7s8a9q0w1e2r3t",
    "ClientName": "Editor",
    "RefreshTokenValidity": 30,
    "AccessTokenValidity": 60,
    "TokenValidityUnits": {"AccessToken": "minutes"},
    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
    "SupportedIdentityProviders": ["COGNITO"],
    "CallbackURLs": ["https://localhost/-/sign-in"],
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "sheaf/write"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}
FACTS = {"ClientSecret": "x", "CreationDate": 1795348800.5, "LastModifiedDate": 1795348800.5}
MISSING = Answer(400, {"__type": "ResourceNotFoundException", "message": "No such client."})


class Cognito:
    """One client of one user pool. An update puts what it is told in the place of what was set."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = SETTINGS
        self.told: list[dict[str, Any]] = []
        self.url = ""

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "PUT":  # it stands in for CloudFormation as well
            self.told.append(asked.document)
            return Answer()
        if asked.document["ClientId"] != SETTINGS["ClientId"]:
            return MISSING
        operation = asked.headers["X-Amz-Target"].rpartition(".")[2]
        assert operation in {"DescribeUserPoolClient", "UpdateUserPoolClient"}
        if operation == "UpdateUserPoolClient":
            assert not asked.document.keys() & FACTS.keys()
            self.settings = asked.document
        return Answer(body={"UserPoolClient": {**self.settings, **FACTS}})


@pytest.fixture
def cognito(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cognito]:
    cognito = Cognito()
    with serving(cognito) as server:
        cognito.url = server.url
        monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", server.url)
        yield cognito


def send(cognito: Cognito, name: str, **properties: str) -> dict[str, Any]:
    """What CloudFormation is told of a sample event, in which these properties are others."""
    event = Sample(EVENTS / "release" / f"{name}.ok.json").event
    event["ResponseURL"] = f"{cognito.url}/answers/1"
    event["ResourceProperties"] |= properties
    release.app.handler(event, new_context())
    return cognito.told[-1]


def test_the_sites_address_is_where_to_come_back_to_and_all_else_stays(cognito: Cognito) -> None:
    answer = send(cognito, "sign-in-create", Site="https://wiki.example.com")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "SignInAddress")
    callbacks = {"CallbackURLs": ["https://wiki.example.com/-/sign-in"]}
    assert cognito.settings == {**SETTINGS, **callbacks}


def test_doing_it_again_changes_nothing(cognito: Cognito) -> None:
    send(cognito, "sign-in-create")
    once = cognito.settings
    assert send(cognito, "sign-in-create")["Status"] == "SUCCESS"
    assert cognito.settings == once


def test_a_client_that_is_not_there_is_said_to_be(cognito: Cognito) -> None:
    answer = send(cognito, "sign-in-create", ClientId="none")
    assert answer["Status"] == "FAILED"
    assert "ResourceNotFoundException" in answer["Reason"]


def test_the_address_goes_with_the_client(cognito: Cognito) -> None:
    assert send(cognito, "sign-in-delete", ClientId="deleted-before")["Status"] == "SUCCESS"
    assert cognito.settings == SETTINGS
