"""Many pages at once: threads, a progress bar, and a line on standard error."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from typing import NoReturn, Protocol, TypeVar

from tqdm import tqdm

from sheaf.cli.lines import line

FAILED = "failed"
MOST_THREADS = 64
_Job = TypeVar("_Job")


class Sized(Protocol):
    """What came of a job; `size` is how many bytes of text it had."""

    @property
    def size(self) -> int:
        """As above."""


_Done = TypeVar("_Done", bound=Sized)


def run(
    work: Callable[[Sequence[_Job]], Iterable[_Done]],
    jobs: Iterable[_Job],
    take: Callable[[deque[_Job]], Sequence[_Job]],
    at_once: Callable[[], int],
    note: Callable[[_Done], object],
) -> None:
    """Do `work` for all jobs, and note what came of each.

    `take` takes from the jobs that wait those that are done together, and `at_once` says how many
    threads may be at work just now. An exception stops the run: jobs that have not begun are
    dropped, then it is raised.
    """
    waiting, running, size = deque(jobs), set[Future[Iterable[_Done]]](), 0
    with ThreadPoolExecutor(MOST_THREADS) as pool, _progress_bar(len(waiting)) as bar:
        try:
            while waiting or running:
                while waiting and len(running) < at_once():
                    running.add(pool.submit(work, take(waiting)))
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for result in chain.from_iterable(each.result() for each in ended):
                    note(result)
                    size += result.size
                    bar.set_postfix_str(f"{size / 1e6:,.1f} MB", refresh=False)
                    bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def report(message: object) -> None:
    """Print one line on standard error, above the progress bar if there is one."""
    tqdm.write(line(message), file=sys.stderr)


def _progress_bar(total: int) -> "tqdm[NoReturn]":
    # disable=None: a bar on a terminal, nothing in a log.
    return tqdm(total=total, unit="page", file=sys.stderr, disable=None)
