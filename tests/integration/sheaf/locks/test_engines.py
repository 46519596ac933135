"""The engine that the settings name."""

from collections.abc import Iterator

import pytest

from sheaf import settings
from sheaf.locks import engines
from sheaf.locks.redis import RedisLocks
from sheaf.locks.zookeeper import ZooKeeperLocks
from tests.conftest import Servers
from tests.servers.redis_cluster import Cluster
from tests.servers.zookeeper import Ensemble
from tests.site import Site


@pytest.fixture
def patch(environment: Servers) -> Iterator[pytest.MonkeyPatch]:
    """Other settings for one test, and another engine with them."""
    _forget()
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    _forget()


def _forget() -> None:
    settings.current.cache_clear()
    engines.current.cache_clear()


def test_locks_are_kept_in_the_cache_by_default(
    patch: pytest.MonkeyPatch, environment: Servers
) -> None:
    locks = engines.current()
    assert isinstance(locks, RedisLocks)
    assert engines.current() is locks


def test_a_cluster_of_its_own(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    patch.setenv("SHEAF_LOCKS", cluster.url)
    patch.setenv("SHEAF_LOCKS_CLUSTER", "true")
    with engines.current().lock("page:x", 10) as lock:
        assert lock.owned()


def test_a_page_is_saved_under_every_engine_in_turn(
    site: Site, patch: pytest.MonkeyPatch, ensemble: Ensemble
) -> None:
    """The fences of one engine are not comparable with the other's: they are issued anew."""
    site.create("home", "one")
    patch.setenv("SHEAF_LOCKS", ensemble.url)
    _forget()
    locks = engines.current()
    assert isinstance(locks, ZooKeeperLocks)
    assert site.update("home", "two", 1).status_code == 200
    assert site.update("home", "three", 2).status_code == 200
    assert "three" in site.get("/").text
    patch.delenv("SHEAF_LOCKS")
    locks.close()
    _forget()
    assert site.update("home", "four", 3).status_code == 200
