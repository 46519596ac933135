"""The page cache: versioned entries in Redis that a slow reader can never turn back.

An entry is written only by whoever knows the newest version: a writer publishes what it has just
committed, and a reader that missed may fill the cache only while its lease token is alive, which
any publish takes away. (Leases as in Nishtala et al., Scaling Memcache at Facebook, 2013.)
"""

import json
import secrets
from dataclasses import asdict, dataclass

import redis

from sheaf.scripts import Call, Script, run

ENTRY_SECONDS = 24 * 3600
LEASE_SECONDS = 5

# KEYS: entry, lease.  ARGV: version, lifetime in ms, entry, token ('' when publishing).
# An entry starts with its version and a space, so that the script need not parse the rest.
_STORE = Script("""
local current = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^%d+') or '-1')
local version = tonumber(ARGV[1])
local filling = ARGV[4] ~= ''
if filling and redis.call('GET', KEYS[2]) ~= ARGV[4] then return 0 end
redis.call('DEL', KEYS[2])
if version < current then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1
""")


@dataclass(frozen=True)
class Entry:
    """A page ready to send. `status` is 200, or 410 for a page that was deleted."""

    version: int
    status: int
    etag: str
    title: str
    body: str

    def encode(self) -> bytes:
        """The entry as it is stored: version, a space, JSON."""
        return f"{self.version} {json.dumps(asdict(self))}".encode()

    @classmethod
    def decode(cls, data: bytes) -> "Entry":
        """The entry that `encode` wrote; raises ValueError or TypeError for anything else."""
        return cls(**json.loads(data.partition(b" ")[2]))


class PageCache:
    """Entries by slug. Errors of Redis pass through: the caller knows what to do without it."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def get(self, slug: str) -> Entry | None:
        """The entry for a slug, if there is one."""
        data = self._client.get(_entry_key(slug))
        return Entry.decode(data) if isinstance(data, bytes) else None

    def lease(self, slug: str) -> str:
        """A token that allows one fill; '' while another reader holds it."""
        token = secrets.token_hex(8)
        taken = self._client.set(_lease_key(slug), token, nx=True, ex=LEASE_SECONDS)
        return token if taken else ""

    def fill(self, slug: str, entry: Entry, token: str) -> bool:
        """Store what a reader fetched, if its lease still stands; whether it was stored."""
        return bool(token) and bool(run(self._client, _storing(slug, entry, token)))

    def publish(self, slug: str, entry: Entry) -> bool:
        """Store what a writer committed, unless something newer is there; ends all leases."""
        return bool(run(self._client, publishing(slug, entry)))


def publishing(slug: str, entry: Entry) -> Call:
    """What `publish` does, for whoever has another script to send along."""
    return _storing(slug, entry, "")


def _storing(slug: str, entry: Entry, token: str) -> Call:
    keys = (_entry_key(slug), _lease_key(slug))
    return Call(_STORE, keys, (entry.version, ENTRY_SECONDS * 1000, entry.encode(), token))


def _entry_key(slug: str) -> str:
    return f"entry:{{page:{slug}}}"


def _lease_key(slug: str) -> str:
    return f"lease:{{page:{slug}}}"
