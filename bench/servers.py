"""The servers of a benchmark, for the time of a `with` block."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from local.laptop import postgres, services
from sheaf.sharding import migrate, shards

ISSUER = "http://127.0.0.1/-/local"
RUN_SECONDS = 2 * 3600  # several times what the longest full run takes


@contextmanager
def servers(place: Path) -> Iterator[str]:
    """Run Redis and PostgreSQL, set up for the functions; yields the address of Redis."""
    postgres.forget_defaults(os.environ)
    with (
        deadline(RUN_SECONDS),
        services.postgres(place) as database,
        services.redis(place) as cache,
    ):
        os.environ |= {
            "SHEAF_DATABASE_URLS": database.url,
            "SHEAF_CACHE_URL": cache.url,
            "SHEAF_HOME": str(place),
            "SHEAF_ISSUER": ISSUER,
            "POWERTOOLS_SERVICE_NAME": "sheaf",
            "POWERTOOLS_LOG_LEVEL": "WARNING",
            "POWERTOOLS_METRICS_DISABLED": "true",
        }
        migrate.upgrade(shards.everywhere())
        yield cache.url
        shards.dispose()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer, whatever the main thread waits for then."""

    def give_up(_number: int, _frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
