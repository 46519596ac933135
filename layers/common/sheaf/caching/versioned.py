"""The cache's rules: who may store what, so that an old value never takes a newer one's place.

An entry is stored only with proof that it is the newest. A reader's proof is its fill lease, a
token that ends with any change of the value (as in Nishtala et al., Scaling Memcache at Facebook,
2013). A writer's proof is the lock under which it has written.
"""

import secrets
import time
from collections.abc import Callable
from random import uniform
from typing import Any

import redis

from sheaf.caching import entry as entries
from sheaf.caching.entry import Entry
from sheaf.redis_scripts import Call, Script, ask, run

# KEYS: entry, fill lease.  ARGV: build, now (Unix time), token, lifetime of a fill lease in ms.
# Answers the entry and '', or the token of the one caller that is to make it again: with the old
# entry, if any.
_LOOK = Script("""
local entry = redis.call('GET', KEYS[1]) or ''
local build, fresh_until = string.match(entry, '^%d+ (%d+) (%d+) ')
if build and tonumber(build) >= tonumber(ARGV[1]) and tonumber(fresh_until) > tonumber(ARGV[2]) then
  return {entry, ''}
end
local granted = redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4])
return {entry, granted and ARGV[3] or ''}
""")

# KEYS: entry, fill lease, mark.  ARGV: known version, token, lifetimes in ms of a fill lease
# and of the mark.
# Answers as _LOOK does. Whoever gets a token takes the fill lease from its holder, who may have
# looked before the change; until the mark has ended nobody else does.
_DOUBT = Script("""
local entry = redis.call('GET', KEYS[1]) or ''
local version, known = string.match(entry, '^(%d+) %d+ %d+ '), tonumber(ARGV[1])
if version and known > 0 and tonumber(version) >= known then return {entry, ''} end
if not redis.call('SET', KEYS[3], '', 'NX', 'PX', ARGV[4]) then return {entry, ''} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {entry, ARGV[2]}
""")

# KEYS: entry, fill lease.  ARGV: token.
_GIVE_UP = Script("""
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
""")

# KEYS: entry, fill lease, proof.  ARGV: version, lifetime in ms, entry, value of the proof,
# who stores it (reader or writer).
# A writer without proof may be late: what is older than its version goes, and nothing comes.
_STORE = Script("""
local proven = ARGV[4] ~= '' and redis.call('GET', KEYS[3]) == ARGV[4]
if ARGV[5] == 'reader' and not proven then return 0 end
redis.call('DEL', KEYS[2])
local current = string.match(redis.call('GETRANGE', KEYS[1], 0, 63), '^(%d+) %d+ %d+ ')
local version = tonumber(ARGV[1])
if current and version < tonumber(current) then return 0 end
if proven then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
  return 1
end
if current and version > tonumber(current) then redis.call('DEL', KEYS[1]) end
return 0
""")


class NotYet(Exception):
    """What was asked for is not there yet, and it is for others to make it: ask in a second."""


# A key of the same slot, and the value that it has for as long as nobody else may write.
Proof = tuple[str | bytes, str | bytes]
_NO_PROOF: Proof = ("", "")


