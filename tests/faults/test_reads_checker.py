"""The checker of reads finds what it is there to find, and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults import registers
from tests.faults.histories import (
    AT_ONCE,
    DATABASE_OUT,
    LIST,
    PAGE,
    PLAIN,
    REDIS_OUT,
    RELOADED,
    SAVE,
    SEARCH,
    TAGGED,
    VERSIONED,
    WARNED,
    Operation,
)
from tests.faults.reads_checker import Bounds, Incidents, check_reads, went_back
from tests.faults.registers import BOUNDS, INCIDENTS, LATE_WAYS, SLUGS, Made, mark, read_late

TEXTS = {("tea", version): mark("tea", version) for version in range(1, 4)}


def save(version: int, ended: float, *notes: str, begun: float | None = None) -> Operation:
    started = ended - 0.1 if begun is None else begun
    about = version, mark("tea", version)
    return Operation(0, SAVE, "tea", started, ended, "ok", *about, notes=frozenset(notes))


def read(
    way: str, version: int, begun: float, *notes: str, known: int = 0, client: int = 1
) -> Operation:
    about = version, mark("tea", version), known
    return Operation(client, way, "tea", begun, begun + 0.1, "ok", *about, notes=frozenset(notes))


NOTHING = Incidents()
# Version 1 was acknowledged at 1 s, version 2 at 10 s.
SAVED = [save(1, 1), save(2, 10)]


def check(*reads: Operation, incidents: Incidents = NOTHING) -> list[str]:
    return check_reads([*SAVED, *reads], TEXTS, incidents)


class TestBounds:
    """How long an old page may be shown."""

    @pytest.mark.parametrize(
        ("way", "notes", "seconds"),
        [
            (PLAIN, (), 1),
            (TAGGED, (), 1),
            (RELOADED, (), 1),
            (PLAIN, (REDIS_OUT,), 10),
            (TAGGED, (REDIS_OUT,), 10),
            (VERSIONED, (REDIS_OUT,), 10),
        ],
    )
    def test_a_page_of_before(self, way: str, notes: tuple[str, ...], seconds: int) -> None:
        known = 1 if way in (TAGGED, VERSIONED) else 0
        assert check(read(way, 1, 10 + seconds - 0.01, *notes, known=known)) == []
        found = check(read(way, 1, 10 + seconds + 0.01, *notes, known=known))
        assert len(found) == 1
        assert f"was shown {seconds}.010 s after version 2 had been acknowledged" in found[0]

    def test_one_who_names_a_version_gets_what_was_acknowledged(self) -> None:
        assert check(read(VERSIONED, 1, 9.95, known=1)) == []
        assert "after version 2" in check(read(VERSIONED, 1, 10.01, known=1))[0]

    def test_neither_redis_nor_database(self) -> None:
        assert check(read(PLAIN, 1, 500, REDIS_OUT, DATABASE_OUT)) == []

    def test_no_database_and_redis_has_the_page(self) -> None:
        assert "after version 2" in check(read(RELOADED, 1, 500, DATABASE_OUT))[0]

    @pytest.mark.parametrize("emptied", [9.95, 11, 500.05])
    def test_no_database_and_redis_was_emptied(self, emptied: float) -> None:
        lost = Incidents(emptied=[emptied])
        assert check(read(RELOADED, 1, 500, DATABASE_OUT), incidents=lost) == []
        before = Incidents(emptied=[5])
        assert check(read(RELOADED, 1, 500, DATABASE_OUT), incidents=before) != []

    def test_no_database_and_a_save_that_outlived_its_lock(self) -> None:
        saved = [SAVED[0], save(2, 21, begun=10)]
        assert check_reads([*saved, read(PLAIN, 1, 500, DATABASE_OUT)], TEXTS) == []
        assert check_reads([*saved, read(PLAIN, 1, 500)], TEXTS) != []

    def test_a_save_that_may_not_be_published(self) -> None:
        saved = [SAVED[0], save(2, 10, WARNED)]
        runs = Incidents(upkeep=[(9, 12), (14, 15), (19, 20)])
        late = [*saved, read(PLAIN, 1, 15.9)]
        assert check_reads(late, TEXTS, runs) == []
        assert check_reads(late, TEXTS) == []
        assert check_reads([*saved, read(PLAIN, 1, 16.1)], TEXTS, runs) != []

    def test_a_save_that_a_failover_lost(self) -> None:
        lost = Incidents(failovers=[(9.5, 11)])
        assert check(read(PLAIN, 1, 311.9), incidents=lost) == []
        assert check(read(PLAIN, 1, 312.1), incidents=lost) != []
        assert check(read(PLAIN, 1, 12), incidents=Incidents(failovers=[(10.5, 11)])) != []

    def test_a_newer_save_hides_none_that_is_due(self) -> None:
        saved = [save(1, 1), save(2, 10), save(3, 12, WARNED)]
        assert "after version 2" in check_reads([*saved, read(PLAIN, 1, 13)], TEXTS)[0]
        assert check_reads([*saved, read(PLAIN, 2, 13)], TEXTS) == []

    def test_a_save_that_nobody_acknowledged(self) -> None:
        unknown = replace(save(2, 10), outcome="info", version=0)
        assert check_reads([SAVED[0], unknown, read(PLAIN, 1, 500)], TEXTS) == []


class TestWhatIsKnown:
    """Nobody who says what he knows is shown less."""

    @pytest.mark.parametrize("way", [TAGGED, VERSIONED])
    def test_less_than_was_named(self, way: str) -> None:
        found = check(read(way, 1, 10, known=2))
        assert any("was shown to one who said that he knew version 2" in each for each in found)

    @pytest.mark.parametrize("way", [TAGGED, VERSIONED, PAGE, LIST, SEARCH])
    def test_less_than_was_shown_to_the_same_client(self, way: str) -> None:
        found = check(read(way, 2, 9.9), read(way, 1, 10.0))
        assert any("was shown to one who had version 2 already" in each for each in found)
        others = check(read(TAGGED, 2, 9.9), read(TAGGED, 1, 10.0, client=2))
        assert others == []

    def test_less_than_the_same_client_saved(self) -> None:
        own = replace(read(VERSIONED, 1, 10.05), client=0)
        assert any("had version 2 already" in each for each in check(own))

    def test_one_who_says_nothing_may_see_less_for_a_moment(self) -> None:
        reads = read(PLAIN, 2, 10.1), read(PLAIN, 1, 10.3)
        assert check(*reads) == []
        assert went_back([*SAVED, *reads]) == 1

    def test_what_was_refused_is_not_seen(self) -> None:
        refused = replace(read(TAGGED, 0, 10.2), outcome="fail")
        assert check(read(TAGGED, 2, 10.1), refused) == []


class TestTheDatabase:
    """What asks it shows what was acknowledged, and what was shown so before."""

    @pytest.mark.parametrize("way", AT_ONCE)
    def test_an_acknowledged_save(self, way: str) -> None:
        assert check(read(way, 1, 9.99)) == []
        found = check(read(way, 1, 10.01))
        assert len(found) == 1
        assert "was shown by the database when version 2 was settled" in found[0]

    @pytest.mark.parametrize("way", AT_ONCE)
    def test_one_that_others_have_seen(self, way: str) -> None:
        seen = read(PAGE, 3, 11, client=1)
        assert check(seen, read(way, 2, 11.05, client=2)) == []
        assert check(seen, read(way, 2, 11.15, client=2)) != []

    def test_search_tells_no_version(self) -> None:
        hit = replace(read(SEARCH, 1, 10.01), version=0)
        assert "search: was shown by the database" in check(hit)[0]
        assert check(replace(read(SEARCH, 2, 10.01), version=0)) == []

    def test_a_page_that_is_not_in_the_list(self) -> None:
        assert "version 0, list: was shown by the database" in check(read(LIST, 0, 10.01))[0]


class TestTexts:
    """Nothing is shown but what was stored."""

    def test_a_version_that_is_not_there(self) -> None:
        found = check_reads([read(PLAIN, 9, 12)], TEXTS)
        assert found == ["tea version 9, plain: was shown and is not there"]

    def test_a_text_that_is_not_there(self) -> None:
        unknown = replace(read(SEARCH, 0, 9), mark="never")
        assert "was shown and is not there" in check(unknown)[0]

    def test_another_text(self) -> None:
        wrong = replace(read(PLAIN, 2, 12), mark=mark("tea", 1))
        assert check(wrong) == ["tea version 2, plain: was shown with another text than it has"]


def violations(made: Made, *more: Operation) -> list[str]:
    return check_reads([*made.operations, *more], made.texts, INCIDENTS, BOUNDS)


@given(registers.histories())
def test_a_register_that_keeps_its_promises(made: Made) -> None:
    assert violations(made) == []
    assert (
        violations(made, *[read_late(made, way, slug, 0) for way in LATE_WAYS for slug in SLUGS])
        == []
    )


@given(registers.histories(), st.sampled_from(LATE_WAYS), st.sampled_from(SLUGS))
def test_an_old_page_when_all_is_over(made: Made, way: str, slug: str) -> None:
    assert violations(made, read_late(made, way, slug, behind=1)) != []


@given(registers.histories(), st.sampled_from((TAGGED, VERSIONED)), st.sampled_from(SLUGS))
def test_less_than_was_named(made: Made, way: str, slug: str) -> None:
    known = registers.last_saved(made, slug)
    noted = frozenset({REDIS_OUT, DATABASE_OUT})
    late = replace(read_late(made, way, slug, behind=1, known=known), notes=noted)
    assert violations(made, late) != []


@given(registers.histories(), st.data())
def test_any_read_of_the_database_that_shows_less(made: Made, data: st.DataObject) -> None:
    """Somebody reads right after another one, and is shown the version before."""
    sources = [each for each in made.operations if each.way in AT_ONCE and each.version]
    sources += [each for each in made.operations if each.way == SAVE and each.outcome == "ok"]
    source = data.draw(st.sampled_from(sources))
    begun, version = source.ended + 0.001, source.version - 1
    way = data.draw(st.sampled_from(AT_ONCE))
    older = Operation(77, way, source.slug, begun, begun, "ok", version, mark(source.slug, version))
    assert violations(made, older) != []


@given(registers.histories(), st.sampled_from(SLUGS))
def test_a_text_that_nobody_stored(made: Made, slug: str) -> None:
    late = read_late(made, PLAIN, slug, behind=0)
    assert violations(made, replace(late, mark=f"{slug} refused")) != []
    assert violations(made, replace(late, version=late.version + 1)) != []


def test_bounds_can_be_switched_off() -> None:
    """So that it is the bound that finds an old page, and nothing else."""
    reads = [*SAVED, read(PLAIN, 1, 300)]
    assert check_reads(reads, TEXTS) != []
    assert check_reads(reads, TEXTS, bounds=Bounds(flood=1000)) == []
