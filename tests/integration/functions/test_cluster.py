"""A site whose cache is a cluster with TLS and users, as on AWS."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import upkeep.app
from sheaf.pages import page_cache
from tests.context import new_context
from tests.integration.conftest import Configure
from tests.servers import redis_cluster
from tests.site import CREATE, Site


@pytest.fixture
def cluster(tmp_path: Path, site: Site, configure: Configure) -> Iterator[ExitStack]:
    """One node with all slots, which is what ElastiCache Serverless shows; closing it ends it."""
    with ExitStack() as stack:
        server = redis_cluster.redis_cluster(tmp_path / "cluster", primaries=1, replicas=0)
        url = stack.enter_context(server).url
        configure(SHEAF_CACHE_URL=url, SHEAF_CACHE_CLUSTER="true")
        yield stack


def test_all_of_it_works(site: Site, cluster: ExitStack) -> None:
    site.create("home", "# One")
    page_cache.near().close()
    assert page_cache.near().find("page:home", 1e9)[1] == "hit"
    assert site.update("home", "# Two", 1).status_code == 200
    assert "Two" in site.get("/", Cache_Control="no-cache").text
    assert site.get("/nothing").status_code == 404
    assert site.get("/api/health").status_code == 200
    assert upkeep.app.handler({}, new_context())["relayed"] == 2
    assert site.delete("home", 2).status_code == 204
    assert site.get("/").status_code == 410


@pytest.mark.parametrize("connected", [True, False])
def test_when_it_is_gone_the_site_is_read_and_not_written(
    site: Site, cluster: ExitStack, configure: Configure, connected: bool
) -> None:
    site.create("home", "# One")
    cluster.close()
    if not connected:
        configure(SHEAF_CACHE_URL="rediss://sheaf:secret@127.0.0.1:1/0")
    for path, status in (("/", 200), ("/home.md", 200), ("/nothing", 404), ("/api/health", 503)):
        assert site.get(path).status_code == status, path
    refused = site.put("away", "text", CREATE)
    assert (refused.status_code, refused.json["type"]) == (503, "urn:sheaf:problem:unavailable")
    assert refused.headers["Retry-After"]
    assert site.get("/api/pages/away").status_code == 404
