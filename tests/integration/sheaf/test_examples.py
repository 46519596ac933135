"""The examples in the libraries' docstrings do what they say."""

import doctest
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, select

from sheaf.caching import entry, near, reader, versioned
from sheaf.locks import multi, zookeeper
from sheaf.locks import redis as redis_locks
from sheaf.paging import asc, cursors, desc, fetching, keysets
from tests.fixtures import Servers
from tests.servers.zookeeper import zookeeper_ensemble

MODULES = (entry, near, reader, versioned, multi, redis_locks, cursors, fetching, keysets)


@pytest.fixture
def surroundings(client: Any, clean: Servers) -> Iterator[dict[str, Any]]:
    """What the examples take for given."""
    teas = Table(
        "teas",
        MetaData(),
        Column("name", Text(collation="C"), primary_key=True),
        Column("age", Integer, nullable=False),
    )
    address = clean.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(address)
    teas.create(engine)
    with engine.begin() as connection:
        rows = [{"name": name, "age": 1} for name in ("keemun", "assam", "sencha")]
        connection.execute(teas.insert(), rows)
    yield {
        "client": client,
        "url": clean.cache_url,
        "engine": engine,
        "teas": teas,
        "time": time,
        "select": select,
        "asc": asc,
        "desc": desc,
        "RedisLock": redis_locks.RedisLock,
        "RedisLocks": redis_locks.RedisLocks,
    }
    teas.drop(engine)
    engine.dispose()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_do_what_they_say(module: ModuleType, surroundings: dict[str, Any]) -> None:
    done = doctest.testmod(module, extraglobs=surroundings, report=False)
    assert done.attempted
    assert not done.failed


def test_examples_on_zookeeper_do_what_they_say(tmp_path: Path) -> None:
    with zookeeper_ensemble(tmp_path, size=1) as ensemble:
        surroundings = {"hosts": ensemble.hosts, "url": ensemble.url}
        done = doctest.testmod(zookeeper, extraglobs=surroundings, report=False)
    assert done.attempted
    assert not done.failed
