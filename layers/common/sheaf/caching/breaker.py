"""A breaker: who has just failed is left alone for a moment."""

from __future__ import annotations


class Breaker:
    """Open for about so many seconds after a failure; then the next caller tries again.

    By the clock on the wall, since others stand still while Lambda freezes the process.
    """

    def __init__(self, seconds: float) -> None:
        self._longest = 1.25 * seconds
        self._shortest = 0.75 * seconds
        self._open_until = 0.0

    def is_open(self, now: float) -> bool:
        """Whether the service should be left alone."""
        return 0 < self._open_until - now <= self._longest

    def failed(self, now: float) -> None:
        """Note a failure. Processes that failed together do not come back together."""
        # Not needed until something fails, so not loaded before.
        from random import uniform  # noqa: PLC0415

        self._open_until = now + uniform(self._shortest, self._longest)  # noqa: S311
