"""The home shard, seen by the statements under test, and from beside them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from sheaf.storage import shards
from tests.fixtures import Servers


@pytest.fixture
def connection(clean: Servers) -> Iterator[Connection]:
    """A transaction that follows the slot map; it is taken back in the end, whoever owns what."""
    engine = shards.transactional(shards.home())
    epoch = shards.current_map().epoch
    with engine.connect().execution_options(map_epoch=epoch) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def beside(clean: Servers) -> Iterator[Connection]:
    """Another connection, where each statement is a transaction of its own."""
    engine = shards.apart(0)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
