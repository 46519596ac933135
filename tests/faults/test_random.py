"""Many writers and many faults for some seconds; `make faults` is the same for minutes."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import mutations
from tests.faults.run import Plan, run
from tests.fixtures import Servers


def test_no_fault_loses_an_edit(clean: Servers, tmp_path: Path) -> None:
    result = run(Plan(seconds=20, fault_every=0.5, lease=0.5), tmp_path, clean.database_url)
    assert result.violations == [], "\n".join(result.lines())
    assert result.errors == []
    assert result.acknowledged > 100, "\n".join(result.lines())


@pytest.mark.parametrize("mutation", mutations.NAMES)
def test_the_checker_sees_a_broken_protocol(clean: Servers, tmp_path: Path, mutation: str) -> None:
    plan = Plan(
        seconds=10,
        fault_every=0.2,
        lease=0.25,
        mutation=mutation,
        faults=("pause_writers", "delay_requests"),
    )
    # Chance decides what a pause hits: one round finds some, three have never found nothing.
    rounds = (run(replace(plan, seed=seed), tmp_path, clean.database_url) for seed in range(3))
    assert any("saw the same state" in " ".join(result.violations) for result in rounds)
