"""The smoke test: a walk through a running site, and for each thing whether it works."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sheaf.cli import smoke_reads, smoke_writes
from sheaf.cli.connection import ClientError, Unreachable
from sheaf.cli.jobs import FAILED
from sheaf.cli.smoke_visit import CheckFailed, CheckSkipped, Visit

PASSED, SKIPPED = "passed", "skipped"
_MARKS = {PASSED: "✓", FAILED: "✗", SKIPPED: "-"}
# For terminals that cannot show the marks.
_WORDS = {PASSED: "", FAILED: "FAILED: ", SKIPPED: "skipped: "}


@dataclass(frozen=True)
class Check:
    """Something that works or does not. `look` returns what it saw, or raises.

    A site that does not even answer one that is `vital` is not worth the others.
    """

    name: str
    look: Callable[[Visit], str]
    vital: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a check, what it saw or why it failed, and how long it took."""

    check: Check
    result: str
    seen: str
    milliseconds: int

    @property
    def line(self) -> str:
        """The outcome for people."""
        said = f"{_MARKS[self.result]} {self.check.name:{_WIDTH}}  {_WORDS[self.result]}{self.seen}"
        return said if self.result == SKIPPED else f"{said} ({self.milliseconds:,} ms)"


CHECKS = (
    Check("health", smoke_reads.health, vital=True),
    Check("home page", smoke_reads.home),
    Check("security headers", smoke_reads.security_headers),
    Check("conditional request", smoke_reads.conditional_request),
    Check("compression", smoke_reads.compression),
    Check("HEAD", smoke_reads.head),
    Check("Markdown source", smoke_reads.source),
    Check("static files", smoke_reads.static_files),
    Check("list", smoke_reads.listing),
    Check("search", smoke_reads.search),
    Check("bad queries", smoke_reads.bad_queries),
    Check("unknown address", smoke_reads.unknown_address),
    Check("malformed name", smoke_reads.malformed_name),
    Check("write without a token", smoke_reads.no_token),
    Check("plain HTTP", smoke_reads.plain_http),
    Check("create", smoke_writes.create),
    Check("read back", smoke_writes.read_back),
    Check("no precondition", smoke_writes.no_precondition),
    Check("update", smoke_writes.update),
    Check("stale save", smoke_writes.stale_save),
    Check("history", smoke_writes.history),
    Check("found by search", smoke_writes.found_by_search),
    Check("delete", smoke_writes.delete),
)
_WIDTH = max(len(check.name) for check in CHECKS)
CLEAN_UP = Check("clean up", smoke_writes.clean_up)


def run(visit: Visit, report: Callable[[Outcome], None]) -> Counter[str]:
    """Make all checks and count what came of them; `report` is called after each.

    Whatever happens, the page that may have been written does not stay. Raises Unreachable if the
    site does not answer.
    """
    counts: Counter[str] = Counter()

    def make(check: Check) -> None:
        outcome = _outcome(check, visit)
        counts[outcome.result] += 1
        report(outcome)

    try:
        for check in CHECKS:
            make(check)
    finally:
        if visit.wrote:
            make(CLEAN_UP)
    return counts


def _outcome(check: Check, visit: Visit) -> Outcome:
    begun = time.monotonic()
    result, seen = _look(check, visit)
    return Outcome(check, result, seen, round((time.monotonic() - begun) * 1000))


def _look(check: Check, visit: Visit) -> tuple[str, str]:
    try:
        return PASSED, check.look(visit)
    except CheckSkipped as reason:
        return SKIPPED, str(reason)
    except (CheckFailed, ClientError) as reason:
        if check.vital and isinstance(reason, Unreachable):
            raise
        return FAILED, str(reason)
