"""Lambda's limits, which hold here as well."""

import json
import signal
import time
from collections.abc import Iterator

import pytest

from local.gateway import functions
from local.gateway.functions import (
    MAX_ANSWER_BYTES,
    MAX_EVENT_BYTES,
    AnswerTooLarge,
    EventTooLarge,
    TimedOut,
    invoke,
)
from local.gateway.template import Function
from sheaf import telemetry
from tests.unit.local.gateway import handlers


@pytest.fixture
def answering() -> Iterator[Function]:
    yield Function("Answer", "tests.unit.local.gateway.handlers.answer", 1, 128)
    handlers.ANSWERS.clear()


def padded(limit: int, **members: object) -> dict[str, object]:
    """A document of exactly so many bytes of JSON."""
    empty = {**members, "body": ""}
    return {**empty, "body": "x" * (limit - len(json.dumps(empty)))}


def test_an_event_of_six_megabytes_is_taken(answering: Function) -> None:
    handlers.ANSWERS[:] = [None, None]
    assert invoke(answering, padded(MAX_EVENT_BYTES)) is None
    with pytest.raises(EventTooLarge):
        invoke(answering, padded(MAX_EVENT_BYTES + 1))


def test_an_answer_of_a_hundred_bytes_more_is_handed_on(answering: Function) -> None:
    handlers.ANSWERS[:] = [padded(MAX_ANSWER_BYTES + 1), padded(MAX_ANSWER_BYTES)]
    assert invoke(answering, {})["body"]
    with pytest.raises(AnswerTooLarge):
        invoke(answering, {})


def test_characters_count_as_they_are_sent(answering: Function) -> None:
    handlers.ANSWERS[:] = [{"body": "\x01" * 1_100_000}]  # \u0001 each
    with pytest.raises(AnswerTooLarge):
        invoke(answering, {})


@pytest.mark.parametrize("logged", [False, True])
def test_a_function_is_ended_after_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logged: bool
) -> None:
    def sleep(_event: object, _context: object) -> None:
        try:
            time.sleep(60)
        except Exception:  # noqa: BLE001 - as a handler does that answers 500 itself
            pytest.fail("a handler has taken the end for an error")

    handler = telemetry.faults_are_logged(sleep) if logged else sleep
    monkeypatch.setattr(functions, "handler_of", lambda _function: handler)
    before = signal.getsignal(signal.SIGALRM)
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    with pytest.raises(TimedOut, match="within 1 s"):
        invoke(Function("Slow", "slow.app.handler", 1, 128), {})
    assert ("out of time" in capsys.readouterr().out) == logged
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] <= left
