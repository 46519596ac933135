"""The gateway as it is attacked: each process says with its answers what it has met.

    gunicorn 'tests.faults.witness:create_app()'

Nothing outside can know that a process could not reach Redis for a moment, and of such a process
less is promised. The environment also has it die after a save was committed or at a step of a
batch, note which batches it commits, hold locks for less time than usual, and break what is
promised (see read_mutations and batch_mutations).
"""

import importlib
import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from local.gateway.app import Gateway
from local.laptop import app
from sheaf import telemetry
from sheaf.caching.near import Breaker
from sheaf.pages import batches, editing, page_cache, saves
from sheaf.pages.claims import Claim
from sheaf.pages.reads import PageItem
from sheaf.pages.saves import Write
from tests.faults import batch_mutations, batch_steps, read_mutations
from tests.faults.histories import DATABASE_OUT, REDIS_OUT, WARNED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADER = "x-witness"
# In the environment: a file that orders a process to die, one for notes of batches, the lifetime of
# locks in seconds, and a mutation if any.
ORDER, NOTES = "FAULTS_ORDER", "FAULTS_NOTES"
LOCK_SECONDS, MUTATION = "FAULTS_LOCK_SECONDS", "FAULTS_MUTATION"
# Loaded before the processes are forked, so that one that was killed is soon replaced.
_FUNCTIONS = ("pages.app", "pages.routes", "listing.app", "writes.app")

Application = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]
_met: set[str] = set()


class Witness(logging.Handler):
    """Adds to each answer what the process has met since the one before."""

    def __init__(self, application: Application) -> None:
        super().__init__(logging.WARNING)
        self._application = application

    def emit(self, record: logging.LogRecord) -> None:
        """Note that there was a warning."""
        _met.add(WARNED)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request."""
        _met.clear()
        if page_cache.near().is_down(time.time()):
            _met.add(REDIS_OUT)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, ",".join(sorted(_met)))], *rest)

        return self._application(environ, start)


def watch() -> None:
    """Have failures of Redis, and what is answered for want of a database, noted."""
    failed, log = Breaker.failed, telemetry.log

    def note_failure(self: Breaker, now: float) -> None:
        _met.add(REDIS_OUT)
        failed(self, now)

    def note_memory(level: str, message: str, **fields: Any) -> None:
        if message == "answered from memory":
            _met.add(DATABASE_OUT)
        log(level, message, **fields)

    Breaker.failed, telemetry.log = note_failure, note_memory  # type: ignore[method-assign]


def die_if_told(order: Path) -> None:
    """After a save was committed, and before anything else is done about it."""
    save = saves.save

    def save_and_die(connection: Connection, claim: Claim, write: Write) -> PageItem:
        saved = save(connection, claim, write)
        batch_steps.die_if_told(order, "")
        return saved

    saves.save = save_and_die


def create_app() -> Application:
    """The gateway that the environment describes, watched."""
    for name in _FUNCTIONS:
        importlib.import_module(name)
    watch()
    mutation, order = os.environ.get(MUTATION), Path(os.environ[ORDER])
    batch_mutations.apply(mutation)
    die_if_told(order)
    batch_steps.install(order, Path(os.environ[NOTES]))
    editing._LOCK_SECONDS = batches._LOCK_SECONDS = float(os.environ[LOCK_SECONDS])
    gateway: Gateway = app.create_app()
    witness = Witness(read_mutations.applied(mutation, gateway))
    telemetry.logger().addHandler(witness)
    return witness
