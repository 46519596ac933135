"""Many pages at once: threads, a progress bar, and a line on standard error."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NoReturn, Protocol, TypeVar

from tqdm import tqdm

FAILED = "failed"
_Job = TypeVar("_Job")


class Sized(Protocol):
    """What came of a job; `size` is how many bytes of text it had."""

    @property
    def size(self) -> int:
        """As above."""


_Done = TypeVar("_Done", bound=Sized)


def run(
    work: Callable[[_Job], _Done],
    jobs: Sequence[_Job],
    threads: int,
    note: Callable[[_Done], object],
) -> None:
    """Do `work` for every job, and note what came of each.

    An exception stops the run: jobs that have not begun are dropped, then it is raised.
    """
    size = 0
    with ThreadPoolExecutor(threads) as pool, _progress_bar(len(jobs)) as bar:
        try:
            for done in as_completed([pool.submit(work, job) for job in jobs]):
                result = done.result()
                note(result)
                size += result.size
                bar.set_postfix_str(f"{size / 1e6:,.1f} MB", refresh=False)
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def report(message: object) -> None:
    """Print one line on standard error, above the progress bar if there is one."""
    # The name of a file may have bytes that are no text.
    line = str(message).encode(errors="backslashreplace").decode()
    tqdm.write(line, file=sys.stderr)


def _progress_bar(total: int) -> "tqdm[NoReturn]":
    # disable=None: a bar on a terminal, nothing in a log.
    return tqdm(total=total, unit="page", file=sys.stderr, disable=None)
