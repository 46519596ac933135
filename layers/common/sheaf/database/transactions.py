"""Transactions of several statements, and those in doubt: prepared for two-phase commit, not ended.

A connection ends each statement's transaction by itself, which saves BEGIN and COMMIT their round
trips. What is in doubt keeps its locks, through restarts too, and keeps PostgreSQL from clearing
away old rows.
"""

import time
from typing import Any

from psycopg.errors import ObjectNotInPrerequisiteState, UndefinedObject
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    column,
    extract,
    func,
    select,
    table,
    text,
)
from sqlalchemy.exc import OperationalError, ProgrammingError

from sheaf.database import connections

_OTHERS_SECONDS, _PAUSE_SECONDS = 1.0, 0.02
_PREPARED = table("pg_prepared_xacts", column("gid"), column("prepared"), column("database"))
_OURS = _PREPARED.c.database == func.current_database()
_AGE = extract("epoch", func.clock_timestamp() - _PREPARED.c.prepared)


def transactional(engine: Engine) -> Engine:
    """The same database, on the same connections, with transactions that `begin()` starts."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def take_time(connection: Connection, seconds: int) -> None:
    """Let each statement of this transaction take up to `seconds`, and the next come as late."""
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {name} = '{seconds}s'"))
    driver: Any = connection.connection.driver_connection
    driver.patience = seconds + connections.SPARE_SECONDS


def at_once(rows: Select[Any]) -> ColumnElement[bool]:
    """True, after these rows were locked, if any; for a statement that is to wait for none of them.

    It fails with LockNotAvailable if another transaction has one, which may be in doubt for long.
    """
    locked = rows.with_for_update(nowait=True, key_share=True).cte("locked")
    return select(func.count()).select_from(locked).scalar_subquery() >= 0


def prepares(connection: Connection) -> bool:
    """Whether the database can have transactions in doubt, which PostgreSQL by default cannot."""
    return int(connection.execute(text("SHOW max_prepared_transactions")).scalar_one()) > 0


def prepare(connection: Connection, name: str) -> None:
    """Prepare the transaction, which then belongs to no session. The name goes for the server."""
    connection.execute(text(f"PREPARE TRANSACTION '{name}'"))


def end_prepared(connection: Connection, name: str, *, commit: bool) -> None:
    """Commit what is prepared, or roll it back. If that was done before, nothing happens.

    The connection is one that ends each statement's transaction by itself.
    """
    statement = text(f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{name}'")
    give_up_at = time.monotonic() + _OTHERS_SECONDS
    while True:
        try:
            connection.execute(statement)
        except ProgrammingError as error:
            if isinstance(error.orig, UndefinedObject):
                return
            raise
        except OperationalError as error:
            # Somebody else is ending it at this moment.
            is_busy = isinstance(error.orig, ObjectNotInPrerequisiteState)
            if not is_busy or time.monotonic() > give_up_at:
                raise
        else:
            return
        time.sleep(_PAUSE_SECONDS)


def prepared(connection: Connection, beginning: str) -> dict[str, float]:
    """The names that begin so, of what the database has in doubt, and since how many seconds.

    The oldest is the first.
    """
    mine = _PREPARED.c.gid.startswith(beginning, autoescape=True)
    statement = select(_PREPARED.c.gid, _AGE).where(_OURS, mine).order_by(_AGE.desc())
    return {name: float(age) for name, age in connection.execute(statement)}


def in_doubt_for(connection: Connection) -> float:
    """For how many seconds the database's oldest one has been in doubt; 0 if there is none."""
    seconds = select(func.coalesce(func.max(_AGE), 0)).where(_OURS)
    return float(connection.execute(seconds).scalar_one())
