"""Rendering anew: pages that an older renderer has made are made by today's, as if saved again.

The database finds them by an index, so nothing is to be kept about how far this has come: what an
older release saves meanwhile is found, too. A page keeps its version, for nobody has edited it, and
with it title, tags and times. A save wins, and is neither refused nor kept waiting: what it claims
stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, select, update

from sheaf.database.tables import is_live, page_rendering, pages
from sheaf.pages import normalizing, relaying, saves
from sheaf.pages.reads import is_stale
from sheaf.pages.relaying import Document
from sheaf.rendering import articles, markdown, source
from sheaf.rendering.work import TooMuch
from sheaf.search import vectors
from sheaf.sharding import ownership, shards


@dataclass(frozen=True)
class _Stored:
    """A page as it is stored: what is rendered, and the HTML that came of it the last time."""

    slug: str
    version: int
    title: str
    tags: Sequence[str]
    body: str
    file: str
    html: str


def stale(number: int, limit: int) -> list[str]:
    """Up to `limit` slugs of a shard: pages that an older renderer has made. Raises Unavailable."""
    return shards.on(number, _stale, limit)


def rerender(slug: str, document: Document) -> bool:
    """Render a page anew, unless it is saved meanwhile; whether it is shown otherwise since.

    A text that would be too much today stays as it was rendered. May be done twice. Raises
    Unavailable, and then the page is as before.
    """
    page = shards.read(slug, _find)
    if page is None:
        return False
    changed = shards.write(slug, _replace, page)
    # If the cache fails here, a page is shown as it was until it is due to be made again.
    if changed:
        relaying.publish(slug, document)
    return changed


def _stale(connection: Connection, limit: int) -> list[str]:
    # Those on their way to another shard, or from one, are for whichever has them in the end.
    statement = (
        select(pages.c.slug)
        .where(is_live, is_stale, pages.c.slot.in_(ownership.settled()))
        .order_by(*page_rendering, pages.c.slug)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def _find(connection: Connection, slug: str) -> _Stored | None:
    columns = (pages.c[name] for name in _Stored.__dataclass_fields__)
    statement = select(*columns).where(pages.c.slug == slug, is_live, is_stale)
    row = connection.execute(statement).one_or_none()
    return _Stored(*row) if row else None


def _replace(connection: Connection, slug: str, page: _Stored) -> bool:
    """Whether the page has other HTML now: it has not if somebody has saved it meanwhile."""
    given = _rendered(page)
    statement = _RENDERED if given else _KEPT
    is_done = saves.amend(connection, statement, slug, page.version, given)
    return is_done and given.get("new_html", page.html) != page.html


def _rendered(page: _Stored) -> dict[str, object]:
    """What a save would store of the text; nothing if that is too much."""
    parts = source.parse(page.body)
    try:
        rendered = markdown.render(parts.text, page.slug, page.file)
    except TooMuch:
        return {}
    # The title may not have been brought to its spelling yet.
    title, _ = normalizing.named(page.slug, page.title, ())
    headline = source.title(parts, rendered.heading, page.slug, title).headline
    said = (rendered.headings, rendered.plain, page.tags, parts.metadata.lang or "")
    indexed = vectors.Text(title, *said)
    return {
        "new_html": articles.stored(headline, rendered.html),
        "new_plain": rendered.plain,
        **vectors.parameters(indexed),
        "targets": sorted(rendered.links),
        "tag_keys": saves.tag_keys(page.tags),
    }


def _rendering(*, anew: bool) -> Select[Any]:
    derived = {
        "html": bindparam("new_html", type_=Text),
        "plain": bindparam("new_plain", type_=Text),
        **vectors.values(),
    }
    rendered = (
        update(pages)
        .where(*saves.as_read())
        .values(
            renderer=articles.RENDERER,
            rendered_version=pages.c.version,
            **(derived if anew else {}),
        )
        .returning(pages.c.slug, pages.c.slot, pages.c.tags, pages.c.updated_at)
        .cte("rendered")
    )
    derived_from = (*saves.relink(rendered), *saves.retag(rendered))
    return select(rendered.c.slug).add_cte(*(derived_from if anew else (rendered,)))


# Built once: building a statement takes longer than running it.
_RENDERED, _KEPT = _rendering(anew=True), _rendering(anew=False)