class VersionedCache:
    """Entries by key. Errors of Redis pass through: the caller knows what to do without it.

    `client` is a redis.Redis or redis.RedisCluster; what passes through is RedisError, or a
    cluster's RedisClusterException. Entries of newer builds than `build` are served, those of older
    ones are not fresh. All times are in seconds. An entry is fresh for `fresh`, or for its own
    `fresh_for` if that is less, or up to a fifth less so that not all of them age at once; then one
    reader makes it again, while the others go on with the old one. A key ends after `kept`, or
    after `missing` if
    there is no such thing (version 0). However many doubt it, it is made again for their sake once
    in `pause` at most.

    >>> cache = VersionedCache(client)
    >>> cache.fetch("cake", lambda: Entry(1, b"plain")).body
    b'plain'
    >>> with RedisLock(client, "cake", timeout=10) as lock:
    ...     cache.publish("cake", Entry(2, b"with plums"), lock.proof)
    True
    >>> cache.fetch("cake", lambda: Entry(2, b"asked again")).body
    b'with plums'
    """

    def __init__(
        self,
        client: "redis.Redis",
        build: int = 0,
        *,
        fresh: float = 300.0,
        kept: float = 24 * 3600.0,
        missing: float = 30.0,
        lease: float = 5.0,
        patience: float = 2.0,
        pause: float = 1.0,
        costly: bool = False,
    ) -> None:
        """Within `lease` a reader has to make a value; for `patience` others wait for it.

        What is `costly` is never made by two at a time, unless it takes longer than `lease`.
        """
        self.client = client
        self._build = build
        self._fresh = fresh
        self._kept = kept
        self._missing = missing
        self._lease = lease
        self._patience = patience
        self._pause = pause
        self._costly = costly

    def get(self, key: str) -> Entry | None:
        """What is stored for a key, fresh or not; None if nothing is that can be read."""
        name = _keys(key)[0]
        return _readable(ask(self.client, name, ("GET", name)))

    def fetch(
        self,
        key: str,
        make: Callable[[], Entry],
        forgive: tuple[type[Exception], ...] = (),
    ) -> Entry:
        """The entry, made by one of all who want it while there is none or it is not fresh.

        `make` reads the value where writes go. The others wait for it if there is no old entry;
        when their patience ends, each makes its own, which is not stored, or raises NotYet where
        that is too costly. What `make` raises passes through, but if it is one of those to
        `forgive`, an old entry has to do.
        """
        give_up_at = time.monotonic() + self._patience
        pause = 0.002
        while True:
            entry, token = self.look(key)
            if token:
                return self._make(key, make, token, entry, forgive)
            if entry:
                return entry
            if time.monotonic() > give_up_at:
                if self._costly:
                    raise NotYet(key)
                return make()
            time.sleep(uniform(pause / 2, pause))  # noqa: S311
            pause = min(2 * pause, 0.05)

    def _make(
        self,
        key: str,
        make: Callable[[], Entry],
        token: str,
        old: Entry | None,
        forgive: tuple[type[Exception], ...],
    ) -> Entry:
        try:
            made = make()
        except Exception as error:
            # The fill lease is left to end by itself, so that nobody tries again until then. Where
            # others cannot make their own meanwhile, they would be kept out.
            if old and isinstance(error, forgive):
                return old
            if self._costly:
                run(self.client, Call(_GIVE_UP, _keys(key), (token,)))
            raise
        self.fill(key, made, token)
        return made

    def look(self, key: str) -> tuple[Entry | None, str]:
        """The entry, and a fill lease's token if you are the one to make it again, else ''.

        With a token, make the entry (an old one may be there) and `fill` it in. Without either,
        somebody else is making it.
        """
        arguments = (self._build, time.time(), secrets.token_hex(8), _milliseconds(self._lease))
        data, token = run(self.client, Call(_LOOK, _keys(key), arguments))
        return _readable(data), token.decode()

    def refresh(self, key: str, make: Callable[[], Entry]) -> Entry:
        """Make an entry again, whatever is there, and return it: for callers that know of a change.

        Afterwards nothing older is stored. What `make` raises passes through, and then an old entry
        stays: call again.
        """
        token = secrets.token_hex(8)
        # The holder of the fill lease may have looked before the change.
        self.client.set(_keys(key)[1], token, px=_milliseconds(self._lease))
        return self._replace(key, make, token)

    def _replace(self, key: str, make: Callable[[], Entry], token: str) -> Entry:
        made = make()
        if not self.fill(key, made, token):
            self.publish(key, made)
        return made

    def doubt(
        self,
        key: str,
        make: Callable[[], Entry],
        known: int = 0,
        forgive: tuple[type[Exception], ...] = (),
    ) -> Entry:
        """The entry for a caller who doubts the one that is stored, and may be anybody.

        `known` is the version that the caller knows of: an entry of that version or a newer one
        will do. 0: none will. One caller in `pause` makes it again as `refresh` does. The others
        get what is stored, or raise NotYet if that is older than what they know of; only where
        nothing is stored do they wait, as in `fetch`. What `make` raises passes through; if it is
        one of those to `forgive`, an entry that is no older than `known` has to do.
        """
        token = secrets.token_hex(8)
        names = (*_keys(key), entries.name(key, "doubt"))
        lifetimes = (_milliseconds(self._lease), _milliseconds(self._pause))
        data, granted = run(self.client, Call(_DOUBT, names, (known, token, *lifetimes)))
        entry = _readable(data)
        if granted:
            try:
                return self._replace(key, make, token)
            except forgive:
                if entry is None or entry.version < known:
                    raise
                return entry
        entry = entry or self.fetch(key, make, forgive)
        if entry.version < known:
            raise NotYet(key)
        return entry

    def fill(self, key: str, entry: Entry, token: str) -> bool:
        """Store what a reader made, if its fill lease still stands; whether it was stored.

        `token` is what `look` gave. Nothing is stored where a newer version is.
        """
        lease = (_keys(key)[1], token)
        return bool(run(self.client, self._storing(key, entry, lease, "reader")))

    def publication(self, key: str, entry: Entry, proof: Proof = _NO_PROOF) -> Call:
        """A script that stores what a writer has committed, and ends the fill lease of any reader.

        The proof is a RedisLock's, of the same name and in the same Redis, taken before the
        change. Without one, or if the lock has been lost since, nothing is stored: an older entry
        is removed. It is run by `publish`, `sheaf.redis_scripts.run`, or a RedisLock's `release`.
        """
        return self._storing(key, entry, proof, "writer")

    def publish(self, key: str, entry: Entry, proof: Proof = _NO_PROOF) -> bool:
        """Run the `publication`; whether the entry was stored."""
        return bool(run(self.client, self.publication(key, entry, proof)))

    def _storing(self, key: str, entry: Entry, proof: Proof, who: str) -> Call:
        kept = self._kept if entry.version else self._missing
        fresh = min(uniform(0.8, 1.0) * entry.fresh_seconds(self._fresh), kept)  # noqa: S311
        names, (proving, value), lifetime = _keys(key), proof, _milliseconds(kept)
        stored = entry.stamped(self._build, int(time.time() + fresh)).encode()
        return Call(
            _STORE,
            (*names, proving or names[1]),
            (entry.version, lifetime, stored, value, who),
        )


def _keys(key: str) -> tuple[str, str]:
    """The names in Redis of an entry and its fill lease."""
    return entries.name(key), entries.name(key, "lease")


def _readable(data: Any) -> Entry | None:
    """The entry, None if there is none or it was written by something else."""
    try:
        return Entry.decode(data) if data else None
    except ValueError:
        return None


def _milliseconds(seconds: float) -> int:
    return max(1, round(1000 * seconds))
