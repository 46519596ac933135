"""Connections to PostgreSQL: how they are made, how long they are waited for, if they can be used.

PostgreSQL keeps the limits that it is given, as long as it runs. One that was paused, or whose
machine stands still, takes what it is sent and says nothing, so there is a limit on our side too.

A pooler such as PgBouncer may lend us another session for each transaction. So nothing is left in a
session behind one: each transaction brings its limits along, and no statement is prepared.
"""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Any, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.pq import TransactionStatus
from sqlalchemy import Compiled, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool, QueuePool

from sheaf import settings
from sheaf.aws.presigning import Credentials, database_token
from sheaf.database import outages

_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 5
_IDLE_SECONDS = 10
_SETTINGS = {
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    # Of a process that stands still in the middle of a transaction.
    "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
    # Our statements are best served by one plan each, whatever their parameters. Left to itself
    # PostgreSQL makes a new one for each page of a list, which takes longer than to read the page.
    "plan_cache_mode": "force_generic_plan",
    # Without the parameters it can only guess how long a list is, and if it guesses a short one it
    # would rather sort all of it than follow the index. What no index has in order is still sorted.
    "enable_sort": "off",
    # Before PostgreSQL 18 what is turned off is expensive instead, and what is expensive compiled.
    "jit": "off",
    # How much of the letters in a row two words share at least that are alike (see slips.py).
    "pg_trgm.similarity_threshold": "0.2",
}
# Only where the session is the one that we were told of: a pooler makes up a number of its own.
_FOR_THE_SESSION = """
SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS settings (name, value)
WHERE pg_backend_pid() = %s
"""
_FOR_A_TRANSACTION = "".join(f"SET LOCAL {name} = '{value}'; " for name, value in _SETTINGS.items())
# What ends a prepared transaction cannot be in one.
_ALONE = ("COMMIT PREPARED", "ROLLBACK PREPARED")
# For the answer to a statement that PostgreSQL itself had to end, to come.
SPARE_SECONDS = 1.0
_PING_SECONDS = 1.0
# What has come while others were waited for has to be read, too.
_LEAST_SECONDS = 0.1
_TRUSTED_SECONDS = 10
# So long a session is kept whose server takes no changes: there may be another by now.
_READ_ONLY_SECONDS = 2

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
        use_native_hstore=False,  # it would be asked for, and we have none
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "sheaf",
        },
    )
    _connect_as_told(made)
    _test_before_use(made)
    _throw_away_after_use(made)
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
        is_over = False
        driver: Impatient = connection.driver_connection  # type: ignore[assignment]
        try:
            cursor = driver.send(str(statement), statement.construct_params(dict(parameters)))
            yield
            driver.wait(driver.sent, timeout=max(_LEAST_SECONDS, give_up_at - time.monotonic()))
            _go_to_last(cursor)
            rows = cursor.fetchall()
        except psycopg.Error as error:
            is_over = outages.ends_session(error)
            if is_over:
                driver.end_lent_session()
            raise
        finally:
            # Else it is broken, or nobody waits any more for the answer that is to come.
            if is_over or driver.info.transaction_status != TransactionStatus.IDLE:
                connection.invalidate()
    yield from rows


class Impatient(psycopg.Connection[Any]):
    """Waits `patience` seconds for an answer. Then it is closed; what was sent may yet be done."""

    patience = _STATEMENT_SECONDS + SPARE_SECONDS
    # What is left of a statement that was sent: to `wait` for it is to read the answer.
    sent: PQGen[Any]
    made_at = 0.0  # by the wall clock
    _sends = False

    def prepare(self) -> None:
        """Set the limits for as long as the session lives, or with each transaction."""
        self.made_at = time.time()
        given = [list(_SETTINGS), list(_SETTINGS.values()), self.info.backend_pid]
        if not self.execute(_FOR_THE_SESSION, given).fetchall():
            self.prepare_threshold = None
            self.cursor_factory = _Borrower

    def end_lent_session(self) -> None:
        """End the session if it is a pooler's, which would lend it to the next one as it is."""
        if self.cursor_factory is _Borrower:
            with suppress(psycopg.Error):
                self.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    @property
    def is_outlived(self) -> bool:
        """Whether its server takes no changes, and there may be another one by now.

        A server says so by itself, when one connects and, as it changes, with any answer.
        """
        told = map(self.info.parameter_status, ("in_hot_standby", "default_transaction_read_only"))
        return "on" in told and abs(time.time() - self.made_at) > _READ_ONLY_SECONDS

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


class _Borrower(psycopg.ClientCursor[Any]):
    """Begins each transaction with its limits, in the same round trip as its first statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run a statement; its results are those of what it was given."""
        is_first = self.connection.info.transaction_status == TransactionStatus.IDLE
        if is_first and not query.startswith(_ALONE):
            query = _FOR_A_TRANSACTION + query
        super().execute(query, params, **options)
        _go_to_last(self)
        return self


def _go_to_last(cursor: psycopg.Cursor[Any]) -> None:
    """To the last of several statements' results."""
    while cursor.nextset():
        pass


def _connect_as_told(engine: Engine) -> None:
    current = settings.current()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _args: object, parameters: Any) -> Any:
        if current.auth == "iam":
            parameters = {**parameters, "password": _token(current.region, parameters)}
        made = Impatient.connect(**parameters, autocommit=True)
        try:
            made.prepare()
        except BaseException:
            made.close()
            raise
        return made


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
            if connection.is_outlived:
                raise DisconnectionError
            if not _is_trusted(engine.pool) or _is_spoken_to(connection):
                connection.patience = _PING_SECONDS
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool throws away what this is raised for, and connects again.
            raise DisconnectionError from error
        connection.patience = Impatient.patience


def _throw_away_after_use(engine: Engine) -> None:
    """Use no session again that has said that it is of no more use."""

    @event.listens_for(engine, "handle_error")
    def note(context: ExceptionContext) -> None:
        if outages.ends_session(context.original_exception):
            context.is_disconnect = True
            if context.connection:
                driver: Any = context.connection.connection.driver_connection
                driver.end_lent_session()


def _is_trusted(pool: Pool) -> bool:
    return abs(time.time() - _used_at.get(pool, 0.0)) < _TRUSTED_SECONDS


def _is_spoken_to(connection: Any) -> bool:
    """Whether the server has sent something: unasked, it hardly does so but to close."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
