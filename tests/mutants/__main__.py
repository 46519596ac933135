"""Tests the tests: changes the code where an error would lose data, and sees whether they notice.

    python -m tests.mutants [module below sheaf/ …]

Prints a table and the names of the mutants that survived. One may do so only if `docs/develop.md`
has its name and the reason; else this ends with 1, as it does if the manual has a name that no
mutant has.
"""

import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants import trial
from tests.mutants.keeper import kept_servers
from tests.mutants.mutations import Mutant, mutants_of

# Trials at a time.
WORKERS = 2
_SHEAF, _UNIT = "tests/integration/sheaf", "tests/unit/sheaf"
_PAGING, _PAGES = f"{_SHEAF}/test_paging.py", f"{_SHEAF}/pages"
_WRITES = tuple(f"{_PAGES}/test_{name}.py" for name in ("claims", "saves", "edit_leases", "users"))
_FETCHING = tuple(f"{_UNIT}/paging/test_{name}.py" for name in ("fetching", "merging"))
_ONE_SERVER = ("-k", "not cluster and not zookeeper")
_OF_LOCKS = ("lua", "redis", "holdings", "contract", "multi", "edges", "renewal", "lost_answers")
_LOCKS = tuple(f"{_SHEAF}/locks/test_{name}.py" for name in _OF_LOCKS)
_CACHE = tuple(f"{_SHEAF}/caching/test_{name}.py" for name in ("versioned", "fetching"))
# What is changed, and the tests of it, the quickest first: they end with the first that fails.
TESTS: dict[str, tuple[str, ...]] = {
    "paging/cursors.py": (f"{_UNIT}/paging/test_cursors.py", _PAGING),
    "paging/fetching.py": (*_FETCHING, _PAGING),
    "paging/keysets.py": (f"{_UNIT}/paging/test_keysets.py", _PAGING),
    "locks/lua.py": (*_LOCKS, *_ONE_SERVER),
    "locks/contract.py": (*_LOCKS, *_ONE_SERVER),
    "locks/redis.py": (*_LOCKS, *_ONE_SERVER),
    "caching/versioned.py": (*_CACHE, *_ONE_SERVER),
    "pages/claims.py": (f"{_PAGES}/test_claims.py", *_WRITES),
    "pages/saves.py": (f"{_PAGES}/test_saves.py", *_WRITES),
    "pages/edit_leases.py": (f"{_PAGES}/test_edit_leases.py", *_WRITES),
    "sharding/ownership.py": (f"{_SHEAF}/sharding/test_ownership.py", *_WRITES),
}
_DEVELOP = Path(__file__).parents[2] / "docs" / "develop.md"


def main(files: tuple[str, ...]) -> int:
    """Try all mutants of these modules; 1 if one survived that should not."""
    reasons, unexplained = _reasons(), 0
    _tell("module", "mutants", "killed", "late", "survived", "seconds")
    # A trial ends at once and leaves its folders.
    with TemporaryDirectory() as folder, _pool() as pool:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        for file in files:
            began, mutants = time.monotonic(), mutants_of(file)
            codes = _try(pool, TESTS[file], mutants)
            alive = [mutant for mutant, code in zip(mutants, codes, strict=True) if code == 0]
            numbers = len(mutants), len(mutants) - len(alive), codes.count(None), len(alive)
            _tell(file, *numbers, round(time.monotonic() - began))
            of_file = {key: reason for key, reason in reasons.items() if key.startswith(file)}
            unexplained += _explain(mutants, alive, of_file)
    return int(unexplained > 0)


def _tell(module: str, *numbers: object) -> None:
    _say(f"{module:24}" + "".join(f"{number:>10}" for number in numbers))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _explain(mutants: list[Mutant], alive: list[Mutant], reasons: dict[str, str]) -> int:
    """Name those that survived, and the names in the manual that none has; how many are wrong."""
    for mutant in alive:
        _say(f"  survived: {mutant}\n    {reasons.get(mutant.key, 'NO REASON IS GIVEN')}")
    unknown = reasons.keys() - {mutant.key for mutant in mutants}
    for name in sorted(unknown):
        _say(f"  There is no such mutant: {name}")
    return len(unknown) + sum(mutant.key not in reasons for mutant in alive)


def _try(
    pool: ProcessPoolExecutor, tests: tuple[str, ...], mutants: list[Mutant]
) -> list[int | None]:
    """What pytest ends with for each; None is for those that it did not end with in time."""
    began = time.monotonic()
    if pool.submit(trial.run, None, tests, 600).result() != 0:
        raise SystemExit("The tests fail without any mutant.")
    # A mutant that waits for what never comes is noticed by the time that it takes.
    limit = 20 + 4 * (time.monotonic() - began)
    tried = [*mutants, None]  # the last one tells that the servers have lived as long
    codes = list(pool.map(partial(trial.run, tests=tests, seconds=limit), tried))
    if codes.pop() != 0:
        raise SystemExit("The tests fail without any mutant, after some with one.")
    return codes


def _reasons() -> dict[str, str]:
    """Why mutants may survive, by their keys: the items of a list that begin with a module."""
    found = re.findall(r"^- `(\w+/\w+\.py .+?)`: (.+)$", _DEVELOP.read_text(), re.MULTILINE)
    return dict(found)


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """Processes for trials, each with servers of its own."""
    context = get_context("spawn")
    servers = context.SimpleQueue()
    with ExitStack() as stack:
        for _ in range(WORKERS):
            servers.put(stack.enter_context(kept_servers()))
        yield stack.enter_context(
            ProcessPoolExecutor(WORKERS, context, initializer=trial.prepare, initargs=(servers,))
        )


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or tuple(TESTS)))
