"""Lua scripts on Redis: sent by their digest, and in full only to a server that lacks them."""

import os
import select
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha1
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, NodesManager, get_node_name
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    TryAgainError,
)
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

# How long a server may take that is there, in seconds.
QUICK = 0.25
# The command may have been carried out.
LOST_ANSWERS = (redis.ConnectionError, redis.TimeoutError)


class Script:
    """A script's text and the digest by which a server that has seen it knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        # As bytes: redis-py takes longer for each argument that it has to encode.
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest().encode()


class Call(NamedTuple):
    """A script with its arguments. All keys lie in one hash slot, the first one's."""

    script: Script
    keys: tuple[str | bytes, ...]
    arguments: tuple[Any, ...]


def run(client: "redis.Redis", call: Call, within: float | None = None) -> Any:
    """The script's answer, undecoded, in one round trip; raises what redis-py raises.

    `within`, in seconds, is how long to wait for it; None: as long as the client does.
    """
    key, values = call.keys[0], _values(call)
    try:
        return ask(client, key, ("EVALSHA", call.script.digest, *values), within)
    except NoScriptError:
        # After a restart, a failover or a flush. EVAL also stores the script again.
        return ask(client, key, ("EVAL", call.script.text, *values), within)


def run_together(client: "redis.Redis", calls: Sequence[Call], within: float) -> list[Any]:
    """The answers of several scripts whose keys share a slot, in one round trip.

    They run in this order, each whether or not another failed: what one that failed raises stands
    in place of its answer. A server that lacks one gets it afterwards, out of order. `within`, in
    seconds, is how long to wait for each answer.
    """
    with _connection(client, calls[0].keys[0]) as connection:
        commands = [("EVALSHA", call.script.digest, *_values(call)) for call in calls]
        connection.send_packed_command(connection.pack_commands(commands))
        answers = [_answer_or_error(lambda: _read(connection, within)) for _ in calls]
    # An error in place of an answer (no such script, slot moved) says that the script did not run.
    again = partial(run, client, within=within)
    return [
        _answer_or_error(partial(again, call)) if isinstance(answer, Exception) else answer
        for call, answer in zip(calls, answers, strict=True)
    ]


def _answer_or_error(ask_for: Callable[[], Any]) -> Any:
    try:
        return ask_for()
    except redis.ResponseError as error:
        return error


