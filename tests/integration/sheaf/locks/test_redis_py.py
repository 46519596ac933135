"""Code that comes from redis-py: its own tests of its lock, and both kinds of lock on one Redis.

redis-py's tests are in its source distribution alone. The one of the version that is installed here
is fetched once, by pip, and only if it is the one that requirements/dev.txt pins.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
import redis
import redis.lock

from sheaf.locks.redis import RedisLock
from tests.fixtures import Servers
from tests.needs import needs
from tests.waiting import PATIENCE, wait_until

PROJECT = Path(__file__).parents[4]
FETCHED = PROJECT / "build" / "redis-py"
# The only change that code needs, as the manual has it.
IMPORTS = {
    "from redis.lock import Lock": "from sheaf.locks.redis import RedisLock as Lock",
    "from redis.exceptions import LockError": "from sheaf.locks import LockError",
}
# What its tests ask of their surroundings.
CONFTEST = """
import os
import pytest
import redis

def _get_client(cls, request, **options):
    client = cls.from_url(os.environ["REDIS_URL"], **options)
    request.addfinalizer(client.close)
    client.flushdb()
    return client

@pytest.fixture
def r(request):
    return _get_client(redis.Redis, request)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """redis-py's source distribution."""
    pin = re.search(
        r"^redis==(\S+).*?[^\\]$", (PROJECT / "requirements/dev.txt").read_text(), re.M | re.S
    )
    assert pin
    kept = FETCHED / f"redis-{pin[1]}.tar.gz"
    if not kept.exists():
        place = tmp_path_factory.mktemp("redis-py")
        (place / "requirements.txt").write_text(f"{pin[0]}\n")
        _fetch(place)
        FETCHED.mkdir(parents=True, exist_ok=True)
        shutil.move(place / kept.name, kept)
    return kept


def _fetch(place: Path) -> None:
    """Download what the list there says; that nothing can be found is the network's fault."""
    options = "--no-deps --no-binary=:all: --no-build-isolation --require-hashes --retries=1"
    command = [sys.executable, "-m", "pip", "download", "--timeout=30", *options.split()]
    command += ["--requirement=requirements.txt", "--dest=."]
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=300, check=False
    )
    needs("(from versions: none)" not in done.stderr, "a network, once, to fetch redis-py's tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def ported(source: Path, tmp_path: Path) -> Path:
    """A folder with redis-py's tests of its lock, in which the imports are changed."""
    with tarfile.open(source) as archive:
        found = archive.extractfile(f"{source.name.removesuffix('.tar.gz')}/tests/test_lock.py")
        assert found
        text = found.read().decode()
    for theirs, ours in IMPORTS.items():
        assert text.count(f"\n{theirs}") == 1
        text = text.replace(theirs, ours)
    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "conftest.py").write_text(CONFTEST)
    (package / "test_lock.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


@dataclass(frozen=True)
class Outcome:
    """The names of tests, by what became of them."""

    passed: set[str]
    failed: set[str]
    output: str


def run(place: Path, redis_url: str) -> Outcome:
    report = place / "report.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}"],
        cwd=place,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 4,
        check=False,
    )
    cases = list(ElementTree.parse(report).iter("testcase"))
    passed = {case.attrib["name"] for case in cases if not list(case)}
    failed = {case.attrib["name"] for case in cases} - passed
    return Outcome(passed, failed, done.stdout)


def documented() -> dict[str, str]:
    """The tests that the manual says fail, each with the reason."""
    text = (PROJECT / "docs/locks.md").read_text()
    rows = re.findall(r"^\|((?: `test_\w+`,?)+) \| (.+) \|$", text, re.M)
    return {name: why for names, why in rows for name in re.findall(r"test_\w+", names)}


def test_redis_pys_own_tests_pass_but_for_those_that_the_manual_names(
    ported: Path, servers: Servers
) -> None:
    outcome = run(ported, servers.cache(6))
    assert outcome.failed == set(documented()), outcome.output
    assert len(outcome.passed) > 2 * len(outcome.failed)


