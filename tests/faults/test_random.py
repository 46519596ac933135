"""Many writers and many faults until it is enough; `make faults` is the same for minutes."""

from pathlib import Path

import pytest

from tests.faults import mutations
from tests.faults.run import Plan, Result, run
from tests.fixtures import Servers

# In seconds. When all has happened that a test waits for, it is over.
LONG = 300


def test_no_fault_loses_an_edit(clean: Servers, tmp_path: Path) -> None:
    plan = Plan(seconds=LONG, fault_every=0.5, lease=0.5)
    result = run(plan, tmp_path, clean.database_url, eventful)
    assert result.violations == [], "\n".join(result.lines())
    assert result.errors == []
    assert eventful(result), "\n".join(result.lines())


def eventful(result: Result) -> bool:
    """Whether as much has happened as in twenty seconds of an idle machine."""
    return result.faults.total() >= 38 and result.acknowledged > 100


@pytest.mark.parametrize("mutation", mutations.NAMES)
def test_the_checker_sees_a_broken_protocol(clean: Servers, tmp_path: Path, mutation: str) -> None:
    plan = Plan(
        seconds=LONG,
        fault_every=0.2,
        lease=0.25,
        mutation=mutation,
        faults=("pause_writers", "delay_requests"),
    )
    # Chance decides what a pause hits, so it goes on until one has hit a writer in the wrong place.
    result = run(plan, tmp_path, clean.database_url, violated)
    assert violated(result), "\n".join(result.lines())


def violated(result: Result) -> bool:
    return any("saw the same state" in violation for violation in result.violations)
