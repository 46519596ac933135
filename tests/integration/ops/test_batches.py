"""`sheaf batches` on real databases, where batches are in doubt."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from sheaf.sharding.slot_maps import SlotMap
from tests.integration.conftest import Sharded
from tests.waiting import PATIENCE

OWNER = SlotMap.even(2).owner
PREPARED_AT_HOME, PREPARED_THERE = (
    next(f"p{n}" for n in range(100) if OWNER(f"p{n}") == shard) for shard in range(2)
)


def batches(site: Sharded, *databases: str) -> "subprocess.CompletedProcess[str]":
    urls = ",".join(databases or site.databases)
    return subprocess.run(
        [sys.executable, "-m", "ops", "batches"],
        env={**site.environment, "SHEAF_DATABASE_URLS": urls},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def lines(site: Sharded, *databases: str) -> list[str]:
    done = batches(site, *databases)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def decide(site: Sharded, batch: UUID, *, committed: bool) -> None:
    with psycopg.connect(site.databases[0]) as home:
        statement = "INSERT INTO decisions (id, committed, shards) VALUES (%s, %s, %s)"
        home.execute(statement, (batch, committed, [1, 2]))


@pytest.fixture
def left(sharded: Sharded) -> Iterator[list[UUID]]:
    """Batches that are prepared on the shard of the same number, and on no other."""
    found = [uuid4() for _ in sharded.databases]
    with ExitStack() as stack:
        for number, (batch, url) in enumerate(zip(found, sharded.databases, strict=True)):
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            name = f"sheaf-{batch.hex}-{number}"
            connection.execute("BEGIN")
            connection.execute("SELECT pg_current_xact_id()")
            connection.execute(f"PREPARE TRANSACTION '{name}'".encode())
            stack.callback(connection.execute, f"ROLLBACK PREPARED '{name}'".encode())
        yield found


def test_nothing_is_in_doubt_and_nothing_was_decided(sharded: Sharded) -> None:
    assert lines(sharded) == ["no batch is in doubt", "", "no batch was decided lately"]


def test_a_batch_of_several_shards_is_among_those_that_ended(sharded: Sharded) -> None:
    slugs = (PREPARED_AT_HOME, PREPARED_THERE)
    answer = httpx.post(
        f"{sharded.url}/api/batches",
        headers={"Authorization": f"Bearer {sharded.token}"},
        json={"changes": [{"slug": slug, "body": "x", "if_none_match": "*"} for slug in slugs]},
        timeout=PATIENCE,
    )
    assert answer.status_code == 201
    none, empty, head, row = lines(sharded)
    assert (none, empty) == ("no batch is in doubt", "")
    assert head.split()[:2] == ["BATCH", "DECIDED"]
    assert row.split()[1:3] == ["committed", "1"]
    assert row.endswith("not yet")


def test_what_is_in_doubt_is_shown_with_what_was_decided(
    sharded: Sharded, left: list[UUID]
) -> None:
    decide(sharded, left[1], committed=True)
    decide(sharded, left[2], committed=False)
    head, *rows = lines(sharded)
    assert head.split() == ["IN", "DOUBT", "SHARD", "AGE", "DECIDED"]
    found = {(words[0], words[1]): words[4:] for words in map(str.split, rows[:3])}
    assert found == {
        (str(left[0]), "0"): ["not", "yet"],
        (str(left[1]), "1"): ["committed"],
        (str(left[2]), "2"): ["aborted"],
    }
    # To look decides nothing.
    with psycopg.connect(sharded.databases[0]) as home:
        assert home.execute("SELECT count(*) FROM decisions").fetchone() == (2,)
    newest = [row.split()[:4] for row in rows[5:]]
    assert newest == [
        [str(left[2]), "aborted", "1,", "2"],
        [str(left[1]), "committed", "1,", "2"],
    ]


def test_a_shard_that_is_down_is_said(sharded: Sharded, left: list[UUID]) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    first, *rest = lines(sharded, *sharded.databases[:2], nowhere)
    assert first.startswith("shard 2 cannot be asked: ")
    assert {row.split()[0] for row in rest[1:3]} == {str(left[0]), str(left[1])}

    first, *rest = lines(sharded, nowhere, *sharded.databases[1:])
    assert first.startswith("shard 0 cannot be asked: ")
    assert [row.split()[-1] for row in rest[1:3]] == ["unknown", "unknown"]
    assert rest[-1] == "what was decided is in shard 0"


def test_only_the_fifty_newest_are_shown(sharded: Sharded) -> None:
    for _ in range(52):
        decide(sharded, newest := uuid4(), committed=True)
    rows = lines(sharded)[3:]
    assert len(rows) == 50
    assert rows[0].startswith(str(newest))


def test_without_settings_it_is_one_line(sharded: Sharded) -> None:
    done = batches(sharded, "")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
