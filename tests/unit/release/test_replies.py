"""What CloudFormation is answered, over HTTP as it gets it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.invocation.endpoint import Answer, Endpoint, serving
from local.invocation.samples import EVENTS, Sample
from release import app
from tests.waiting import PATIENCE


@pytest.fixture
def cloudformation() -> Iterator[Endpoint]:
    with serving(lambda _: Answer()) as server:
        yield server


def event(name: str, server: Endpoint) -> dict[str, Any]:
    sample = Sample(EVENTS / "release" / f"{name}.ok.json").event
    return {**sample, "ResponseURL": f"{server.url}/answers/5f0c?signature=a%2Fb%3D&x=1"}


def test_success(cloudformation: Endpoint) -> None:
    created = event("create", cloudformation)
    app.reply(created, "")
    (asked,) = cloudformation.asked
    assert (asked.method, asked.path) == ("PUT", "/answers/5f0c?signature=a%2Fb%3D&x=1")
    assert asked.headers["Content-Type"] == ""  # anything else breaks the signature
    answer = asked.document
    assert int(answer.pop("Data")["Number"]) == pytest.approx(time.time(), abs=PATIENCE)
    assert answer == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "Release",
        **{name: created[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }


def test_a_failure_has_its_reason(cloudformation: Endpoint) -> None:
    app.reply(event("create", cloudformation), "The table is locked.")
    answer = cloudformation.asked[0].document
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "The table is locked.")


def test_a_resource_keeps_its_id(cloudformation: Endpoint) -> None:
    updated = {**event("update", cloudformation), "PhysicalResourceId": "the id of before"}
    app.reply(updated, "")
    assert cloudformation.asked[0].document["PhysicalResourceId"] == "the id of before"


def test_an_answer_is_no_longer_than_cloudformation_takes(cloudformation: Endpoint) -> None:
    app.reply(event("create", cloudformation), "𝔲" * 5000)
    assert len(cloudformation.asked[0].body) <= 4096
    assert cloudformation.asked[0].document["Reason"].startswith("𝔲𝔲")


@pytest.mark.parametrize("lost", [Answer(0), Answer(500), Answer(503)])
def test_an_answer_that_was_not_taken_is_sent_again(
    cloudformation: Endpoint, pauses: list[float], lost: Answer
) -> None:
    answers = [lost, lost, Answer()]
    cloudformation.answer = lambda _: answers.pop(0)
    app.reply(event("create", cloudformation), "")
    first, *others = [asked.body for asked in cloudformation.asked]
    assert others == [first, first]
    assert len(pauses) == 2


def test_an_answer_that_nobody_takes_is_an_error(
    cloudformation: Endpoint, pauses: list[float]
) -> None:
    cloudformation.answer = lambda _: Answer(403)
    with pytest.raises(OSError, match="403"):
        app.reply(event("create", cloudformation), "")
    assert len(cloudformation.asked) == 4
