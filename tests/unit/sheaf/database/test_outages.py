"""What is unavailable, and when to try again, by what went wrong."""

import psycopg
import pytest
from psycopg.errors import ConnectionTimeout, QueryCanceled, UniqueViolation
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sheaf.database.outages import Unavailable, raise_translated


def of_database(error: psycopg.Error, kind: type[Exception] = OperationalError) -> Exception:
    made = kind("SELECT 1", None, error)
    made.__cause__ = error
    return made


def met(error: Exception) -> Exception:
    """What the caller is told of an error."""
    with pytest.raises(Exception) as told:  # noqa: PT011 - to be looked at
        raise_translated(error)
    return told.value


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (of_database(ConnectionTimeout()), 10),
        (ConnectionTimeout(), 10),
        (TimeoutError(), 10),
        (of_database(psycopg.OperationalError("connection refused")), 1),
        (of_database(psycopg.InterfaceError("closed"), InterfaceError), 1),
        (of_database(QueryCanceled()), 1),
        (psycopg.InterfaceError("closed"), 1),
        (PoolTimeout(), 1),
    ],
    ids=repr,
)
def test_a_driver_that_says_nothing_may_take_longer(error: Exception, seconds: int) -> None:
    told = met(error)
    assert isinstance(told, Unavailable)
    assert told.__cause__ is error
    assert told.retry_after == seconds
    assert not told.in_doubt


@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError, InterfaceError])
def test_after_a_lost_connection_it_is_in_doubt(kind: type[OperationalError]) -> None:
    told = met(kind("SELECT 1", None, Exception(), connection_invalidated=True))
    assert isinstance(told, Unavailable)
    assert told.in_doubt


@pytest.mark.parametrize(
    "error", [of_database(UniqueViolation(), IntegrityError), ZeroDivisionError(), Unavailable("x")]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert met(error) is error
