"""The figures that README and the manual give are of the last measurements, in bench/results."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# However their lines are broken.
README, MANUAL = (
    " ".join((ROOT / name).read_text().split()) for name in ("README.md", "docs/develop.md")
)


def writers(result: Any) -> str:
    ours = result["writers"]["16"]["Sheaf"]
    done, refused = (ours["puts"][status] for status in ("200", "412"))
    return (
        f"{done:,} saves acknowledged, {refused:,} refused as the page had changed meanwhile,"
        f" {ours['lost']} lost"
    )


def served(result: Any) -> str:
    ours = result["load"]["Sheaf 200"]
    return (
        f"in {ours['p50']:.1f} ms, 99 of 100 in {ours['p99']:.1f} ms,"
        f" at {ours['per_second']:,.0f} requests a second"
    )


def cached(result: Any) -> str:
    names = ("Sheaf", "Flask", "FastAPI")
    own, flask, fastapi = (result["warm"][name]["cpu_microseconds_200"] / 1000 for name in names)
    return (
        f"{own:.2f} ms of CPU time; the same page takes {flask:.2f} ms with Flask,"
        f" {fastapi:.2f} ms with FastAPI"
    )


def cold(result: Any) -> str:
    names = ("Sheaf", "constant", "Flask", "FastAPI")
    own, nothing, flask, fastapi = (result["cold"][name]["median_milliseconds"] for name in names)
    return (
        f"{own:.0f} ms; a function that does nothing {nothing:.0f} ms, Flask {flask:.0f} ms,"
        f" FastAPI {fastapi:.0f} ms"
    )


def stampede(result: Any) -> str:
    ours = result["stampede"]["Sheaf"]
    assert ours["always_one"]
    return f"{result['readers']} readers, {ours['rounds']} rounds: read and rendered once"


def deep(result: Any) -> str:
    calls = {name: each["call"] for name, each in result["depth"]["contenders"].items()}
    ours, django = (calls[name]["deep_to_first"] for name in ("Sheaf", "Django's Paginator"))
    return f"{ours:.1f} times page 1; Django's Paginator {django:.1f} times"


def missed(result: Any) -> str:
    many = result["shards"]["layouts"]["16"]
    call, request = many["call_to_one_shard"], many["request_to_one_shard"]
    return f"{call:.1f} times; the request as a whole takes {request:.1f} times as long"


def search(result: Any) -> str:
    first, third = result["top_1"], result["top_3"]
    ours, theirs = (
        [round(100 * top[name]["all"]) for top in (first, third)] for name in ("sheaf", "FTS5")
    )
    return (
        f"ranked first in {ours[0]} of 100 queries, among the first three in {ours[1]};"
        f" by SQLite's FTS5 in {theirs[0]} and {theirs[1]}"
    )


def files(result: Any) -> str:
    folders = result["folders"]
    taken = sum(folder["taken"] for folder in folders)
    assert taken == sum(min(folder["same"].values()) for folder in folders)
    return f"{taken:,} files of six manuals, all of them byte for byte"


def rendering(result: Any) -> str:
    families = result["families"]
    slowest = max(each["seconds"] for each in families.values())
    return (
        f"{len(families)} kinds of hostile texts of 1 MiB: saved or refused within {slowest:.1f} s"
    )


def handoff(result: Any) -> str:
    ours, theirs = (
        result["handoffs"][name]["p50"] for name in ("Sheaf RedisLock", "redis-py Lock")
    )
    return f"in {ours:.1f} ms; redis-py's in {theirs:.0f} ms"


FIGURES = {
    "contention": [writers],
    "cold": [cached, cold],
    "serve": [served, stampede],
    "lists": [deep, missed],
    "search_quality": [search],
    "folders": [files],
    "rendering": [rendering],
    "locks": [handoff],
}
# Of which the manual tells.
LESS_ASKED_FOR = (stampede, deep, missed, handoff)


@pytest.mark.parametrize(
    ("name", "said"), [(name, said) for name, all_said in FIGURES.items() for said in all_said]
)
def test_a_figure_is_the_measured_one(name: str, said: Callable[[Any], str]) -> None:
    result = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text())
    assert said(result) in (MANUAL if said in LESS_ASKED_FOR else README)
