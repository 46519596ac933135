"""A writer that takes one step at a time: commands and answers are lines of JSON.

Run as a process of its own, so that it can be stopped between any two steps, and with proxies
between it and its servers. It calls the real library; `--mutation` breaks the protocol on purpose.
"""

import argparse
import json
import sys
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from sheaf import redis_client, settings
from sheaf.database import connections
from sheaf.http import documents
from sheaf.locks import MultiLock
from sheaf.locks.redis import RedisLocks
from sheaf.pages import claims, editing, reads, saves
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.preconditions import Precondition
from sheaf.pages.saves import Write
from sheaf.sharding import shards
from tests.faults import mutations
from tests.waiting import PATIENCE


class Actor:
    """The state between steps: locks, claims and one open connection, as in a real save."""

    def __init__(self) -> None:
        self.lock: MultiLock
        self.claims: dict[str, Claim] = {}
        self._open: Connection | None = None

    @property
    def connection(self) -> Connection:
        """Kept from the first step on, as a save keeps its own."""
        if self._open is None:
            self._open = shards.owning("home").connect()
        return self._open

    def reset(self) -> None:
        """Forget everything, connections too."""
        self.claims.clear()
        self.reconnect()
        shards.dispose()

    def reconnect(self) -> None:
        """Take a new connection for the next step."""
        if self._open is not None:
            self._open.invalidate()
            self._open.close()
            self._open = None

    def acquire(self, slugs: list[str], timeout: float, wait: float) -> bool:
        """Whether the locks of these pages were free within `wait` seconds."""
        locks = RedisLocks(redis_client.connect(settings.current().cache_url))
        self.lock = MultiLock(locks, map(_name, slugs), timeout)
        return self.lock.acquire(blocking_timeout=wait)

    def fence(self, slug: str) -> int:
        """The fence of a page's lock."""
        return self.lock.fence(_name(slug))

    def claim(self, slug: str) -> int:
        """Claim a page; its version."""
        owner = self.lock.token(_name(slug))
        self.claims[slug] = claims.claim(self.connection, slug, self.fence(slug), owner)
        return self.claims[slug].version

    def read(self, slug: str) -> str | None:
        """The page's text."""
        page = reads.find(self.connection, slug)
        return page.body if page else None

    def save(self, slug: str, mark: str, body: str) -> int:
        """Save a claimed page; its new version. The mark is also the write's id."""
        write = Write(UUID(mark), "actor", "", "live", editing.compose(slug, body))
        return saves.save(self.connection, self.claims[slug], write).version

    def reissue(self, slug: str, above: int) -> int:
        """A higher fence, if the lock is still ours."""
        lock = next(lock for lock in self.lock.locks if lock.name == _name(slug))
        return lock.reissue(above)

    def release(self) -> None:
        """Give the locks back."""
        self.lock.release()

    def put(self, slug: str, version: int, body: str) -> int:
        """A whole save, as the writes function does it; the new version."""
        self.reconnect()  # a process has one connection
        content = editing.compose(slug, body)
        precondition = Precondition(frozenset({version}) if version else None)
        document = documents.saved
        return editing.put(slug, precondition, "actor", "", content, document=document).page.version


def _name(slug: str) -> str:
    return f"page:{slug}"


def _answer(actor: Actor, do: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": getattr(actor, do)(**arguments)}
    except ClaimRefused as refused:
        return {"error": "ClaimRefused", "stored": refused.stored_fence}
    except Exception as error:  # noqa: BLE001 - whatever went wrong is for the test to judge
        return {"error": type(error).__name__, "text": str(error)}


def main() -> None:
    """Obey until there are no more commands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutation", choices=mutations.NAMES)
    mutations.apply(parser.parse_args().mutation)
    # What a test holds back is held until others are done, however long that takes.
    connections.Impatient.patience = PATIENCE
    actor = Actor()
    for line in sys.stdin:
        answer = _answer(actor, **json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
