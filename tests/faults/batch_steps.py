"""The steps of a batch at which its process may die, and what that process notes of each batch.

A process that is given an order kills itself at the step that the order names.
"""

import json
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from sheaf.pages import batches
from sheaf.pages.changes import Plan, Put
from sheaf.sharding import two_phase
from tests.waiting import PATIENCE

SHARDS = 3
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Step:
    """Right before or after the call of this number of a function; does it mean commit?"""

    when: str
    name: str
    number: int = 0
    committed: bool = False

    def __str__(self) -> str:
        return f"{self.when} {self.name} {self.number}"


def _steps() -> Iterator[Step]:
    others = range(SHARDS - 1)
    for number in others:
        yield from (Step(when, "_prepare", number) for when in ("before", "after"))
    yield Step("before", "_decide")
    yield from (Step(when, "_keep") for when in ("before", "after"))
    yield Step("after", "_decide", committed=True)
    for number in others:
        for when in ("before", "after"):
            yield Step(when, "end_prepared", number, committed=True)
    yield from (Step(when, "_publish", committed=True) for when in ("before", "after"))
    yield Step("after", "carry_out", committed=True)


# Of a batch that has a part on each of the shards. What is kept and not committed yet is nothing.
STEPS = tuple(_steps())
# A batch that is refused may come to this.
ROLL_BACK = Step("before", "_roll_back")
# Another order: not to hear the answer to the decision, which is committed next.
LOSE_ANSWER = "lose the answer"
_FUNCTIONS: Mapping[str, ModuleType] = {
    **dict.fromkeys(("_prepare", "_decide", "_keep", "end_prepared", "_roll_back"), two_phase),
    **dict.fromkeys(("_publish", "carry_out"), batches),
}
_calls: Counter[str] = Counter()


def install(order: Path, notes: Path) -> None:
    """Have this process obey orders, and note its batches."""
    for name, module in _FUNCTIONS.items():
        setattr(module, name, _dying(order, name, getattr(module, name)))
    two_phase._keep = _losing(order)
    _count_anew()
    _note(notes)


def die_if_told(order: Path, step: str) -> None:
    """Die if this is what the order says."""
    if _is_told(order, step):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_told(order: Path, what: str) -> bool:
    """Whether this is the order; of several processes that read it, one is told."""
    try:
        if order.read_text() != what:
            return False
        order.unlink()
    except FileNotFoundError:
        return False
    return True


def _dying(order: Path, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """The same, which dies if told; to roll a part back is no step."""

    @wraps(do)
    def dying(*args: Any, **options: Any) -> Any:
        if not options.get("commit", True):
            return do(*args, **options)
        number = _calls[name]
        _calls[name] += 1
        die_if_told(order, str(Step("before", name, number)))
        done = do(*args, **options)
        die_if_told(order, str(Step("after", name, number)))
        return done

    return dying


def _losing(order: Path) -> Callable[..., None]:
    keep = two_phase._keep

    def losing(home: Connection, *rest: Any) -> None:
        keep(home, *rest)
        if _is_told(order, LOSE_ANSWER):
            driver: Any = home.connection.driver_connection
            _deafen(driver.fileno())

    return losing


def _deafen(wire: int) -> None:
    """What is sent next arrives, but instead of its answer comes the end of the connection.

    Not to read any more would be a matter of chance: what has come by then is read all the same.
    """
    server = socket.socket(fileno=os.dup(wire))
    here, there = socket.socketpair()
    with here:
        here.setblocking(False)  # as the driver has its own
        os.dup2(here.fileno(), wire, inheritable=False)
    server.settimeout(PATIENCE)

    def carry() -> None:
        with server, there:
            server.sendall(there.recv(_CHUNK))
            server.recv(_CHUNK)

    threading.Thread(target=carry).start()


def _count_anew() -> None:
    """The calls of each batch are counted for itself."""
    carry_out = batches.carry_out

    def first(*args: Any, **options: Any) -> Any:
        _calls.clear()
        return carry_out(*args, **options)

    batches.carry_out = first


def _note(notes: Path) -> None:
    """Note under which ids a batch is to be committed, and by how many shards, before it is.

    Its tag is the comment of its texts.
    """
    attempt, commit = batches._attempt, two_phase.commit
    tags = [""]

    def attempting(plans: Sequence[Plan], *rest: Any) -> Any:
        changes = (plan.change for plan in plans)
        tags[0] = next((each.comment for each in changes if isinstance(each, Put)), "")
        return attempt(plans, *rest)

    def noting(batch: UUID, parts: Mapping[int, two_phase.Part]) -> None:
        with notes.open("a") as file:
            file.write(f"{json.dumps([tags[0], batch.hex, len(parts)])}\n")
        commit(batch, parts)

    batches._attempt = attempting  # type: ignore[assignment]
    two_phase.commit = noting
