"""The user pool's client: Cognito over HTTP, with what it forgets."""

from collections.abc import Iterator
from typing import Any

import pytest

import release.app
from local.invocation.endpoint import Answer, Endpoint, serving
from local.invocation.samples import EVENTS, Sample
from tests.context import new_context
from tests.servers.cognito import SETTINGS, Cognito


@pytest.fixture
def cognito() -> Cognito:
    return Cognito()


@pytest.fixture
def server(account: None, cognito: Cognito, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Cognito, and CloudFormation behind the same address."""
    with serving(lambda asked: Answer() if asked.method == "PUT" else cognito(asked)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", server.url)
        yield server


def send(server: Endpoint, name: str, **properties: str) -> dict[str, Any]:
    """What CloudFormation is told of a sample event, in which these properties are others."""
    event = Sample(EVENTS / "release" / f"{name}.ok.json").event
    event["ResponseURL"] = f"{server.url}/answers/1"
    event["ResourceProperties"] |= properties
    release.app.handler(event, new_context())
    answer: dict[str, Any] = server.asked[-1].document
    return answer


def test_the_sites_address_is_where_to_come_back_to_and_all_else_stays(
    server: Endpoint, cognito: Cognito
) -> None:
    answer = send(server, "sign-in-create", Site="https://wiki.example.com")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "SignInAddress")
    callbacks = {"CallbackURLs": ["https://wiki.example.com/-/sign-in"]}
    assert cognito.settings == {**SETTINGS, **callbacks}


def test_doing_it_again_changes_nothing(server: Endpoint, cognito: Cognito) -> None:
    send(server, "sign-in-create")
    once = cognito.settings
    assert send(server, "sign-in-create")["Status"] == "SUCCESS"
    assert cognito.settings == once


def test_a_client_that_is_not_there_is_said_to_be(server: Endpoint, cognito: Cognito) -> None:
    answer = send(server, "sign-in-create", ClientId="none")
    assert answer["Status"] == "FAILED"
    assert "ResourceNotFoundException" in answer["Reason"]


def test_the_address_goes_with_the_client(server: Endpoint, cognito: Cognito) -> None:
    assert send(server, "sign-in-delete", ClientId="deleted-before")["Status"] == "SUCCESS"
    assert cognito.settings == SETTINGS
