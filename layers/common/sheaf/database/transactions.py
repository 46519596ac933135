"""Transactions of several statements, and those in doubt: prepared for two-phase commit, not ended.

A connection ends each statement's transaction by itself, which saves BEGIN and COMMIT their round
trips. What is in doubt keeps its locks, through restarts too, and keeps PostgreSQL from clearing
away old rows.
"""

from typing import Any

from sqlalchemy import Connection, Engine, column, extract, func, select, table, text

from sheaf.database import connections

_prepared = table("pg_prepared_xacts", column("prepared"), column("database"))


def transactional(engine: Engine) -> Engine:
    """The same database, on the same connections, with transactions that `begin()` starts."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def take_time(connection: Connection, seconds: int) -> None:
    """Let each statement of this transaction take up to `seconds`."""
    connection.execute(text(f"SET LOCAL statement_timeout = '{seconds}s'"))
    driver: Any = connection.connection.driver_connection
    driver.patience = seconds + connections.SPARE_SECONDS


def in_doubt_for(connection: Connection) -> float:
    """For how many seconds the database's oldest one has been in doubt; 0 if there is none."""
    waiting = func.clock_timestamp() - func.min(_prepared.c.prepared)
    seconds = select(func.coalesce(extract("epoch", waiting), 0))
    ours = seconds.where(_prepared.c.database == func.current_database())
    return float(connection.execute(ours).scalar_one())