Make = Callable[["redis.Redis", str], Any]


def theirs(client: "redis.Redis", name: str) -> Any:
    return redis.lock.Lock(client, name, timeout=2 * PATIENCE)


def ours(client: "redis.Redis", name: str) -> Any:
    return RedisLock(client, name, timeout=2 * PATIENCE)


both_ways = pytest.mark.parametrize(
    ("holders", "others"), [(theirs, ours), (ours, theirs)], ids=["they hold", "we hold"]
)


@pytest.mark.parametrize("name", ["kettle", "page:{x}:y", "{", "ü"])
@both_ways
def test_old_code_and_new_code_see_each_others_locks(
    client: "redis.Redis", holders: Make, others: Make, name: str
) -> None:
    holder, other = holders(client, name), others(client, name)
    assert holder.acquire(blocking=False)
    assert not other.acquire(blocking=False)
    assert other.locked()
    assert not other.owned()
    holder.release()
    assert other.acquire(blocking=False)
    assert not holder.acquire(blocking=False)


@pytest.mark.parametrize("name", ["a}b", "{}a", "}{"])
def test_but_for_names_with_a_brace_that_closes_no_hash_tag(
    client: "redis.Redis", name: str
) -> None:
    assert theirs(client, name).acquire(blocking=False)
    assert ours(client, name).acquire(blocking=False)


def test_a_client_of_redis_py_makes_our_locks(client: "redis.Redis") -> None:
    made: Any = client.lock(
        "kettle",
        timeout=10,
        sleep=0.1,
        blocking_timeout=PATIENCE,
        lock_class=RedisLock,
        thread_local=False,
        raise_on_release_error=False,
    )
    with made as lock:
        assert client.get("kettle") == lock.local.token
        assert isinstance(lock.token, UUID)
        lock.release()  # The end of the block finds nothing to give back.
    assert lock.local.token is None
    assert lock.acquire(blocking=False, token=b"ours")
    assert client.get("kettle") == b"ours"
    assert lock.token == "ours"


def test_only_the_name_and_the_lifetime_go_by_position(client: "redis.Redis") -> None:
    make: Any = RedisLock
    assert make(client, b"kettle", 10).name == "kettle"
    assert make(client, "kettle", None).timeout == 60
    with pytest.raises(TypeError):
        make(client, "kettle", 10, 0.1)
    with pytest.raises(TypeError):
        make(client, "kettle", 10).acquire(0.1)


@both_ways
def test_who_waits_for_the_others_lock_has_it_after_the_release(
    client: "redis.Redis", holders: Make, others: Make
) -> None:
    holder, other = holders(client, "kettle"), others(client, "kettle")
    assert holder.acquire(blocking=False)
    tries = Tries(client)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.acquire, blocking_timeout=PATIENCE)
        wait_until(tries.made, "the other did not try")
        assert not waiting.done()
        holder.release()
        assert waiting.result(PATIENCE)
    assert not holder.acquire(blocking=False)


class Tries:
    """Whether somebody has tried to set a key since this was made."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._before = self._number()

    def made(self) -> bool:
        return self._number() > self._before

    def _number(self) -> int:
        stats: dict[str, Any] = self._client.info("commandstats")
        return int(stats.get("cmdstat_set", {}).get("calls", 0))


def test_nobody_is_ever_inside_with_somebody_else(client: "redis.Redis") -> None:
    numbers, inside, together = count(), [], []

    def work(make: Make) -> None:
        for _ in range(10):
            with make(client, "kettle"):
                inside.append(next(numbers))
                together.append(len(inside))
                inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [theirs, ours] * 2))
    assert together == [1] * 40


def test_a_lock_that_never_ends_is_waited_for_as_cheaply_as_another(client: "redis.Redis") -> None:
    assert redis.lock.Lock(client, "kettle").acquire(blocking=False)
    client.config_resetstat()
    assert not ours(client, "kettle").acquire(blocking_timeout=2)
    stats: dict[str, Any] = client.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] <= 3
