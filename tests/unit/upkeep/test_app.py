import pytest

from sheaf.http import documents
from upkeep import app


def test_a_page_is_one_tag() -> None:
    tags = [f"#{documents.cdn_tag(slug)}" for slug in ("about", "guide/install")]
    assert app.purge_paths(["guide/install", "about"]) == tags


@pytest.mark.parametrize("slug", ["home", "größe/部署", "a,b"])
def test_a_tag_is_one_that_cloudfront_takes(slug: str) -> None:
    (tag,) = app.purge_paths([slug])
    assert tag.startswith("#")
    assert len(tag) <= 256
    assert all(33 <= ord(character) <= 126 and character != "," for character in tag)


@pytest.mark.parametrize(("count", "paths"), [(0, 0), (3, 3), (4, 1), (5000, 1)])
def test_of_many_pages_everything_is_forgotten(count: int, paths: int) -> None:
    found = app.purge_paths({f"page-{number}" for number in range(count)})
    assert len(found) == paths
    assert (found == ["/*"]) == (count > 3)