def ask(
    client: "redis.Redis", key: str | bytes, words: Sequence[Any], within: float | None = None
) -> Any:
    """A command's answer, undecoded, from the server that has the key.

    `within`, in seconds, is how long to wait for it, and QUICK for a connection if there is none,
    whatever the client's own limits are; None: those. Raises what redis-py raises.
    """
    if within is None:
        return client.execute_command(*words, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
    # No context manager: of the time for a command it would take some hundredths.
    pool = _pool(client, key)
    try:
        connection = pool.get_connection()
        try:
            connection.send_command(*words)  # type: ignore[no-untyped-call]
            return _read(connection, within)
        except redis.ResponseError:
            raise
        except BaseException:  # a signal's handler may raise it before the answer was read
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            pool.release(connection)
    except (AskError, ClusterDownError, TryAgainError) as error:  # elsewhere, or on its way
        if isinstance(error, MovedError):
            _doubt(client, pool)
        return client.execute_command(*words, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
    except LOST_ANSWERS:
        _doubt(client, pool)
        raise


def send(client: "redis.Redis", call: Call) -> None:
    """Have a script run, and do not wait for what comes of it; raises what redis-py raises."""
    with _connection(client, call.keys[0]) as connection:
        try:
            connection.send_command("EVAL", call.script.text, *_values(call))
        finally:
            connection.disconnect()


def _values(call: Call) -> tuple[Any, ...]:
    return b"%d" % len(call.keys), *call.keys, *call.arguments


def _read(connection: Any, within: float) -> Any:
    if within == connection.socket_timeout:  # to change it costs two calls of the system
        return connection.read_response(disable_decoding=True)
    return connection.read_response(disable_decoding=True, timeout=within)


@contextmanager
def _connection(client: "redis.Redis", key: str | bytes) -> Iterator[Any]:
    """A connection to the server that has the key; redis-py has no types for it."""
    pool = _pool(client, key)
    try:
        connection = pool.get_connection()
        try:
            yield connection
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            pool.release(connection)
    except LOST_ANSWERS:
        _doubt(client, pool)
        raise


# By a client's own pool, and by the client of a cluster. Without the client, nothing of it is kept.
_pools: WeakKeyDictionary[redis.ConnectionPool, redis.ConnectionPool] = WeakKeyDictionary()
_clusters: WeakKeyDictionary[Any, "_Nodes"] = WeakKeyDictionary()


def _pool(client: Any, key: str | bytes) -> redis.ConnectionPool:
    """A pool to where the key is that neither waits longer to connect, nor tries it again."""
    if is_cluster(client):
        nodes = _clusters.get(client) or _clusters.setdefault(client, _Nodes(client))
        return nodes.pool(client.keyslot(key))
    patient = client.connection_pool
    return _pools.get(patient) or _pools.setdefault(
        patient,
        redis.ConnectionPool(
            connection_class=_ready_at_once(patient.connection_class),
            retry=Retry(NoBackoff(), 0),
            **_quick(patient.connection_kwargs),
        ),
    )


def _ready_at_once(kind: type[Any]) -> type[Any]:
    """A class of connections of which one call of the system tells that nothing came meanwhile.

    redis-py makes three for that, before each command. With TLS something may have come that says
    nothing.
    """
    if issubclass(kind, redis.SSLConnection):
        return kind

    class Connection(kind):  # type: ignore[misc]
        def can_read(self, timeout: float = 0) -> bool:
            poll = select.poll()
            poll.register(self._sock, select.POLLIN)
            return bool(poll.poll(timeout * 1000))

    return Connection


def _quick(given: dict[str, Any]) -> dict[str, Any]:
    """What a client's connections are made with, but for how long they wait."""
    return {
        **{name: value for name, value in given.items() if not name.startswith(_OF_ITS_POOL)},
        "socket_timeout": QUICK,
        "socket_connect_timeout": QUICK,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


# What a connection is told of the pool that it belongs to.
_OF_ITS_POOL = ("maint_", "orig_", "himport_registry", "oss_cluster_", "retry")


class _Nodes:
    """Who has which keys in a cluster. That, too, is asked anew by connections that do not wait.

    A thread asks, as many nodes may hang: each in its turn is waited for.
    """

    def __init__(self, client: Any) -> None:
        theirs, node = client.nodes_manager, cast("Any", ClusterNode)
        given = {**theirs.connection_kwargs, "redis_connect_func": client.user_on_connect_func}
        self._connect = partial(
            NodesManager,
            startup_nodes=[node(each.host, each.port) for each in client.get_nodes()],
            from_url=theirs.from_url,
            address_remap=theirs.address_remap,
            **_quick(given),
        )
        self._manager: NodesManager | None = None
        self._doubtful: str | None = None
        # What those wait for who have asked; None while nobody does. A fork copies no thread.
        self._asked: SimpleQueue[Exception | None] | None = None
        self._process = os.getpid()

    def pool(self, slot: int) -> redis.ConnectionPool:
        """To the node that has the slot; raises redis.TimeoutError if nobody says it in time."""
        if self._manager is None or self._doubtful or self._asked:
            self._ask()
        node: Any = cast("NodesManager", self._manager).get_node_from_slot(slot)
        pool: redis.ConnectionPool = node.redis_connection.connection_pool
        return pool

    def _ask(self) -> None:
        asked = self._asked if self._process == os.getpid() else None
        if asked is None:
            asked = self._asked = SimpleQueue()
            self._process = os.getpid()
            start_new_thread(self._answer, (asked,))
        try:
            error = asked.get(timeout=QUICK)
        except Empty:
            raise redis.TimeoutError("no node says in time who has the key") from None
        asked.put(error)  # for the next of those who wait
        if error:
            raise error

    def _answer(self, asked: "SimpleQueue[Exception | None]") -> None:
        error = None
        doubtful, self._doubtful = self._doubtful, None
        try:
            if self._manager is None:
                self._manager = self._connect()
            else:
                self._manager.initialize(last_failed_node_name=doubtful)
        except Exception as failure:  # noqa: BLE001 - it is raised where it is waited for
            error, self._doubtful = failure, doubtful
        if self._asked is asked:
            self._asked = None
        asked.put(error)

    def doubt(self, pool: redis.ConnectionPool) -> None:
        """Let the next who looks for a slot ask the others who has it."""
        at = pool.connection_kwargs
        self._doubtful = get_node_name(at["host"], at["port"])


def _doubt(client: Any, pool: redis.ConnectionPool) -> None:
    if is_cluster(client):
        _clusters[client].doubt(pool)


def is_cluster(client: Any) -> bool:
    """Whether it is a client of a cluster."""
    # Asked of what it has: `isinstance` takes microseconds, as its classes are protocols.
    return hasattr(client, "nodes_manager")
