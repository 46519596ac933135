"""Many pages at once: threads, a progress bar, a line for each failure, and a count."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import NoReturn, TypeVar

from tqdm import tqdm

FAILED = "failed"
_Job = TypeVar("_Job")


class PageFailed(Exception):
    """One page could not be done; the others go on. The message names the page."""


def run(work: Callable[[_Job], str], jobs: Sequence[_Job], threads: int) -> Counter[str]:
    """Do `work` for every job and count what it returned.

    A PageFailed is reported at once on standard error and counted as failed. Any other
    exception stops the run: jobs that have not begun are dropped, then it is raised.
    """
    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(threads) as pool, _progress_bar(len(jobs)) as bar:
        try:
            for done in as_completed([pool.submit(work, job) for job in jobs]):
                counts[_outcome(done)] += 1
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return counts


def report(message: object) -> None:
    """Print one line on standard error, above the progress bar if there is one."""
    tqdm.write(str(message), file=sys.stderr)


def _outcome(done: Future[str]) -> str:
    try:
        return done.result()
    except PageFailed as failure:
        report(failure)
        return FAILED


def _progress_bar(total: int) -> "tqdm[NoReturn]":
    # disable=None: a bar on a terminal, nothing in a log.
    return tqdm(total=total, unit="page", file=sys.stderr, disable=None)
