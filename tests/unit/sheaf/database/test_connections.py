"""When to try again, by what went wrong."""

import psycopg
import pytest
from psycopg.errors import ConnectionTimeout, QueryCanceled
from sqlalchemy.exc import OperationalError

from sheaf.database import connections
from sheaf.sharding.ownership import Moved
from sheaf.sharding.scattering import ShardDown


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    error.__cause__ = cause
    return error


def of_database(error: psycopg.Error) -> Exception:
    return raised(OperationalError("SELECT 1", None, error), error)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (of_database(ConnectionTimeout()), 10),
        (raised(ShardDown(), TimeoutError()), 10),
        (raised(ShardDown(), of_database(ConnectionTimeout())), 10),
        (of_database(psycopg.OperationalError("connection refused")), 1),
        (of_database(QueryCanceled()), 1),
        (raised(ShardDown(), of_database(QueryCanceled())), 1),
        (Moved("a slug"), 1),
    ],
    ids=repr,
)
def test_who_says_nothing_may_take_longer(error: Exception, seconds: int) -> None:
    assert connections.retry_after(error) == seconds
