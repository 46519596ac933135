"""What is unavailable, why, and when to try again, by what went wrong."""

from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from psycopg.errors import ConnectionTimeout, QueryCanceled, UniqueViolation
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sheaf.database.outages import Held, NoRoom, Unavailable, ends_session, raise_translated

# All that PostgreSQL can say, as far as its driver knows.
SQLSTATES = sorted({known.sqlstate for known in errors._sqlcodes.values() if known.sqlstate})
# What says that the session is of no more use; after the first ones nothing was done.
DONE_AGAIN = {"25006", "25P03", "25P04", "26000", "42P05", "57P05"}
SESSION_IS_OVER = DONE_AGAIN | {"57P01", "57P02", "57P03", "57P04"}
OTHERS_WERE_FASTER = {"40001", "40P01"}
# Nothing was done, and the session is as good as before.
UNDONE = DONE_AGAIN | OTHERS_WERE_FASTER | {"55P03"}


class Said(NamedTuple):
    """What libpq tells of an error, as far as it is looked at."""

    source_function: str | None = None


def said(sqlstate: str, function: str | None = None) -> psycopg.Error:
    """What psycopg makes of an error of PostgreSQL."""

    class Told(errors.lookup(sqlstate)):  # type: ignore[misc]
        diag = Said(function)

    return Told("said by PostgreSQL")


def of_database(
    error: Exception, kind: type[DBAPIError] = OperationalError, **options: Any
) -> Exception:
    made = kind("SELECT 1", None, error, **options)
    made.__cause__ = error
    return made


def as_wrapped(error: psycopg.Error, lost: bool) -> Exception:
    """What SQLAlchemy makes of an error of its driver: one of the kind of the same name."""
    names = [kind.__name__ for kind in type(error).__mro__]
    kind = next(getattr(exc, name) for name in names if hasattr(exc, name))
    return of_database(error, kind, connection_invalidated=lost)


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


@pytest.mark.parametrize("error", [ConnectionTimeout(), psycopg.OperationalError(), Exception()])
@pytest.mark.parametrize("kind", [OperationalError, DBAPIError, InterfaceError])
def test_a_lost_session_says_nothing_of_what_was_done(
    kind: type[DBAPIError], error: Exception
) -> None:
    told = met(of_database(error, kind, connection_invalidated=True))
    assert isinstance(told, Unavailable)
    assert not told.undone


@pytest.mark.parametrize("sqlstate", SQLSTATES)
@given(wrapped=st.booleans(), lost=st.booleans())
def test_each_sqlstate_means_the_same_wherever_it_is_met(
    sqlstate: str, wrapped: bool, lost: bool
) -> None:
    error = said(sqlstate)
    told = met(as_wrapped(error, lost) if wrapped else error)
    expected = SESSION_IS_OVER | OTHERS_WERE_FASTER
    if sqlstate in expected or isinstance(error, psycopg.OperationalError) or (wrapped and lost):
        assert isinstance(told, Unavailable)
        assert told.undone == (sqlstate in UNDONE)
        assert isinstance(told, NoRoom) == (sqlstate == "53100")
        assert isinstance(told, Held) == (sqlstate == "55P03")
    else:
        assert not isinstance(told, Unavailable)


@pytest.mark.parametrize("sqlstate", SQLSTATES)
def test_which_sessions_are_of_no_more_use(sqlstate: str) -> None:
    over = sqlstate in SESSION_IS_OVER or sqlstate.startswith("08")
    assert ends_session(said(sqlstate)) == over


@pytest.mark.parametrize("language", ["cached plan must not change", "Le plan en cache"])
def test_a_stale_plan_is_known_in_any_language(language: str) -> None:
    error = said("0A000", "RevalidateCachedQuery")
    error.args = (language,)
    assert ends_session(error)
    told = met(error)
    assert isinstance(told, Unavailable)
    assert told.undone


@pytest.mark.parametrize("function", [None, "transformLockingClause"])
def test_what_is_not_supported_is_a_fault(function: str | None) -> None:
    error = said("0A000", function)
    assert not ends_session(error)
    assert met(error) is error


@pytest.mark.parametrize(
    "error", [of_database(UniqueViolation(), IntegrityError), ZeroDivisionError(), Unavailable("x")]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert met(error) is error
    assert not ends_session(error)
