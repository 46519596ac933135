"""Two editors, A and B, each with its own wire to PostgreSQL and to a pair of Redis servers."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

import pytest

from tests.faults.editors import Editor, Story
from tests.fixtures import Servers
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import RedisPair, address, redis_pair

PAGE = ("page-1",)
PAIR = ("pair-1/a", "pair-1/b")


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisPair]:
    with redis_pair(tmp_path_factory.mktemp("pair")) as servers:
        yield servers


@contextmanager
def _two(pair: RedisPair, database_url: str, *options: str) -> Iterator[tuple[Editor, Editor]]:
    with ExitStack() as stack:
        editors = []
        for _ in range(2):
            cache = stack.enter_context(Proxy(pair.primary.address))
            database = stack.enter_context(Proxy(address(database_url)))
            environment = {
                "SHEAF_DATABASE_URLS": database.url(database_url),
                "SHEAF_CACHE_URL": cache.url(pair.url),
                "POWERTOOLS_METRICS_DISABLED": "true",  # what it prints is its answers
            }
            editor = Editor(cache, database, environment, *options)
            stack.callback(editor.close)
            editors.append(editor)
        first, second = editors
        yield first, second


@pytest.fixture(scope="session")
def two_editors(pair: RedisPair, environment: Servers) -> Iterator[tuple[Editor, Editor]]:
    with _two(pair, environment.database_url) as editors:
        yield editors


@dataclass(frozen=True)
class Scene:
    """Where a schedule takes place."""

    a: Editor
    b: Editor
    pair: RedisPair
    story: Story


def set_scene(
    editors: tuple[Editor, Editor], pair: RedisPair, database_url: str, slugs: Sequence[str]
) -> Scene:
    """Everything whole and empty; A writes the first of the pages and B the last."""
    story = Story(database_url)
    pair.part()
    for editor, target in zip(editors, (slugs[0], slugs[-1]), strict=True):
        editor.cache.heal(pair.primary.address)
        editor.database.heal(address(database_url))
        editor.begin(story, slugs, target)
    return Scene(*editors, pair, story)


@pytest.fixture(params=[PAGE, PAIR], ids=["page", "pair"])
def either(
    two_editors: tuple[Editor, Editor],
    pair: RedisPair,
    clean: Servers,
    request: pytest.FixtureRequest,
) -> Scene:
    return set_scene(two_editors, pair, clean.database_url, request.param)


class Break(Protocol):
    """Sets a scene with editors whose protocol is broken, after an edit by each."""

    def __call__(self, mutation: str, slugs: Sequence[str] = PAIR) -> Scene: ...


@pytest.fixture
def broken(pair: RedisPair, clean: Servers) -> Iterator[Break]:
    with ExitStack() as stack:

        def set_it(mutation: str, slugs: Sequence[str] = PAIR) -> Scene:
            editors = stack.enter_context(_two(pair, clean.database_url, "--mutation", mutation))
            scene = set_scene(editors, pair, clean.database_url, slugs)
            scene.a.edit()
            scene.b.edit()
            return scene

        yield set_it
