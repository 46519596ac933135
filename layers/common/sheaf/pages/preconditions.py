"""Preconditions: the state that a write builds on, and whether a claim has found the page in it."""

from dataclasses import dataclass

from sheaf.pages import events
from sheaf.pages.claims import Claim
from sheaf.pages.errors import Deleted, MovedAway, NotFound, Outdated, Taken


@dataclass(frozen=True)
class Precondition:
    """The state that a write builds on: one of some versions, or (None) no live page at all."""

    versions: frozenset[int] | None

    def holds(self, version: int, *, live: bool) -> bool:
        """Whether a page in this state may be written."""
        if self.versions is None:
            return not live
        return live and version in self.versions

    @property
    def based_on(self) -> int | None:
        """The version that the author had read (the newest, of several); None for a new page."""
        return max(self.versions, default=None) if self.versions else None


def check(precondition: Precondition, claim: Claim, *, deletes: bool, origin: str = "") -> None:
    """Raise Outdated if a page is not in the state that a write builds on, Taken if none was to be.

    Where none is that could be deleted, a write that `deletes` is NotFound or Deleted; where one
    has moved away, a write whose `origin` is an import is MovedAway: with a folder that does not
    know of the move it would come back.
    """
    if precondition.holds(claim.version, live=claim.live):
        if claim.moved_to and claim.moved_away and origin == events.IMPORT:
            raise MovedAway(claim.slug, claim.moved_to)
        return
    if deletes and claim.state in ("claimed", "tombstone"):
        if not claim.version:
            raise NotFound(f"page {claim.slug}")
        raise Deleted(claim.slug, claim.version)
    raise Taken(claim) if precondition.versions is None else Outdated(claim)
