"""What the errors of a database mean, by their SQLSTATE: the one list of them.

An error that says that a session is of no more use is none of its statement's: over another
connection the same may be done.
"""

from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import NoReturn

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# An Aurora that was paused wakes in about 15 seconds; we have waited for 5 of them.
_WAKING_SECONDS = 10
# Room is made by people.
_ROOM_SECONDS = 30

_OF_SERVICE = (
    *(OperationalError, InterfaceError, PoolTimeout, FutureTimeout),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)
# What asking a database can raise; of that, `raise_translated` makes what callers know.
DRIVER_ERRORS = (*_OF_SERVICE, DBAPIError, psycopg.Error)


class Unavailable(Exception):
    """The database cannot serve now: it is down, says nothing, or does as much as it should.

    `retry_after` is in how many seconds it may. `undone` says that what was asked for was not done,
    and is worth another attempt. Otherwise it was done or was not, or, if no answer came, it may
    yet be done.
    """

    def __init__(self, reason: str, retry_after: int = 1, *, undone: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.undone = undone


class Held(Unavailable):
    """Somebody else has the row that was to be changed, maybe in doubt; all else can be changed."""


class NoRoom(Unavailable):
    """The database's disk is full: it can be read, and nothing can be written."""


@dataclass(frozen=True)
class _Meaning:
    """Of an error that ended a statement: why, and if its session is over with it.

    `undone` says that nothing was done, and that it is worth another attempt.
    """

    reason: str = "the database does not answer"
    ends_session: bool = False
    undone: bool = False


_READ_ONLY = _Meaning("the database takes no changes now", ends_session=True, undone=True)
_FORGETFUL = _Meaning("the database has lost a statement", ends_session=True, undone=True)
_OVERTAKEN = _Meaning("the database was busy with others' changes", undone=True)
_IDLE = _Meaning("the database has ended a session", ends_session=True, undone=True)
# Whoever waits for a replica's word is ended so, too, and has committed already.
_ENDED = _Meaning(ends_session=True)

_MEANINGS = {
    "08": _ENDED,
    "25006": _READ_ONLY,  # after a failover: a server that is the primary no more, or never was
    "25P03": _IDLE,  # in a transaction
    "25P04": _IDLE,  # a transaction took too long
    "26000": _FORGETFUL,  # a prepared statement is not there
    "42P05": _FORGETFUL,  # another one has its name
    "40001": _OVERTAKEN,  # on a replica also: what is read is to be replaced
    "40P01": _OVERTAKEN,
    "53100": _Meaning("the database's disk is full"),
    "53200": _Meaning("the database is out of memory"),
    "55P03": _Meaning("somebody else is changing this", undone=True),  # and is not waited for
    "57014": _Meaning("the database took too long"),
    "57P01": _ENDED,
    "57P02": _ENDED,
    "57P03": _ENDED,
    "57P04": _ENDED,
    "57P05": _IDLE,
}
# Its SQLSTATE stands for much that is not supported, its text may be in any language.
_STALE_PLAN = ("0A000", "RevalidateCachedQuery")


def ends_session(error: BaseException | None) -> bool:
    """Whether an error says that its session is of no more use, for whatever statement."""
    meaning = _meaning(error)
    return meaning is not None and meaning.ends_session


def raise_translated(error: Exception) -> NoReturn:
    """Raise Unavailable for what is raised when a database cannot serve, else the error again."""
    found = translated(error)
    if found is error:
        raise error
    raise found from error


def translated(error: Exception) -> Exception:
    """Unavailable in place of what is raised when a database cannot serve, else the error."""
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    meaning, lost = _meaning(of_driver), _is_lost(error)
    if meaning is None and not lost and not isinstance(error, _OF_SERVICE):
        return error
    meaning = meaning or _Meaning()
    if isinstance(of_driver, psycopg.errors.DiskFull):
        return NoRoom(meaning.reason, _ROOM_SECONDS)
    kind = Held if isinstance(of_driver, psycopg.errors.LockNotAvailable) else Unavailable
    return kind(meaning.reason, _wait(error), undone=meaning.undone)


def _meaning(error: BaseException | None) -> _Meaning | None:
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return None
    if (error.sqlstate, error.diag.source_function) == _STALE_PLAN:
        return _FORGETFUL
    return _MEANINGS.get(error.sqlstate) or _MEANINGS.get(error.sqlstate[:2])


def _is_lost(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _wait(error: BaseException | None) -> int:
    """In how many seconds a database may be there that failed so: longer if it said nothing."""
    while error:
        if isinstance(error, (ConnectionTimeout, TimeoutError)):
            return _WAKING_SECONDS
        error = error.__cause__
    return 1
