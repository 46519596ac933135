from bench import locked_write
from sheaf import redis_client, settings
from tests.site import Site


def test_each_kind_of_write_is_one(site: Site) -> None:
    rounds, warming, pages, kinds = 2, 50, 50, 3
    client = redis_client.connect(settings.current().cache_url)
    result = locked_write.measure(client, rounds)
    assert all(result[way] > 0 for way in ("plain", "locked", "put", "ping"))
    assert sum(locked_write._versions.values()) == pages + kinds * (warming + rounds)
    assert site.get("/api/pages/guide/page-0").json["title"] == "A page"
