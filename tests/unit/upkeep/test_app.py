import pytest

from upkeep import app


def test_a_page_its_markdown_and_its_versions_are_one_path() -> None:
    assert app.purge_paths(["guide/install", "about"]) == ["/about*", "/guide/install*"]


def test_home_is_the_root_as_well_and_not_everything() -> None:
    assert app.purge_paths(["home"]) == ["/", "/home*"]


def test_paths_are_escaped_as_in_addresses() -> None:
    assert app.purge_paths(["größe/部署"]) == ["/gr%C3%B6%C3%9Fe/%E9%83%A8%E7%BD%B2*"]


@pytest.mark.parametrize(("count", "paths"), [(0, 0), (3, 3), (4, 1), (5000, 1)])
def test_of_many_pages_everything_is_forgotten(count: int, paths: int) -> None:
    found = app.purge_paths({f"page-{number}" for number in range(count)})
    assert len(found) == paths
    assert (found == ["/*"]) == (count > 3)
