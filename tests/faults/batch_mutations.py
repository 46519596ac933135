"""The protocol of a batch, broken on purpose: what the checker must be able to see.

Each replaces functions of the library in this process, so it is for one under attack only.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sheaf.database.transactions import end_prepared
from sheaf.pages import batches
from sheaf.sharding import shards, two_phase
from sheaf.sharding.two_phase import Ended, Part

# Each with a word of the violation that is to be found.
NAMES = {
    "early-commit": "is there in part",
    "no-decision": "is there in part",
    "commit-all": "is there in part",
    "abort-all": "is there in part",
    "lost-is-no": "is there in part",
    "early-answer": "was shown without",
}

_decide = two_phase._decide


def apply(mutation: str | None) -> None:
    """Break the protocol in this process; None, and the name of any other, leave it whole."""
    if mutation == "early-commit":
        two_phase._decide = _commit_and_decide
    elif mutation == "no-decision":
        two_phase._keep = lambda *_: None
    elif mutation in ("commit-all", "abort-all"):
        two_phase.recover = _guess(commit=mutation == "commit-all")
    elif mutation == "lost-is-no":
        two_phase._was_decided = lambda batch: False
    elif mutation == "early-answer":
        batches._publish = lambda *_: None


def _commit_and_decide(
    batch: UUID, others: Sequence[int], part: Part | None, latest: datetime
) -> None:
    two_phase.end(batch, others, commit=True)
    _decide(batch, others, part, latest)


def _guess(*, commit: bool) -> Any:
    """A recovery that does not ask for the decision."""

    def recover(number: int, after: float) -> list[Ended]:
        ended = []
        for part in two_phase.in_doubt(number):
            if part.seconds >= after:
                shards.on(number, end_prepared, part.name, commit=commit)
                ended.append(Ended(part.batch, number, commit))
        return ended

    return recover
