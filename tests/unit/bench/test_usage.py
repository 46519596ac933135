"""Usage: small cases that were worked out by hand."""

from dataclasses import replace

import pytest

from bench.prices import PRICES
from bench.usage import (
    Assumed,
    Load,
    Measured,
    hit_milliseconds,
    purged_paths,
    quantities,
    start_milliseconds,
    write_milliseconds,
)
from upkeep import app

# A processor for 1,769 MB: with this much memory a function has one to itself.
ASSUMED = Assumed(memory_mb=1769, calls_per_write=4)
MEASURED = Measured(
    page_bytes=9_300,
    hit_cpu_milliseconds=0.5,
    start_cpu_milliseconds=49.5,
    put_milliseconds=3.0,
    write_sql_milliseconds=2.5,
    log_bytes=650,
)
# 2,628,000 seconds are a month of 730 hours.
LOAD = Load(reads_per_second=10, cdn_hit_share=0.5, writes_share=0.01, page_bytes=9_300)


def used(load: Load = LOAD) -> dict[str, float]:
    return quantities(load, MEASURED, ASSUMED)


def test_a_month_of_requests() -> None:
    assert pytest.approx(26_280_000) == LOAD.reads
    assert pytest.approx(13_140_000) == LOAD.origin_reads
    assert pytest.approx(262_800) == LOAD.writes


def test_the_cdn_sends_pages_and_files() -> None:
    # 26.28 million × (9,300 + 700) bytes, and half as many files of 1,500 + 700.
    assert used()["cdn gigabytes"] == pytest.approx(262.8 + 28.908)
    # Pages, files, and four calls for each write.
    assert used()["cdn requests"] == pytest.approx(26.28 + 13.14 + 1.0512)
    assert used()["cdn function"] == pytest.approx(26.28)


def test_a_path_is_purged_for_each_page_unless_there_are_many() -> None:
    # Six pages a minute on average. Sums of k P(k) up to 3 are 6 P(up to 2), by tables 0.06197;
    # more than 3 come in 0.84880 of all minutes.
    assert used()["purged paths"] == pytest.approx(43_800 * (6 * 0.06197 + 0.84880), rel=1e-4)
    assert purged_paths(0.01, 3) == pytest.approx(0.01)
    assert purged_paths(600, 3) == pytest.approx(1)


@pytest.mark.parametrize(("minutes", "dollars"), [(1, 350), (5, 66)])
def test_three_pages_from_run_to_run_cost_most(minutes: int, dollars: int) -> None:
    """So docs/cost.md says."""
    paths = [43_800 / minutes * purged_paths(tenths / 10, 3) for tenths in range(600)]
    assert paths.index(max(paths)) / 10 == pytest.approx(3, abs=0.2)
    assert PRICES["purged paths"].of(max(paths)) == pytest.approx(dollars, abs=1)


def test_as_many_pages_have_paths_of_their_own_as_upkeep_gives_them() -> None:
    assert ASSUMED.paths_at_most == app._MOST_PATHS


def test_what_the_cdn_does_not_answer_is_called() -> None:
    assert used()["api requests"] == pytest.approx(13.14 + 1.0512)
    # With upkeep and purge, 43,800 minutes each.
    assert used()["lambda requests"] == pytest.approx(13.14 + 1.0512 + 0.0876)


def test_time_is_billed_in_whole_milliseconds() -> None:
    assert hit_milliseconds(MEASURED, ASSUMED) == 2  # 0.5 + 1
    assert write_milliseconds(MEASURED, ASSUMED) == 7  # 3 + 4 × 1
    assert start_milliseconds(MEASURED, ASSUMED) == 50
    half = Assumed(memory_mb=884)  # half a processor, all but
    assert hit_milliseconds(MEASURED, half) == 3
    assert start_milliseconds(MEASURED, half) == 100


def test_gigabyte_seconds() -> None:
    hits, misses, calls = 11_826_000, 1_314_000, 1_051_200
    seconds = (hits * 2 + misses * 25 + calls * 7 + (13_140_000 + calls) * 0.01 * 50) / 1000
    upkeep = 87_600 * 0.2
    assert used()["lambda time"] == pytest.approx((seconds + upkeep) * 1769 / 1024 / 1e6)


def test_the_cache_counts_kilobytes_and_keeps_every_page() -> None:
    kilobytes = (12_400 + 700) / 1024  # 9,300 bytes in base64
    ecpus = 13.14 * kilobytes + 0.2628 * (kilobytes + 6)
    assert used()["cache work"] == pytest.approx(ecpus)
    assert used()["cache data"] == pytest.approx(10_000 * 13_100 / 1e9 * 730)
    small = quantities(LOAD, MEASURED, Assumed(pages=10))
    assert small["cache data"] == pytest.approx(73)  # 0.1 GB are the least


def test_a_quiet_database_has_its_least_and_a_busy_one_what_it_needs() -> None:
    assert used()["database capacity"] == pytest.approx(0.5 * 2 * 730)
    busy = Load(reads_per_second=10_000, page_bytes=9_300, writes_share=0.02)
    # 200 writes of 2.5 ms and 100 misses of 0.5 ms a second are 0.55 of a processor; four units
    # are one processor, twice that is 4.4, in halves 4.5.
    assert used(busy)["database capacity"] == pytest.approx(4.5 * 2 * 730)


def test_the_database_stores_pages_and_the_revisions_of_a_month() -> None:
    assert used()["database data"] == pytest.approx(0.6 + 3.942)
    assert used()["database io"] == pytest.approx(2.628 + 0.657)


def test_each_call_is_logged_and_each_request_once_more() -> None:
    line = 650 + ASSUMED.platform_log_bytes
    requests = 13_140_000 + 1_051_200
    expected = requests * (line + ASSUMED.access_log_bytes) + 87_600 * line
    assert used()["logs"] == pytest.approx(expected / 1e9)


def test_rarer_upkeep_runs_and_purges_less() -> None:
    rarer = quantities(LOAD, MEASURED, replace(ASSUMED, upkeep_minutes=5))
    # Thirty pages change from run to run: nearly always all pages are purged.
    assert rarer["purged paths"] == pytest.approx(8_760, rel=0.01)
    assert rarer["lambda requests"] == pytest.approx(13.14 + 1.0512 + 0.01752)


def test_without_requests_the_database_and_the_watch_remain() -> None:
    none = used(Load(reads_per_second=0, page_bytes=9_300))
    assert none["cdn requests"] == none["purged paths"] == none["api requests"] == 0
    assert none["database capacity"] == pytest.approx(0.5 * 2 * 730)


@pytest.mark.parametrize(("minutes", "awake"), [(1, 1), (60, 1 / 6)])
def test_a_database_that_may_sleep_is_woken_by_upkeep(minutes: float, awake: float) -> None:
    sleepy = Assumed(least_acu=0, instances=1, upkeep_minutes=minutes)
    none = quantities(Load(reads_per_second=0, page_bytes=9_300), MEASURED, sleepy)
    assert none["database capacity"] == pytest.approx(0.5 * 730 * awake)


def test_a_firewall_inspects_all_that_comes_and_is_none_unless_it_is_wanted() -> None:
    firewall = ("web acls", "web acl rules", "inspected requests")
    assert [used()[name] for name in firewall] == [0, 0, 0]
    wanted = quantities(LOAD, MEASURED, replace(ASSUMED, web_acls=1))
    # Pages, files, and four calls for each write.
    assert [wanted[name] for name in firewall] == [1, 1, pytest.approx(26.28 + 13.14 + 1.0512)]
