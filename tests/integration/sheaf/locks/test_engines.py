"""The engine that the settings name."""

import sys

import pytest

from sheaf.locks import LockError, engines
from sheaf.locks.redis import RedisLocks
from sheaf.locks.zookeeper import ZooKeeperLocks
from sheaf.pages import page_cache
from sheaf.settings import SettingsError
from tests.integration.conftest import Configure
from tests.servers.redis_cluster import Cluster
from tests.servers.zookeeper import Ensemble
from tests.site import Site


def test_locks_are_kept_in_the_cache_by_default(configure: Configure) -> None:
    configure()
    locks = engines.current()
    assert isinstance(locks, RedisLocks)
    assert engines.current() is locks


def test_a_cluster_of_its_own(configure: Configure, cluster: Cluster) -> None:
    configure(SHEAF_LOCKS=cluster.url, SHEAF_LOCKS_CLUSTER="true")
    with engines.current().lock("page:x", 10) as lock:
        assert lock.owned()


def test_a_cluster_that_is_not_there_is_a_lock_error(configure: Configure) -> None:
    configure(SHEAF_LOCKS="redis://127.0.0.1:1", SHEAF_LOCKS_CLUSTER="true")
    with pytest.raises(LockError, match="cannot be reached"):
        engines.current()


def test_locks_in_the_cache_have_its_client(configure: Configure) -> None:
    """So that a publication and a release are one round trip."""
    configure()
    locks = engines.current()
    assert isinstance(locks, RedisLocks)
    assert locks.client is page_cache.versioned().client


def test_zookeeper_without_its_client_is_a_setting_that_cannot_be(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(SHEAF_LOCKS="zookeeper://127.0.0.1:2181")
    for ours in [name for name in sys.modules if name.startswith("sheaf.locks.zookeeper")]:
        monkeypatch.delitem(sys.modules, ours)
    monkeypatch.setitem(sys.modules, "kazoo", None)
    monkeypatch.setitem(sys.modules, "kazoo.client", None)
    with pytest.raises(SettingsError, match="SHEAF_LOCKS names ZooKeeper, which needs kazoo"):
        engines.current()


def test_a_page_is_saved_under_every_engine_in_turn(
    site: Site, configure: Configure, ensemble: Ensemble
) -> None:
    """The fences of one engine are not comparable with the other's: new ones are issued."""
    site.create("home", "one")
    configure(SHEAF_LOCKS=ensemble.url)
    locks = engines.current()
    assert isinstance(locks, ZooKeeperLocks)
    assert site.update("home", "two", 1).status_code == 200
    assert site.update("home", "three", 2).status_code == 200
    assert "three" in site.get("/").text
    locks.close()
    configure(SHEAF_LOCKS="")
    assert site.update("home", "four", 3).status_code == 200
