"""When a database cannot serve: the one list of what drivers and pools raise then."""

from concurrent.futures import TimeoutError as FutureTimeout
from typing import NoReturn

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# An Aurora that was paused wakes in about 15 seconds; we have waited for 5 of them.
_WAKING_SECONDS = 10

_OF_SERVICE = (
    *(OperationalError, InterfaceError, PoolTimeout, FutureTimeout),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)
# What asking a database can raise; of that, `raise_translated` makes what callers know.
DRIVER_ERRORS = (*_OF_SERVICE, DBAPIError)


class Unavailable(Exception):
    """The database cannot serve now: it is down, says nothing, or does as much as it should.

    `retry_after` is in how many seconds it may, and `in_doubt` says that an answer was lost: what
    was asked for may have been done.
    """

    def __init__(self, reason: str, retry_after: int = 1, *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.in_doubt = in_doubt


def raise_translated(error: Exception) -> NoReturn:
    """Raise Unavailable for what is raised when a database cannot serve, else the error again."""
    found = translated(error)
    if found is error:
        raise error
    raise found from error


def translated(error: Exception) -> Exception:
    """Unavailable in place of what is raised when a database cannot serve, else the error."""
    in_doubt = isinstance(error, DBAPIError) and error.connection_invalidated
    if not in_doubt and not isinstance(error, _OF_SERVICE):
        return error
    return Unavailable("the database does not answer", _wait(error), in_doubt=in_doubt)


def _wait(error: BaseException | None) -> int:
    """In how many seconds a database may be there that failed so: longer if it said nothing."""
    while error:
        if isinstance(error, (ConnectionTimeout, TimeoutError)):
            return _WAKING_SECONDS
        error = error.__cause__
    return 1
