"""What has to be so before a site is served: servers that can be reached, and tables in them.

Run as a program it says in one line what is not so, and ends with status 2. Arguments such as
SHEAF_CACHE_URL=WORDS say what to call a server that no setting names.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from local.gateway.config import WRONG_SETTING, ConfigError, GatewayConfig
from local.gateway.functions import invoke
from sheaf import redis_client, settings, telemetry
from sheaf.locks import LockError, engines
from sheaf.settings import SettingsError
from sheaf.sharding import shards
from sheaf.sharding.migrate import NonePrepared


class ServiceError(RuntimeError):
    """A server cannot be used; the message is a line that names its setting and no password."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable}: {reason}")
        self.variable, self.reason = variable, reason


def migrate(config: GatewayConfig) -> Any:
    """Bring the databases up to date; returns what the function does.

    Raises ServiceError for those that cannot be reached, let this user make no tables, or, of
    several, prepare no transactions.
    """
    with _named("SHEAF_DATABASE_URLS", DBAPIError, ArgumentError):
        for engine in shards.everywhere():
            engine.connect().close()
    try:
        with _named("SHEAF_DATABASE_URLS", OperationalError, InsufficientPrivilege):
            return invoke(config.load().functions["MigrateFunction"], {})
    except NonePrepared as error:
        raise ServiceError("SHEAF_DATABASE_URLS", str(error)) from error


def reach_cache() -> None:
    """Raise ServiceError unless the cache answers, and what keeps the locks."""
    with _named("SHEAF_CACHE_URL", redis.RedisError, ValueError):
        redis_client.connect(settings.current().cache_url).ping()
    with _named("SHEAF_LOCKS", redis.RedisError, LockError, ValueError):
        engines.current().lock("preparation", timeout=1).locked()


@contextmanager
def _named(variable: str, *kinds: type[Exception]) -> Iterator[None]:
    """Raise ServiceError for errors of these kinds, or that the driver raised as one of them."""
    try:
        yield
    except SettingsError:
        raise
    except Exception as error:
        if not isinstance(error, kinds) and not isinstance(error.__cause__, kinds):
            raise
        raise ServiceError(variable, telemetry.reason(error)) from error


def main() -> int:
    """Prepare the servers that the environment names; return a status."""
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)  # else it tells of each attempt
    try:
        config = GatewayConfig.read(os.environ)
        settings.current()
        reach_cache()
        print(json.dumps(migrate(config)))
    except (SettingsError, ConfigError) as error:
        print(f"sheaf: {error}", file=sys.stderr)
        return WRONG_SETTING
    except ServiceError as error:
        called = dict(word.split("=", 1) for word in sys.argv[1:])
        name = called.get(error.variable, error.variable)
        print(f"sheaf: {name}: {error.reason}", file=sys.stderr)
        return WRONG_SETTING
    return 0


if __name__ == "__main__":
    sys.exit(main())
