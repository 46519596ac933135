"""Places in ZooKeeper's queues: a node for each holding, and for each that waits for one."""

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import quote

from kazoo.exceptions import BadVersionError, NoNodeError, SessionExpiredError

from sheaf.hashing import content_tag, slot
from sheaf.locks.holdings import Holding, Token, encoded, text_of
from sheaf.locks.zookeeper_client import LOST_ANSWERS, Client, Sighting, answer, patiently

# Of our own node: a session that has ended took it along.
_GONE = (NoNodeError, SessionExpiredError)
# In characters. Each answer to a waiter lists the names of a folder.
_LONGEST = 3000
# ZooKeeper ends each name with so many digits, which count upwards.
_DIGITS = 10


class Queue(NamedTuple):
    """Where those stand who want the lock of one name: nodes of a folder that begin alike.

    There is a folder for each of 4096 slots, not for each name: names come and go, folders stay.
    """

    client: Client
    folder: str
    line: str

    @classmethod
    def of(cls, client: Client, root: str, name: str) -> "Queue":
        """The queue for a lock's name, below the node `root`."""
        line = _segment(name)
        return cls(client, f"{root}/{slot(line):04}", f"{line}:")

    def everybody(self) -> list[str]:
        """All of its nodes in their order."""
        try:
            names = answer(self.client.get_children_async(self.folder))
        except NoNodeError:
            return []
        ours = [name for name in names if name.startswith(self.line)]
        return [f"{self.folder}/{name}" for name in sorted(ours, key=_number)]

    def create(self, prefix: str, data: bytes) -> Any:
        """A new node's path and state."""
        options = {"ephemeral": True, "sequence": True, "include_data": True}
        return answer(self.client.create_async(prefix, data, **options))

    def open(self) -> None:
        """See to it that there is the folder."""
        answer(self.client.ensure_path_async(self.folder))

    def is_held(self) -> bool:
        """Whether somebody is the first, whose time is not over as far as we have seen."""
        while everybody := self.everybody():
            if holder := self.look(everybody[0]):
                return time.monotonic() < holder.overdue_at
        return False

    def look(self, path: str) -> Sighting | None:
        """The first in the queue; None when it is gone.

        Its time counts from when this client saw the node change, which is later than when it was
        asked to.
        """
        try:
            data, stat = answer(self.client.get_async(path))
        except NoNodeError:
            return None
        known = self.client.seen(self._path)
        if known and (known.path, known.changed) == (path, stat.mzxid):
            return known
        return self.note(path, stat, int(data) / 1000)

    def note(self, path: str, stat: Any, seconds: float) -> Sighting:
        """Remember the first in the queue, and that it has so much time from now on."""
        sighting = Sighting(path, stat.mzxid, stat.version, time.monotonic() + seconds)
        self.client.note(self._path, sighting)
        return sighting

    @property
    def _path(self) -> str:
        return f"{self.folder}/{self.line}"


