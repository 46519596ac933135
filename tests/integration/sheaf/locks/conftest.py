"""The lock engines under test, each with names that nobody used before."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
import redis

from sheaf import redis_client
from sheaf.locks import Locks
from sheaf.locks.redis import RedisLocks
from tests.conftest import Servers

NewName = Callable[[], str]


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    """An empty Redis."""
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


@pytest.fixture(params=["redis"])
def locks(request: pytest.FixtureRequest) -> Locks:
    """Each engine in turn, on servers of its own."""
    engine: Locks = request.getfixturevalue(f"{request.param}_locks")
    return engine


@pytest.fixture
def redis_locks(environment: Servers) -> Locks:
    return RedisLocks(redis_client.connect(environment.cache_url))


@pytest.fixture(scope="session")
def new_name() -> NewName:
    """Makes a name for a lock."""
    numbers = count()
    return lambda: f"page:test/{next(numbers)}"
