"""Prices: steps follow one another, and an amount pays each step's price for its part of it."""

import pytest

from bench.prices import PRICES, Price

STEPPED = Price("apple", ((10, 0.0), (110, 0.5), (float("inf"), 0.25)), "https://example.com", True)


@pytest.mark.parametrize(
    ("amount", "dollars"),
    [(0, 0), (10, 0), (11, 0.5), (110, 50), (111, 50.25), (210, 75)],
)
def test_each_part_pays_its_step(amount: float, dollars: float) -> None:
    assert STEPPED.of(amount) == dollars


@pytest.mark.parametrize("name", PRICES)
def test_steps_rise_without_end_and_say_where_they_are_from(name: str) -> None:
    price = PRICES[name]
    ends = [end for end, _ in price.steps]
    assert ends == sorted(set(ends))
    assert ends[-1] == float("inf")
    assert price.page.startswith("https://")


def test_a_terabyte_from_the_cdn_is_free_and_the_next_is_85_dollars() -> None:
    assert PRICES["cdn gigabytes"].of(1_000) == 0
    assert PRICES["cdn gigabytes"].of(2_000) == pytest.approx(85)
    # 10 TB at 0.085, 40 at 0.08, 49 at 0.06
    assert PRICES["cdn gigabytes"].of(100_000) == pytest.approx(850 + 3_200 + 2_940)


def test_sixty_terabytes_of_logs_cost_what_others_have_reckoned() -> None:
    """12,500 dollars for 60 TB, without the free 5 GB."""
    assert PRICES["logs"].of(60_000) == pytest.approx(12_500 - 2.50)
