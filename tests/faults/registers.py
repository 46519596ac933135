"""Histories of a site that keeps its promises, made up: what a checker must find nothing in.

Pages are registers. A save takes effect at one moment between its beginning and its end, and is in
the cache at another one: before it ends, or once upkeep has run. A read shows what database or
cache had at a moment that its rule allows.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from tests.faults.histories import (
    AT_ONCE,
    DATABASE_OUT,
    PLAIN,
    REDIS_OUT,
    RELOADED,
    SAVE,
    TAGGED,
    VERSIONED,
    WARNED,
    WAYS,
    Operation,
)
from tests.faults.reads_checker import Bounds, Incidents

SLUGS = ("tea", "cake")
BOUNDS = Bounds()
_UPKEEP = [(at, at + 0.5) for at in range(5, 1000, 5)]
INCIDENTS = Incidents(upkeep=_UPKEEP)
# Hypothesis chooses among whole numbers of these: a hundredth of a second.
_TICK = 0.01


def mark(slug: str, version: int) -> str:
    """What the text of a version is called; there is none of version 0."""
    return f"{slug}{version}" if version else ""


@dataclass
class Made:
    """A history and the texts that are there in the end."""

    operations: list[Operation] = field(default_factory=list)
    texts: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """When all is over, and everything published."""
        return max(each.ended for each in self.operations) + BOUNDS.outage + 6


@dataclass(frozen=True)
class _Register:
    """One page: when each version took effect, and when the cache had one at least as new."""

    slug: str
    committed: Sequence[float]
    cached: Sequence[float]

    def stored(self, time: float) -> int:
        return bisect_right(self.committed, time)

    def published(self, time: float) -> int:
        return max((n for n, at in enumerate(self.cached, 1) if at <= time), default=0)


Draw = Callable[[st.SearchStrategy[int]], int]


def _seconds(draw: Draw, longest: float) -> float:
    return draw(st.integers(0, round(longest / _TICK) - 1)) * _TICK


@st.composite
def histories(draw: Callable[..., int]) -> Made:
    """A history with at least one save of each page that was acknowledged."""
    made = Made()
    registers = [_saved(draw, made, slug, 1000 * n) for n, slug in enumerate(SLUGS, start=1)]
    for client in range(draw(st.integers(1, 6))):
        _read(draw, made, registers, client, WAYS[draw(st.integers(0, len(WAYS) - 1))])
    return made


def _saved(draw: Draw, made: Made, slug: str, first: int) -> _Register:
    """The saves of a page, each by a client of its own; the last one is acknowledged."""
    count, time = draw(st.integers(1, 8)), 0.0
    committed, cached = [], []
    for version in range(1, count + 1):
        time += _TICK + _seconds(draw, 3)
        done = Operation(
            first + version,
            SAVE,
            slug,
            time - _seconds(draw, 1),
            time + _seconds(draw, 1),
            "ok",
            version,
            mark(slug, version),
            replaced=mark(slug, version - 1),
        )
        kind = 0 if version == count else draw(st.integers(0, 3))
        made.operations.append(_ended(done, kind))
        made.texts[slug, version] = done.mark
        committed.append(time)
        cached.append(done.ended if not kind else _relayed(done.ended))
    lost = Operation(first, SAVE, slug, time, time + 1, "fail", mark=f"{slug} refused")
    made.operations.append(lost)
    return _Register(slug, committed, cached)


def _ended(done: Operation, kind: int) -> Operation:
    """It went well (0), was not published (1), or nobody knows."""
    if kind == 1:
        return replace(done, notes=frozenset({WARNED}))
    return replace(done, outcome="info", version=0) if kind else done


def _relayed(time: float) -> float:
    """When upkeep has published what was there at a time."""
    return next(ended for begun, ended in _UPKEEP if begun >= time)


def _read(draw: Draw, made: Made, registers: Sequence[_Register], client: int, way: str) -> None:
    """A client that reads in one way, and says what it has seen if that is how."""
    newest = dict.fromkeys(SLUGS, 0)
    time = 0.0
    for _ in range(draw(st.integers(1, 12))):
        register = registers[draw(st.integers(0, len(registers) - 1))]
        begun = time = time + _TICK + _seconds(draw, 4)
        moment = time = begun + _seconds(draw, 0.5)
        slug = register.slug
        known = newest[slug] if way in (TAGGED, VERSIONED) else 0
        notes = _notes(draw) if way not in AT_ONCE else frozenset()
        age = _age(draw, way, known, notes)
        shown = register.stored(moment) if way in AT_ONCE else register.published(moment - age)
        version = max(shown, known)
        newest[slug] = max(newest[slug], version)
        made.operations.append(
            Operation(
                client,
                way,
                slug,
                begun,
                time,
                "ok",
                version,
                mark(slug, version),
                known,
                notes=notes,
            )
        )


def _notes(draw: Draw) -> frozenset[str]:
    kinds = [set(), set(), {REDIS_OUT}, {REDIS_OUT, DATABASE_OUT}]
    return frozenset(kinds[draw(st.integers(0, 3))])


def _age(draw: Draw, way: str, known: int, notes: frozenset[str]) -> float:
    """How old what is shown may be at the moment at which it is."""
    if DATABASE_OUT in notes:
        return _seconds(draw, 100)
    if REDIS_OUT in notes:
        return _seconds(draw, BOUNDS.outage)
    return 0.0 if way == VERSIONED and known else _seconds(draw, BOUNDS.flood)


def last_saved(made: Made, slug: str) -> int:
    """The version of the last save of a page, which was acknowledged."""
    return max(version for page, version in made.texts if page == slug)


def read_late(made: Made, way: str, slug: str, behind: int, known: int = 0) -> Operation:
    """A read when everything is over, of a page that is some versions behind the last one."""
    version = last_saved(made, slug) - behind
    time = made.end
    return Operation(77, way, slug, time, time + 1, "ok", version, mark(slug, version), known)


LATE_WAYS = (PLAIN, RELOADED, TAGGED, VERSIONED, *AT_ONCE)
