"""All tags, each once, on any number of databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, func, insert

from sheaf import hashing
from sheaf.database.tables import page_tags
from sheaf.pages import tags
from sheaf.pages.tags import Tag
from sheaf.search import words
from sheaf.sharding import shards
from tests.fixtures import Servers, together
from tests.integration.conftest import Configure


@pytest.fixture(params=[1, 3], ids=["one shard", "three shards"])
def _spread(request: pytest.FixtureRequest, clean: Servers, configure: Configure) -> Iterator[None]:
    with together(clean, "tagged", request.param) as made:
        configure(SHEAF_DATABASE_URLS=",".join(made))
        yield
        shards.dispose()


def tag(pages: dict[str, list[str]]) -> None:
    """Have pages with these tags, as saves note them: as they are written, and their keys."""
    owner = shards.current_map().owner
    for number, shard in enumerate(shards.everywhere()):
        with shard.begin() as connection:
            connection.execute(delete(page_tags))
            for slug, written in pages.items():
                if owner(slug) == number:
                    names = {*written, *map(words.tag_key, written)}
                    same = {"slug": slug, "slot": hashing.slot(slug), "updated_at": func.now()}
                    for name in names:
                        connection.execute(insert(page_tags).values(tag=name, **same))


@pytest.mark.usefixtures("_spread")
def test_each_tag_is_listed_once_as_most_pages_write_it() -> None:
    tag({})
    assert tags.everything() == tags.Tags([], ends_early=False)
    tag(
        {
            "a": ["Tea", "c#", "Über uns"],
            "b": ["tea", "c"],
            "c": ["tea"],
            "d": ["Milk"],
            "e": ["milk", "日本語"],
        }
    )
    assert tags.everything().items == [
        Tag("c", 1),
        Tag("c#", 1),
        Tag("Milk", 2),
        Tag("tea", 3),
        Tag("Über uns", 1),
        Tag("日本語", 1),
    ]


@pytest.mark.usefixtures("_spread")
def test_of_many_some_are_counted_and_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST_COUNTED", 5)
    monkeypatch.setattr(tags, "MOST_NAMES", 7)
    tag({f"p{number}": ["all"] for number in range(20)})
    assert tags.everything() == tags.Tags([Tag("all", 5)], ends_early=False)
    tag({f"p{number}": [f"t{number}"] for number in range(20)})
    assert tags.everything().ends_early