class Place(Holding):
    """A holding's place in the queue for its name; errors of kazoo pass through.

    `fence` is the id of the transaction that made our node: later nodes have higher ones.
    `ends_at` is when its lifetime is over, by `time.monotonic`, if its session goes on.
    """

    def __init__(self, queue: Queue, sign: bytes, given: Token | None) -> None:
        super().__init__(sign, given)
        self._client = queue.client
        self.queue = queue
        self._prefix = f"{queue.folder}/{queue.line}{_segment(text_of(sign))}-"
        self._session = 0
        self._seen: list[str] = []
        self._stat: Any = None
        self.node = ""
        self.ends_at = 0.0

    def remaining(self) -> float:
        """As Holding's; 0 without a connection, too."""
        return super().remaining() if self._session_lives else 0.0

    @property
    def _session_lives(self) -> bool:
        """Whether we are connected, in the session that our node belongs to."""
        client = self._client
        return bool(client.connected and client.client_id and client.client_id[0] == self._session)

    @property
    def is_overdue(self) -> bool:
        """Whether its lifetime is over: its node may still be there, but it is not ours."""
        return time.monotonic() >= self.ends_at

    def exists(self) -> bool:
        """Whether our node is there."""
        return bool(self.node and answer(self._client.exists_async(self.node)))

    def hold(self, seconds: float, asked_at: float) -> None:
        """Count its lifetime from then on: it is the first."""
        self.ends_at = asked_at + seconds
        self.queue.note(self.node, self._stat, seconds)

    def first(self, seconds: float, until: float) -> bool:
        """Whether our node is the lowest; it is added, with a lifetime, if it is missing."""
        self._seen = patiently(self.queue.everybody, until) if self.node else []
        while self.node not in self._seen:
            self._add(_encode(seconds), until)
            self._seen = patiently(self.queue.everybody, until)
        return self._seen[0] == self.node

    def _add(self, data: bytes, until: float) -> None:
        asked = False

        def ask() -> Any:
            nonlocal asked
            again, asked = asked, True
            return (self._find() if again else None) or self._create(data)

        self.node, self._stat = patiently(ask, until)
        self.fence, self._session = self._stat.czxid, self._stat.ephemeralOwner

    def _create(self, data: bytes) -> Any:
        try:
            return self.queue.create(self._prefix, data)
        except NoNodeError:
            # Step by step: what kazoo would do by itself may come after it was given up.
            self.queue.open()
            return self.queue.create(self._prefix, data)

    def _find(self) -> Any:
        """Our node, made though the reply was lost: the token in its name tells."""
        mine = self._mine()
        return mine and (mine[0], answer(self._client.exists_async(mine[0])))

    def _mine(self) -> list[str]:
        # We may be connected to another server by now, which may lag behind, and a node that was
        # asked for may still be on its way: later requests are answered later.
        answer(self._client.sync_async("/"))
        return [path for path in self.queue.everybody() if path[:-_DIGITS] == self._prefix]

    def holder(self, until: float) -> Sighting | None:
        """Who is the first; None when it is gone, for which we see to if it is overdue."""
        return patiently(self._look, until)

    def _look(self) -> Sighting | None:
        holder = self.queue.look(self._seen[0])
        if not holder or time.monotonic() < holder.overdue_at:
            return holder
        with suppress(NoNodeError, BadVersionError):
            answer(self._client.delete_async(holder.path, version=holder.version))
        return None

    def wait(self, until: float, patience: float) -> None:
        """Sleep until the node ahead of ours is gone, or until then."""
        gone: SimpleQueue[None] = SimpleQueue()  # as in the client: a signal harms it not
        ahead = self._seen[self._seen.index(self.node) - 1]
        watch = lambda: answer(  # noqa: E731
            self._client.exists_async(ahead, watch=lambda _: gone.put(None))
        )
        if patiently(watch, patience):
            left = until - time.monotonic()
            with suppress(Empty):
                gone.get(timeout=min(max(0.0, left), threading.TIMEOUT_MAX))

    def renew(self, seconds: float, until: float = float("inf")) -> bool:
        """Change our node, so that its time begins again; False when it is not there any more."""
        data = _encode(seconds)
        try:
            self._stat = patiently(lambda: answer(self._client.set_async(self.node, data)), until)
        except _GONE:
            return False
        return True

    def leave(self) -> bool:
        """Remove our node; False when it was not there any more."""
        try:
            answer(self._client.delete_async(self.node))
        except _GONE:
            return False
        return True

    def give_back(self, until: float) -> bool:
        """Remove our node, over lost answers; False when it was not ours any more."""
        certain, overdue = self.remaining() > 0, self.is_overdue

        def left() -> bool:
            try:
                return (self.leave() and not overdue) or self.leaving
            except LOST_ANSWERS:
                # What is not there when we ask again was removed by this request, or its time came
                # on the way. Its holder had come to the end in time.
                self.leaving = self.leaving or certain
                raise

        return patiently(left, until)

    def clear(self) -> None:
        """Remove whatever node is ours, also one of which we never heard."""
        for path in self._mine():
            with suppress(NoNodeError):
                answer(self._client.delete_async(path))


def _number(node: str) -> str:
    return node[-_DIGITS:]


def _segment(text: str) -> str:
    """A name or token as part of a node's name: bytes that are no UTF-8 have their place, too."""
    quoted = quote(text, safe="", errors="surrogateescape")
    # No quoted text has this sign.
    return quoted if len(quoted) <= _LONGEST else f"={content_tag(encoded(text))}"


def _encode(seconds: float) -> bytes:
    return str(max(1, round(seconds * 1000))).encode()
