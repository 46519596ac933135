"""Connections to PostgreSQL: how they are made, how long they are waited for, if they can be used.

PostgreSQL keeps the limits that it is given, as long as it runs. One that was paused, or whose
machine stands still, takes what it is sent and says nothing, so there is a limit on our side too.
"""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.pq import TransactionStatus
from sqlalchemy import Compiled, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool, QueuePool

from sheaf import settings
from sheaf.aws.presigning import Credentials, database_token

_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 5
_SETTINGS = {
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    # Our statements are best served by one plan each, whatever their parameters. Left to itself
    # PostgreSQL makes a new one for each page of a list, which takes longer than to read the page.
    "plan_cache_mode": "force_generic_plan",
    # Without the parameters it can only guess how long a list is, and if it guesses a short one it
    # would rather sort all of it than follow the index. What no index has in order is still sorted.
    "enable_sort": "off",
    # Before PostgreSQL 18 what is turned off is expensive instead, and what is expensive compiled.
    "jit": "off",
}
# For the answer to a statement that PostgreSQL itself had to end, to come.
SPARE_SECONDS = 1.0
_PING_SECONDS = 1.0
# What has come while others were waited for has to be read, too.
_LEAST_SECONDS = 0.1
_TRUSTED_SECONDS = 10

# When the connection of a pool was made or given back (by the wall clock).
_used_at: WeakKeyDictionary[Pool, float] = WeakKeyDictionary()


def engine(address: str) -> Engine:
    """An engine with one connection at most, for one request at a time."""
    made = create_engine(
        make_url(address).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
            "application_name": "sheaf",
        },
    )
    _connect_as_told(made)
    _test_before_use(made)
    return made


def is_at_hand(engine: Engine) -> bool:
    """Whether its connection is there, and used so lately that it will not be tested."""
    pool = engine.pool
    return isinstance(pool, QueuePool) and pool.checkedin() > 0 and _is_trusted(pool)


def send(
    engine: Engine, statement: Compiled, parameters: Mapping[str, Any], give_up_at: float
) -> Iterator[Any]:
    """First nothing, when a statement is sent; then its rows, which are waited for until then.

    It is the driver that does it, in half of SQLAlchemy's time. What has come while others were
    waited for is read, however late it is (by `time.monotonic`).
    """
    with closing(engine.raw_connection()) as connection:
        driver: Impatient = connection.driver_connection  # type: ignore[assignment]
        try:
            cursor = driver.send(str(statement), statement.construct_params(dict(parameters)))
            yield
            driver.wait(driver.sent, timeout=max(_LEAST_SECONDS, give_up_at - time.monotonic()))
            rows = cursor.fetchall()
        finally:
            # Else it is broken, or nobody waits any more for the answer that is to come.
            if driver.info.transaction_status != TransactionStatus.IDLE:
                connection.invalidate()
    yield from rows


class Impatient(psycopg.Connection[Any]):
    """Waits `patience` seconds for an answer. Then it is closed; what was sent may yet be done."""

    patience = _STATEMENT_SECONDS + SPARE_SECONDS
    # What is left of a statement that was sent: to `wait` for it is to read the answer.
    sent: PQGen[Any]
    _sends = False

    def send(self, query: str, parameters: Mapping[str, Any] | None) -> psycopg.Cursor[Any]:
        """Send a statement without waiting for its answer; the cursor has it once `sent` is over.

        Until then the connection is of no use for anything else.
        """
        self._sends = True
        try:
            return self.execute(query, parameters)
        finally:
            self._sends = False

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """What comes of it; raises ConnectionTimeout."""
        if self._sends:
            self.sent = gen
            return next(gen, None)  # psycopg's steps begin with all that need not be waited for
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except _WaitTimeout:
            self.close()
            raise ConnectionTimeout("the server says nothing") from None


def _connect_as_told(engine: Engine) -> None:
    current = settings.current()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _args: object, parameters: Any) -> Any:
        if current.auth == "iam":
            parameters = {**parameters, "password": _token(current.region, parameters)}
        return Impatient.connect(**parameters)


def _token(region: str, parameters: dict[str, Any]) -> str:
    host, port = parameters["host"], int(parameters.get("port", 5432))
    return database_token(Credentials.from_environment(), region, host, port, parameters["user"])


def _test_before_use(engine: Engine) -> None:
    """Test a connection that was long unused or whose server has sent something: it may be gone.

    By the wall clock: others stand still while an instance is frozen.
    """

    def note_time(connection: object, _record: object) -> None:
        if connection:
            _used_at[engine.pool] = time.time()
        else:  # it was thrown away
            _used_at.pop(engine.pool, None)

    event.listen(engine, "connect", note_time)
    event.listen(engine, "checkin", note_time)

    @event.listens_for(engine, "checkout")
    def test(connection: Any, _record: object, _proxy: object) -> None:
        try:
            if not _is_trusted(engine.pool) or _is_spoken_to(connection):
                connection.patience = _PING_SECONDS
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool throws away what this is raised for, and connects again.
            raise DisconnectionError from error
        connection.patience = Impatient.patience


def _is_trusted(pool: Pool) -> bool:
    return abs(time.time() - _used_at.get(pool, 0.0)) < _TRUSTED_SECONDS


def _is_spoken_to(connection: Any) -> bool:
    """Whether the server has sent something: unasked, it hardly does so but to close."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
