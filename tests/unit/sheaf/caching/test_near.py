"""A service that has failed is left alone, for about as long as was said."""

from sheaf.caching.near import Breaker

NOW = 1e9


def _opened() -> Breaker:
    breaker = Breaker(1)
    breaker.failed(NOW)
    return breaker


def test_it_is_closed_until_something_fails() -> None:
    assert not Breaker(1).is_open(NOW)


def test_it_is_open_for_about_as_long_as_was_said() -> None:
    for _ in range(100):
        breaker = _opened()
        assert breaker.is_open(NOW)
        assert breaker.is_open(NOW + 0.74)
        assert not breaker.is_open(NOW + 1.26)


def test_those_that_failed_together_do_not_come_back_together() -> None:
    breakers = [_opened() for _ in range(100)]
    assert 10 < sum(breaker.is_open(NOW + 1) for breaker in breakers) < 90


def test_every_failure_begins_the_time_anew() -> None:
    breaker = _opened()
    breaker.failed(NOW + 1)
    assert breaker.is_open(NOW + 1.74)


def test_a_clock_that_was_set_back_closes_it() -> None:
    assert not _opened().is_open(NOW - 3600)
