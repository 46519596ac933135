"""The connection to Redis (or Valkey): one per process, with timeouts and, on AWS, IAM login."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sheaf import settings
from sheaf.presigning import Credentials, cache_token

_TIMEOUT_SECONDS = 1.0


@cache
def connect(url: str, cluster: bool | None = None) -> "redis.Redis":
    """A client for this address. Every call on it fails within about a second.

    `cluster` says whether a cluster is there; None: if the cache is one.
    """
    current = settings.current()
    options: dict[str, Any] = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        # A script that was sent may have run: whoever sends it decides if it may be sent again.
        "retry": Retry(NoBackoff(), 0),
    }
    if current.auth == "iam" and url == current.cache_url:
        user = urlsplit(url).username or "default"
        options["credential_provider"] = _IamLogin(current.region, current.cache_name, user)
        url = url.replace(f"{user}@", "", 1)
    if current.cache_cluster if cluster is None else cluster:
        # The cluster client offers the same commands; redis-py gives the two no common type.
        return redis.RedisCluster.from_url(url, **options)  # type: ignore[return-value]
    return redis.Redis.from_url(url, **options)


class _IamLogin(redis.CredentialProvider):
    def __init__(self, region: str, cache_name: str, user: str) -> None:
        self._region, self._cache_name, self._user = region, cache_name, user

    def get_credentials(self) -> tuple[str, str]:
        credentials = Credentials.from_environment()
        return self._user, cache_token(credentials, self._region, self._cache_name, self._user)
