"""A site over HTTP and many faults until it is enough; `make faults` is the same for minutes."""

from pathlib import Path

import pytest

from tests.faults import read_mutations
from tests.faults.histories import PLAIN, SAVE, SEARCH, TAGGED, VERSIONED
from tests.faults.site_run import Plan, Result, run

# In seconds. When all has happened that a test waits for, it is over.
LONG = 300
# What each mutation needs to show.
_FAULTS = {"no-bound-in-outages": ("silence_redis",)}


def test_no_fault_shows_what_may_not_be_shown(tmp_path: Path) -> None:
    result = run(Plan(seconds=LONG, fault_every=1), tmp_path, eventful)
    assert result.violations == [], "\n".join(result.lines())
    assert result.errors == []
    assert eventful(result), "\n".join(result.lines())


def eventful(result: Result) -> bool:
    """Whether as much has happened as in half a minute of an idle machine."""
    reads = min(result.count(way) for way in (PLAIN, TAGGED, VERSIONED, SEARCH))
    return result.faults.total() >= 25 and result.count(SAVE) > 200 and reads > 100


@pytest.mark.parametrize("mutation", read_mutations.NAMES)
def test_the_checker_sees_a_broken_promise(tmp_path: Path, mutation: str) -> None:
    faults = _FAULTS.get(mutation, ("flush_scripts",))
    plan = Plan(seconds=LONG, fault_every=1, mutation=mutation, faults=faults)
    # Chance decides when somebody is there to see it.
    result = run(plan, tmp_path, lambda result: _seen(result, mutation))
    assert _seen(result, mutation), "\n".join(result.lines())


def _seen(result: Result, mutation: str) -> bool:
    return any(read_mutations.NAMES[mutation] in violation for violation in result.violations)
