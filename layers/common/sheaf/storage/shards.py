"""Shards: the databases, and which of them holds a slug."""

from functools import cache

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from sheaf import settings
from sheaf.presigning import Credentials, database_token

_CONNECT_SECONDS = 5
_STATEMENT_MILLISECONDS = 5000


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
        pool_pre_ping=True,
        pool_timeout=_CONNECT_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS}",
            "application_name": "sheaf",
        },
    )
    current = settings.current()
    if current.auth == "iam":
        _log_in_by_iam(engine, current.region)
    return engine


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
