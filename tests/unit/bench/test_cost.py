"""Costs: the bill is the sum of its parts, and the manual shows what was reckoned."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import cost
from bench.prices import PRICES
from bench.usage import Assumed, Load, Measured

MANUAL = Path(__file__).parents[3] / "docs/cost.md"


@pytest.fixture
def saved() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cost.FILE.read_text())
    return found


def again(saved: dict[str, Any]) -> dict[str, Any]:
    given = Load(**saved["load"]), Measured(**saved["measured"]), Assumed(**saved["assumed"])
    return cost.reckon(*given)


def test_every_price_is_in_one_bill() -> None:
    named = [name for names in cost.SERVICES.values() for name in names]
    assert sorted(named) == sorted(PRICES)


def test_a_bill_worked_out_by_hand() -> None:
    used = dict.fromkeys(PRICES, 0.0)
    used |= {"api requests": 400, "lambda requests": 3, "lambda time": 1.4, "keys": 2}
    bill = cost.bill(used)
    assert bill["API Gateway"] == 390.00  # 300 × 1.00 + 100 × 0.90
    assert bill["Lambda"] == 13.73  # 2 × 0.20 + 1 × 13.3334
    assert bill["KMS and S3"] == 2.00
    assert sum(bill.values()) == pytest.approx(405.73)


def test_the_result_follows_from_what_it_rests_on(saved: dict[str, Any]) -> None:
    """If this fails, run `python -m bench.cost` and bring the tables into docs/cost.md."""
    assert json.loads(json.dumps(again(saved))) == saved


def test_the_manual_shows_the_tables(saved: dict[str, Any]) -> None:
    manual = MANUAL.read_text()
    assert [name for name, table in cost.tables(saved).items() if table not in manual] == []


@pytest.mark.parametrize("rate", ["1", "100", "10,000"])
def test_more_hits_cost_less(saved: dict[str, Any], rate: str) -> None:
    costs = [each[rate] for each in saved["by_hit_share"].values()]
    assert costs == sorted(costs, reverse=True)
