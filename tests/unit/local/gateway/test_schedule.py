import logging
import time
from datetime import timedelta

import pytest

from local.gateway import schedule
from local.gateway.template import Function, Schedule
from tests.unit.local.gateway import handlers
from tests.waiting import PATIENCE

ANSWER = Function("Answer", "tests.unit.local.gateway.handlers.answer", 3, 128)


def test_functions_are_called_at_once_and_when_due_whatever_they_did_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handlers.ANSWERS[:] = [KeyboardInterrupt(), None, ZeroDivisionError("now and then")]
    started = time.monotonic()
    with caplog.at_level(logging.ERROR), pytest.raises(KeyboardInterrupt):
        schedule.run([Schedule(ANSWER, timedelta(seconds=0.05))])
    assert 0.1 <= time.monotonic() - started < PATIENCE
    assert handlers.ANSWERS == []
    assert [record.getMessage() for record in caplog.records] == ["Answer failed"]
