"""Transactions in doubt: prepared for two-phase commit, and neither committed nor rolled back yet.

They keep their locks, through restarts too, and keep PostgreSQL from clearing away old rows.
"""

from sqlalchemy import Connection, column, extract, func, select, table

_prepared = table("pg_prepared_xacts", column("prepared"), column("database"))


def age(connection: Connection) -> float:
    """For how many seconds the database's oldest one has been in doubt; 0 if there is none."""
    waiting = func.clock_timestamp() - func.min(_prepared.c.prepared)
    seconds = select(func.coalesce(extract("epoch", waiting), 0))
    ours = seconds.where(_prepared.c.database == func.current_database())
    return float(connection.execute(ours).scalar_one())
