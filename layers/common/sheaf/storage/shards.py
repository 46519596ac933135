"""Shards: the databases, and which of them holds a slug."""

import time
from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from sheaf import settings
from sheaf.presigning import Credentials, database_token

_CONNECT_SECONDS = 5
_STATEMENT_MILLISECONDS = 5000
_TRUSTED_SECONDS = 10


def home() -> Engine:
    """The shard that also holds what belongs to no slug, such as the signing keys.

    Each statement on it is a transaction of its own, which saves BEGIN and COMMIT their round
    trips; `transactional` is for what takes several statements.
    """
    return _engine(settings.current().database_urls[0])


def owning(_slug: str) -> Engine:
    """The shard that holds this slug. The first version has one shard, and it holds all."""
    return home()


def transactional(engine: Engine) -> Engine:
    """The same shard, on the same connections, with transactions that `begin()` starts."""
    return engine.execution_options(isolation_level="READ COMMITTED")


@cache
def _engine(address: str) -> Engine:
    # One instance serves one request at a time, so it needs one connection.
    engine = create_engine(
        _psycopg(make_url(address)),
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS}",
            "application_name": "sheaf",
        },
    )
    _ping_after_idleness(engine)
    current = settings.current()
    if current.auth == "iam":
        _log_in_by_iam(engine, current.region)
    return engine


def _ping_after_idleness(engine: Engine) -> None:
    """Test a connection that was long unused before it is used: its server may be gone.

    By the clock on the wall: others stand still while an instance is frozen.
    """

    @event.listens_for(engine, "checkin")
    def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.time()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if abs(time.time() - record.info.get("used_at", time.time())) < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool throws away what this is raised for, and connects again.
            raise DisconnectionError from error


def _psycopg(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg")


def _log_in_by_iam(engine: Engine, region: str) -> None:
    @event.listens_for(engine, "do_connect")
    def add_token(_dialect: object, _record: object, _args: object, parameters: dict) -> None:  # type: ignore[type-arg]
        parameters["password"] = database_token(
            Credentials.from_environment(),
            region,
            parameters["host"],
            int(parameters.get("port", 5432)),
            parameters["user"],
        )
