"""A writer of the random run: edits hot pages and pairs until it is told to stop.

It logs each write before it begins and when its outcome is known. SIGTERM: finish, then end.
SIGUSR1: die at the next save that was committed, before anything else is done about it.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from sheaf import redis_client, settings
from sheaf.database.outages import Unavailable
from sheaf.http import documents
from sheaf.locks import LockError, MultiLock
from sheaf.locks.redis import RedisLocks
from sheaf.pages import claims, editing, reads, saves
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.errors import Busy, Outdated, Overtaken
from sheaf.pages.preconditions import Precondition
from sheaf.pages.reads import PageItem
from sheaf.pages.saves import LockLost, Write
from sheaf.sharding import shards
from tests.faults import mutations
from tests.faults.checker import page_body, pair_body

PAGES = ("page-1", "page-2", "page-3")
# More than pages, so that a pair is not always written again by the time a pause is over.
PAIRS = tuple(f"pair-{number}" for number in range(1, 9))
_WAIT = 0.5
_THINK = 0.04
# What the API answers 409 or 412: nothing of the change was stored.
_REFUSED = (Busy, Outdated, Overtaken, LockError, ClaimRefused, LockLost)


class Log:
    """One line for each attempt, and one for its outcome; each is written at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, mark: str, slug: str, outcome: str, version: int = 0, reason: str = "") -> None:
        """The outcome `unknown` is what stands until there is another."""
        names = ("mark", "slug", "outcome", "version", "reason")
        line = json.dumps(dict(zip(names, (mark, slug, outcome, version, reason), strict=True)))
        os.write(self._file, f"{line}\n".encode())


class Writer:
    """One editor with an address of its own to Redis and PostgreSQL."""

    def __init__(self, log: Log, seed: str) -> None:
        self.log = log
        self.random = random.Random(seed)
        self.stopping = False

    def work(self) -> None:
        """Edit until told to stop."""
        while not self.stopping:
            if self.random.random() < 0.5:
                self._edit_page(self.random.choice(PAGES))
            else:
                self._edit_pair(self.random.choice(PAIRS))

    def _edit_page(self, slug: str) -> None:
        mark = uuid4().hex
        self._try(mark, slug, lambda: put_page(mark, slug))

    def _edit_pair(self, pair: str) -> None:
        mark, slugs = uuid4().hex, (f"{pair}/a", f"{pair}/b")
        target = self.random.choice(slugs)
        self._try(mark, target, lambda: write_pair(mark, slugs, target))

    def _try(self, mark: str, slug: str, edit: Callable[[], int]) -> None:
        self.log.write(mark, slug, "unknown")
        try:
            version = edit()
        except _REFUSED as error:
            self.log.write(mark, slug, "refused", reason=type(error).__name__)
        except (Unavailable, DBAPIError) as error:
            self.log.write(mark, slug, "unknown", reason=type(error).__name__)
        else:
            self.log.write(mark, slug, "acknowledged", version)


def put_page(mark: str, slug: str) -> int:
    """Read a page and replace it through the writes function; the new version."""
    with shards.owning(slug).connect() as connection:
        page = reads.find(connection, slug)
    precondition = Precondition(frozenset({page.version}) if page else None)
    content = editing.compose(slug, page_body(mark, page.body if page else None))
    return editing.put(
        slug, precondition, "writer", "", content, document=documents.saved
    ).page.version


def write_pair(mark: str, slugs: Sequence[str], target: str) -> int:
    """Lock and claim both pages, and write one of them; the new version."""
    locks = RedisLocks(redis_client.connect(settings.current().cache_url))
    lock = MultiLock(locks, map(_lock_name, slugs), editing._LOCK_SECONDS)
    if not lock.acquire(blocking_timeout=_WAIT):
        raise Busy(target)
    try:
        with shards.owning(target).connect() as connection:
            claimed = _claim_all(connection, lock, slugs)
            body = pair_body(mark, [claimed[slug].version for slug in slugs])
            write = Write(UUID(mark), "writer", "", "live", editing.compose(target, body))
            version = saves.save(connection, claimed[target], write).version
    except (ClaimRefused, LockError, LockLost):
        _release(lock)
        raise
    _release(lock)
    return version


def _claim_all(connection: Connection, lock: MultiLock, slugs: Sequence[str]) -> dict[str, Claim]:
    """All claims; when one is refused, all again with fences issued above the one in its way."""
    try:
        return {slug: _claim(connection, lock, slug) for slug in slugs}
    except ClaimRefused as refused:
        for each in lock.locks:
            each.reissue(refused.stored_fence)
        return {slug: _claim(connection, lock, slug) for slug in slugs}


def _claim(connection: Connection, lock: MultiLock, slug: str) -> Claim:
    name = _lock_name(slug)
    return claims.claim(connection, slug, lock.fence(name), lock.token(name))


def _lock_name(slug: str) -> str:
    return f"page:{slug}"


def _release(lock: MultiLock) -> None:
    with contextlib.suppress(LockError):
        lock.release()


class SaveWithFaults:
    """Stands in for `saves.save`: thinks before it saves, and dies after it if it was told to."""

    def __init__(self, think: random.Random) -> None:
        self._save = saves.save
        self._random = think
        self.dying = False

    def __call__(self, connection: Connection, claim: Claim, write: Write) -> PageItem:
        time.sleep(self._random.uniform(0, _THINK))
        saved = self._save(connection, claim, write)
        if self.dying:
            os.kill(os.getpid(), signal.SIGKILL)
        return saved


def main() -> None:
    """Work with the settings in the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--lease", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--mutation", choices=mutations.NAMES)
    options = parser.parse_args()
    mutations.apply(options.mutation)
    writer = Writer(Log(options.log), options.seed)
    save = SaveWithFaults(writer.random)
    saves.save = save
    editing._LOCK_SECONDS = options.lease
    signal.signal(signal.SIGTERM, lambda *_: setattr(writer, "stopping", True))
    signal.signal(signal.SIGUSR1, lambda *_: setattr(save, "dying", True))
    writer.work()


if __name__ == "__main__":
    main()
