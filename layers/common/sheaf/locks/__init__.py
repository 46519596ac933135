"""Locks between processes, with fences: what a lock promises, whoever keeps it.

Names and errors follow redis-py's Lock where the meaning is the same.
"""

from typing import Protocol
from uuid import UUID


class LockError(Exception):
    """The lock cannot be had or cannot be used."""


class LockNotOwnedError(LockError):
    """The lock is no longer ours: it expired, or someone else holds it."""


class Lock(Protocol):
    """A lock by name. Always expires; hands out a fence that rises with each holder."""

    @property
    def token(self) -> UUID:
        """The id of this holder, which the lock's owner is known by."""

    @property
    def fence(self) -> int:
        """The number of this holding; raises LockNotOwnedError when nothing is held."""

    def acquire(self, wait: float) -> bool:
        """Take the lock, waiting up to `wait` seconds; whether we have it."""

    def release(self) -> None:
        """Give the lock back; raises LockNotOwnedError if it was not ours any more."""

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 when it is not."""
