"""Purging: CloudFront by moto, and its refusals over HTTP."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import purge.app
from local.invocation.endpoint import Answer, Endpoint, serving
from local.invocation.samples import EVENTS, Sample
from sheaf.aws import services
from sheaf.settings import SettingsError
from tests.context import new_context

CHANGED = Sample(EVENTS / "purge" / "changed.ok.json").event
NOTHING = Sample(EVENTS / "purge" / "nothing.ok.json").event
DONE = Answer(201, b"<Invalidation><Id>I2J0I21PCUYOIK</Id></Invalidation>")


def refused(code: str, status: int = 400) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>Later.</Message></Error>"
    return Answer(status, f"<ErrorResponse>{error}</ErrorResponse>".encode())


@pytest.fixture
def distribution(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with mock_aws():
        origin = {
            "Id": "api",
            "DomainName": "api.example.com",
            "CustomOriginConfig": {
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "https-only",
            },
        }
        behavior = {"TargetOriginId": "api", "ViewerProtocolPolicy": "https-only"}
        config = {
            "CallerReference": "1",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": behavior,
        }
        made = boto3.client("cloudfront").create_distribution(DistributionConfig=config)
        name: str = made["Distribution"]["Id"]
        monkeypatch.setenv("SHEAF_DISTRIBUTION", name)
        yield name


@pytest.fixture
def cloudfront(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with serving(lambda _: DONE) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", server.url)
        monkeypatch.setenv("SHEAF_DISTRIBUTION", "EDFDVBD6EXAMPLE")
        yield server


def batches(distribution: str) -> list[dict[str, Any]]:
    client = boto3.client("cloudfront")
    listed = client.list_invalidations(DistributionId=distribution)["InvalidationList"]
    found = [
        client.get_invalidation(DistributionId=distribution, Id=each["Id"])["Invalidation"]
        for each in listed.get("Items", [])
    ]
    return [each["InvalidationBatch"] for each in found]


def test_what_has_changed_is_forgotten(distribution: str) -> None:
    purge.app.handler(CHANGED, new_context())
    (batch,) = batches(distribution)
    assert batch["Paths"] == {"Quantity": 2, "Items": CHANGED["responsePayload"]["purge"]}
    # The same each time Lambda sends this event, so CloudFront does it once.
    assert batch["CallerReference"] == CHANGED["requestContext"]["requestId"]


def test_nothing_costs_nothing(cloudfront: Endpoint) -> None:
    purge.app.handler(NOTHING, new_context())
    assert cloudfront.asked == []


def test_without_a_place_a_purge_waits(cloudfront: Endpoint, pauses: list[float]) -> None:
    answers = [refused("TooManyInvalidationsInProgress")] * 3 + [DONE]
    cloudfront.answer = lambda _: answers.pop(0)
    purge.app.handler(CHANGED, new_context())
    assert pauses == [2, 4, 8]
    assert len({asked.body for asked in cloudfront.asked}) == 1


@pytest.mark.parametrize("refusal", [refused("Throttling"), refused("ServiceUnavailable", 503)])
def test_a_purge_that_is_too_fast_waits(
    cloudfront: Endpoint, pauses: list[float], refusal: Answer
) -> None:
    answers = [refusal, refusal, DONE]
    cloudfront.answer = lambda _: answers.pop(0)
    purge.app.handler(CHANGED, new_context())
    assert len(pauses) == 2
    assert len(cloudfront.asked) == 3


@pytest.mark.parametrize(
    ("refusal", "attempts"),
    [
        (refused("TooManyInvalidationsInProgress"), 5),
        (refused("Throttling"), 4),
        (refused("AccessDenied", 403), 1),
    ],
)
def test_what_fails_in_the_end_is_left_to_lambda(
    cloudfront: Endpoint, pauses: list[float], refusal: Answer, attempts: int
) -> None:
    cloudfront.answer = lambda _: refusal
    with pytest.raises(Exception, match="CreateInvalidation"):
        purge.app.handler(CHANGED, new_context())
    assert len(cloudfront.asked) == attempts


def test_a_setting_that_is_missing_is_named(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHEAF_DISTRIBUTION", raising=False)
    with pytest.raises(SettingsError, match="SHEAF_DISTRIBUTION is not set"):
        purge.app.handler(CHANGED, new_context())
    services.client.cache_clear()
