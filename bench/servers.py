"""The servers of a benchmark, for the time of a `with` block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import services
from sheaf.storage import migrate, shards

ISSUER = "http://127.0.0.1/-/local"


@contextmanager
def servers(place: Path) -> Iterator[str]:
    """Run Redis and PostgreSQL, set up for the functions; yields the address of Redis."""
    with services.postgres(place) as database, services.redis(place) as cache:
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
