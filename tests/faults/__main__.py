"""All attacks, one after the other: on the writers themselves, on a site over HTTP, on its batches.

    python -m tests.faults --seconds 300 --seed 1
    python -m tests.faults --seconds 900 --seed 1 --batches 1000

With a number of batches it is the last attack alone, until so many were sent. Ends with status 1 if
any finds a violation.
"""

import argparse
import sys

from tests.faults import batch_run, run, site_run
from tests.faults.histories import SAVE, WAYS

# Of the time. Without HTTP between them the writers get far more done in less of it.
_SHARE_OF_WRITERS, _SHARE_OF_SITE = 0.2, 0.5


def main() -> int:
    """Attack, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--batches", type=int)
    options = parser.parse_args()
    if options.batches:
        return int(_attack_batches(options.seconds, options.seed, options.batches))
    rest = options.seconds * (1 - _SHARE_OF_WRITERS - _SHARE_OF_SITE)
    found = _attack_writers_and_site(options.seconds - rest, options.seed)
    return int(_attack_batches(rest, options.seed) or found)


def _attack_writers_and_site(seconds: float, seed: int) -> bool:
    """Whether anything was found."""
    of_writers = seconds * _SHARE_OF_WRITERS / (_SHARE_OF_WRITERS + _SHARE_OF_SITE)
    writers = run.run_alone(run.Plan(of_writers, seed=seed))
    _print("writers", *writers.lines())
    site = site_run.run_alone(site_run.Plan(seconds - of_writers, seed=seed))
    _print("site", *site.lines())
    found = len(writers.violations) + len(site.violations)
    _print(
        f"acknowledged writes: {writers.acknowledged} of writers, {site.count(SAVE)} over HTTP;"
        f" pages read over HTTP: {site.count(*WAYS)}; violations: {found}"
    )
    return bool(found or writers.errors or site.errors)


def _attack_batches(seconds: float, seed: int, most: int = sys.maxsize) -> bool:
    """The same of batches."""
    result = batch_run.run_alone(batch_run.Plan(most, seconds, seed=seed))
    _print("batches", *result.lines())
    return bool(result.violations or result.errors)


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
