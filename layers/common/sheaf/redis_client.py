"""The connection to Redis (or Valkey): one per process, with timeouts and, on AWS, IAM login."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from sheaf import settings
from sheaf.aws.presigning import Credentials, cache_token
from sheaf.urls import Url

_TIMEOUT_SECONDS = 1.0


@cache
def connect(url: str, cluster: bool | None = None) -> "redis.Redis":
    """A client for this address. Every call on it fails within seconds, and with a RedisError.

    `cluster` says whether a cluster is there; None: if the cache is one. A cluster is asked for its
    nodes at once, so there this may raise a RedisError as well.
    """
    current = settings.current()
    options: dict[str, Any] = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        # A script that was sent may have run: its sender decides if it may be sent again.
        "retry": Retry(NoBackoff(), 0),
        # A connection begins with AUTH and nothing else: it is somebody's request that waits.
        "protocol": 2,
        "driver_info": None,
    }
    if current.auth == "iam" and url == current.cache_url:
        user = Url(url).user or "default"
        options["credential_provider"] = _IamLogin(current.region, current.cache_name, user)
        url = url.replace(f"{user}@", "", 1)
    if current.cache_cluster if cluster is None else cluster:
        # The cluster client offers the same commands; redis-py gives the two no common type.
        return _Cluster.of(url, **options)  # type: ignore[return-value]
    return redis.Redis.from_url(url, **options)


class _Cluster(redis.RedisCluster):
    """A cluster whose failures are RedisErrors: those of redis-py's own are not."""

    @classmethod
    def of(cls, url: str, **options: Any) -> "_Cluster":
        """The client; raises redis.ConnectionError if there is no cluster."""
        with _as_redis_errors():
            return cls(url=url, **options)

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """The answer of the node that has the key."""
        with _as_redis_errors():
            return super().execute_command(*words, **options)  # type: ignore[no-untyped-call]


@contextmanager
def _as_redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise redis.ConnectionError(str(error)) from error


class _IamLogin(redis.CredentialProvider):
    def __init__(self, region: str, cache_name: str, user: str) -> None:
        self._region, self._cache_name, self._user = region, cache_name, user

    def get_credentials(self) -> tuple[str, str]:
        credentials = Credentials.from_environment()
        return self._user, cache_token(credentials, self._region, self._cache_name, self._user)
