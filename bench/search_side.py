"""One tree of code among those whose searches are compared, as a process: see bench.search.

It gets a line of JSON for each task, and answers with one. An older tree has this module, too, and
bench.search_pages: what they need of Sheaf is found by the names that a tree has.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from bench import search_pages
from bench.search_pages import Page

AT_ONCE = 200
AUTHOR = "bench"


class Tree(Protocol):
    """What a tree can do of which it has functions of other names."""

    tables: Any
    shards: Any

    def prepare(self) -> None:
        """Migrate the database."""

    def stored(self, page: Page) -> dict[str, Any]:
        """The parameters of the columns that `values` gives."""

    def values(self) -> dict[str, Any]:
        """The columns that not every tree has."""

    def count(self) -> None:
        """Count what searches need."""

    def find(self, query: str) -> int:
        """Search, and return how many pages are shown."""

    def save(self, slug: str, text: str) -> None:
        """Compose a page and save it."""


class Before:
    """The tree of e954137."""

    def __init__(self) -> None:
        """Import what it has."""
        self.tables = import_module("sheaf.storage.tables")
        self.shards = import_module("sheaf.storage.shards")
        self._vectors = import_module("sheaf.storage.vectors")
        self._lists = import_module("listing.lists")
        self._composing = import_module("writes.composing")
        self._editing = import_module("writes.editing")
        self._part = import_module("sheaf.paging").Part
        self._new = import_module("sheaf.web.conditions").Precondition(None)

    def prepare(self) -> None:
        """As Tree says."""
        import_module("sheaf.storage.migrate").upgrade(self.shards.everywhere())

    def stored(self, page: Page) -> dict[str, Any]:
        """As Tree says."""
        found: dict[str, Any] = self._vectors.parameters(
            page.title, "\n".join(page.headings), page.plain
        )
        return found

    def values(self) -> dict[str, Any]:
        """As Tree says."""
        return {"search": self._vectors.vector()}

    def count(self) -> None:
        """As Tree says: nothing."""

    def find(self, query: str) -> int:
        """As Tree says."""
        return len(self._lists.hits(query, self._part(self._lists.DEFAULT_HITS)).items)

    def save(self, slug: str, text: str) -> None:
        """As Tree says."""
        content = self._composing.compose(slug, text)
        self._editing.put(slug, self._new, AUTHOR, "", content)


class Now:
    """This tree."""

    def __init__(self) -> None:
        """Import what it has."""
        self.tables = import_module("sheaf.database.tables")
        self.shards = import_module("sheaf.sharding.shards")
        self._vectors = import_module("sheaf.search.vectors")
        self._searches = import_module("sheaf.pages.searches")
        self._editing = import_module("sheaf.pages.editing")
        self._no_filters = import_module("sheaf.search.queries").Filters()
        self._saved = import_module("sheaf.http.documents").saved
        self._new = import_module("sheaf.pages.preconditions").Precondition(None)
        default = import_module("sheaf.pages.lists").DEFAULT_HITS
        self._first = import_module("sheaf.paging").PageRequest(default)

    def prepare(self) -> None:
        """As Tree says."""
        import_module("sheaf.sharding.migrate").upgrade(self.shards.everywhere())

    def stored(self, page: Page) -> dict[str, Any]:
        """As Tree says."""
        said = (page.title, "\n".join(page.headings), page.plain, page.tags, page.lang)
        found: dict[str, Any] = self._vectors.parameters(self._vectors.Text(*said))
        return found

    def values(self) -> dict[str, Any]:
        """As Tree says."""
        newest = import_module("sheaf.rendering.articles").RENDERER
        noted = {"origin_version": 1, "rendered_version": 1, "renderer": newest}
        return {**self._vectors.values(), **noted}

    def count(self) -> None:
        """As Tree says."""
        import_module("sheaf.pages.snapshots").make(0, lambda: True)

    def find(self, query: str) -> int:
        """As Tree says."""
        return len(self._searches.find(query, self._no_filters, self._first).items)

    def save(self, slug: str, text: str) -> None:
        """As Tree says."""
        content = self._editing.compose(slug, text)
        self._editing.put(slug, self._new, AUTHOR, "", content, document=self._saved)


@cache
def tree() -> Tree:
    """That of this process."""
    return Now() if find_spec("sheaf.sharding") else Before()


def prepare() -> int:
    """Migrate; the process of PostgreSQL that answers."""
    tree().prepare()
    with _connection() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def fill(first: int, last: int) -> None:
    """Store these pages, as if they had been saved."""
    for number in range(first, last, AT_ONCE):
        _insert([search_pages.page(each) for each in range(number, min(last, number + AT_ONCE))])


def _insert(pages: Sequence[Page]) -> None:
    sqlalchemy, tables = import_module("sqlalchemy"), tree().tables
    names = "slug slot title sort_title tags body html plain owner write_id"
    given = {
        name: sqlalchemy.bindparam(f"given_{name}", type_=tables.pages.c[name].type)
        for name in names.split()
    }
    fixed = {"state": "live", "version": 1, "fence": 1, "author": AUTHOR}
    statement = sqlalchemy.insert(tables.pages).values(**given, **fixed, **tree().values())
    linked = {(page.slug, target, _slot(page.slug)) for page in pages for target in page.links}
    with _connection() as connection, connection.begin():
        connection.execute(statement, [_row(page) | tree().stored(page) for page in pages])
        connection.execute(
            sqlalchemy.insert(tables.links),
            [dict(zip(("source", "target", "slot"), link, strict=True)) for link in sorted(linked)],
        )


def _row(page: Page) -> dict[str, Any]:
    own: dict[str, Any] = {
        "slug": page.slug,
        "slot": _slot(page.slug),
        "title": page.title,
        "sort_title": page.title.casefold(),
        "tags": list(page.tags),
        "body": page.markdown,
        "html": "".join(f"<p>{each}</p>\n" for each in page.paragraphs),
        "plain": page.plain,
        "owner": UUID(int=0),
        "write_id": uuid4(),
    }
    return {f"given_{name}": value for name, value in own.items()}


def _slot(slug: str) -> int:
    return int(import_module("sheaf.hashing").slot(slug))


def copy(times: int) -> None:
    """Store all pages as often under other slugs."""
    own = {
        "id": "gen_random_uuid()",
        "write_id": "gen_random_uuid()",
        "slug": "slug || '-' || number",
        "identity": "NULL",
    }
    names = [column.name for column in tree().tables.pages.columns if column.computed is None]
    values = ", ".join(own.get(name, name) for name in names)
    with _connection() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.connection.driver_connection.patience = 1200
        connection.exec_driver_sql(
            f"INSERT INTO pages ({', '.join(names)}) SELECT {values} "
            f"FROM pages, generate_series(2, {times}) AS number"
        )


def count() -> None:
    """Count what searches need."""
    tree().count()


def find(query: str) -> tuple[float, int | None]:
    """The milliseconds of a search, and how many pages it shows; None if it fails."""
    begun = time.perf_counter()
    try:
        shown = tree().find(query)
    except Exception as error:  # noqa: BLE001 - as when it takes too long
        print(f"{query}: {error}", file=sys.stderr)
        return (time.perf_counter() - begun) * 1000, None
    return (time.perf_counter() - begun) * 1000, shown


def save(size: int, first: int, last: int) -> float:
    """Of saves of new pages of a size: the milliseconds of this process and PostgreSQL's for each.

    Where the system does not tell, those that pass.
    """
    texts = [search_pages.page(number, size).markdown for number in range(first, last)]
    begun = _work()
    for number, text in enumerate(texts, first):
        tree().save(f"saved/{size}/{number}", text)
    return (_work() - begun) * 1000 / len(texts)


def _work() -> float:
    with _connection() as connection:
        backend = connection.connection.driver_connection.info.backend_pid
    schedule = Path(f"/proc/{backend}/schedstat")
    if not schedule.exists():
        return time.perf_counter()
    return time.process_time() + int(schedule.read_text().split()[0]) / 1e9


def _connection() -> Any:
    return tree().shards.home().connect()


TASKS: dict[str, Callable[..., object]] = {
    "prepare": prepare,
    "fill": fill,
    "copy": copy,
    "count": count,
    "find": find,
    "save": save,
}


def main() -> None:
    """Do one task after the other."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(TASKS[name](*arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
