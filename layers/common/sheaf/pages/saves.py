"""Saves: the one statement that replaces a claimed page, with all that follows from it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError

from sheaf.database.tables import is_live, links, outbox, page_tags, pages, revisions
from sheaf.pages import idempotency, reads
from sheaf.pages.claims import Claim
from sheaf.pages.idempotency import Key, KeyUsed
from sheaf.pages.reads import ITEM, Page, PageItem, is_stale
from sheaf.rendering import articles
from sheaf.rendering.source import SourceWarning
from sheaf.search import vectors, words
from sheaf.sharding import ownership


class LockLost(Exception):
    """Someone else claimed the page before our write: nothing of it was stored."""


@dataclass(frozen=True)
class Content:
    """What a write puts into a page: its text and all that was derived from it."""

    title: str
    tags: tuple[str, ...]
    body: str
    html: str  # as it is stored (see rendering/articles.py)
    blob: str
    headings: str
    plain: str
    links: frozenset[str]
    warnings: tuple[SourceWarning, ...] = ()  # for the author alone
    folder: str = ""  # where its relative links start
    lang: str = ""

    @property
    def indexed(self) -> vectors.Text:
        """What it is found by."""
        return vectors.Text(self.title, self.headings, self.plain, self.tags, self.lang)


EMPTY = Content("", (), "", "", "", "", "", frozenset())


@dataclass(frozen=True)
class Write:
    """One write: author, content, and the id that it is recognised by if its answer is lost."""

    id: UUID
    author: str
    comment: str
    state: str
    content: Content
    key: Key | None = None
    # What the revision says of how it came about (see events.py).
    origin: str = ""
    # The file that it came from: "" if that has the slug's name, None if nothing is said of it.
    file: str | None = None


def save(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """Replace the claimed page: row, revision, links, tags and outbox, in one statement.

    A page that has this content already stays as it is, and its version is what comes of it.
    Raises LockLost if the claim no longer stands, Moved if the slug is another shard's, and KeyUsed
    if a write with the same idempotency key was done.
    """
    is_kept = _is_kept(claim, write)
    parameters = _parameters(claim, write) | ownership.key(connection, claim.slug)
    if is_kept:
        return _one(connection, _STAYS, claim, parameters)
    try:
        row = connection.execute(_SAVE_KEPT if write.key else _SAVE, parameters).one_or_none()
    except IntegrityError as error:
        if idempotency.is_used(error):
            raise KeyUsed(claim.slug) from error
        raise
    return PageItem(*tuple(row)) if row else _already_saved(connection, claim, write)


def redirect(connection: Connection, claim: Claim, write: Write, moved_to: str) -> PageItem:
    """Replace the claimed page by a redirect to another slug; raises what `save` does.

    Its id goes along with what moves, so the row gets another one.
    """
    return _replaced(connection, _REDIRECT, claim, write, {"new_moved_to": moved_to})


def arrive(connection: Connection, claim: Claim, write: Write, page: Page) -> PageItem:
    """Put a page that comes from elsewhere at the claimed slug; raises what `save` does.

    Its version is above any that either slug has had: that of `page` and its redirect's.
    """
    given = {
        "least_version": page.version + 1,
        "new_identity": page.id,
        "new_created_at": page.created_at,
        "moved_from": page.slug,
        # A move is no new text, so it is the revision's alone.
        "new_origin": "" if page.origin == "edit" else page.origin,
    }
    return _replaced(connection, _ARRIVE, claim, write, given)


def _replaced(
    connection: Connection,
    statement: Select[Any],
    claim: Claim,
    write: Write,
    given: dict[str, object],
) -> PageItem:
    parameters = _parameters(claim, write) | ownership.key(connection, claim.slug) | given
    return _one(connection, statement, claim, parameters)


def _is_kept(claim: Claim, write: Write) -> bool:
    """Whether the page has all that the write would give it."""
    content = write.content
    has = claim.state, claim.file, claim.blob, claim.title, *claim.tags
    wanted = write.state, file_of(claim, write), content.blob, content.title, *content.tags
    return has == wanted


def file_of(claim: Claim, write: Write) -> str:
    """The page's file from now on: what is made anew, or goes, has none of before."""
    if write.file is not None:
        return write.file
    return claim.file if claim.live and write.state == "live" else ""


def _already_saved(connection: Connection, claim: Claim, write: Write) -> PageItem:
    statement = select(*ITEM).where(pages.c.slug == claim.slug, pages.c.write_id == write.id)
    return _one(connection, statement, claim, {})


def _one(
    connection: Connection, statement: Select[Any], claim: Claim, parameters: Mapping[str, object]
) -> PageItem:
    row = connection.execute(statement, parameters).one_or_none()
    if row is None:
        ownership.check_writable(connection, claim.slug)
        raise LockLost(claim.slug)
    return PageItem(*tuple(row))


def _parameters(claim: Claim, write: Write) -> dict[str, object]:
    content = write.content
    return {
        "claimed_slug": claim.slug,
        "claimed_fence": claim.fence,
        "claimed_owner": claim.owner,
        "claimed_version": claim.version,
        "claimed_stale": claim.stale,
        "new_state": write.state,
        "new_write_id": write.id,
        "new_title": content.title,
        "new_sort_title": content.title.casefold(),
        "new_tags": list(content.tags),
        "tag_keys": tag_keys(content.tags),
        "new_body": content.body,
        "new_html": content.html,
        "new_blob": content.blob,
        "new_author": write.author,
        "new_origin": write.origin,
        "new_file": file_of(claim, write),
        "comment": write.comment,
        "origin": write.origin,
        "new_plain": content.plain,
        **vectors.parameters(content.indexed),
        "targets": sorted(content.links),
        **(_kept(write.key, claim, content) if write.key else {}),
    }


def _kept(key: Key, claim: Claim, content: Content) -> dict[str, object]:
    return idempotency.parameters(key, is_new=not claim.live, warnings=content.warnings)


def _save(
    *more: Callable[[CTE], CTE],
    row: Mapping[str, Any] | None = None,
    revision: Mapping[str, Any] | None = None,
) -> Select[Any]:
    """All that a save writes hangs on the update of the page's row: no row, no effect.

    `row` and `revision` are values of columns that others have than every save gives them.
    """
    saved = _replace(row or {})
    effects = (_announce, *more)
    consequences = [
        _add_revision(saved, revision or {}),
        *(effect(saved) for effect in effects),
        *relink(saved),
        *retag(saved),
    ]
    return select(*(saved.c[column.name] for column in _SAVED)).add_cte(*consequences)


def _replace(others: Mapping[str, Any]) -> CTE:
    now = func.clock_timestamp()
    given = ["state", "write_id", "title", "sort_title", "tags"]
    given += ["body", "html", "plain", "blob", "author", "origin", "file"]
    values: dict[str, Any] = {
        name: bindparam(f"new_{name}", type_=pages.c[name].type) for name in given
    }
    statement = update(pages).where(*_claimed())
    values |= {
        "version": pages.c.version + 1,
        "moved_to": null(),
        **vectors.values(),
        "created_at": case((pages.c.state == "live", pages.c.created_at), else_=now),
        "updated_at": now,
        "renderer": _renderer(),
        **others,
    }
    values["origin_version"] = values["rendered_version"] = values["version"]
    more = [pages.c[name] for name in ("slot", "body", "write_id", "moved_to")]
    named = (pages.c.id.label("row"), pages.c.file.label("own_file"))
    return statement.values(**values).returning(*_SAVED, *named, *more).cte("saved")


def _renderer() -> ColumnElement[int]:
    """Our own; if the page was rendered anew since the claim, none, so that it is once more.

    The links of that may have come too late for this statement to see them, and remove them.
    """
    as_claimed = is_stale == bindparam("claimed_stale", type_=Boolean)
    return case((as_claimed, articles.RENDERER), else_=0)


def _claimed() -> tuple[ColumnElement[bool], ...]:
    """That the claim still stands."""
    return (
        pages.c.slot == ownership.writable().c.slot,
        pages.c.slug == bindparam("claimed_slug"),
        pages.c.fence == bindparam("claimed_fence"),
        pages.c.owner == bindparam("claimed_owner"),
        pages.c.version == bindparam("claimed_version"),
    )


def _add_revision(saved: CTE, others: Mapping[str, Any]) -> CTE:
    columns = {
        "page_id": saved.c.row,
        "based_on": func.nullif(saved.c.version - 1, 0),
        "comment": bindparam("comment", type_=Text),
        "origin": bindparam("origin", type_=Text),
        "file": saved.c.own_file,
        "created_at": saved.c.updated_at,
    }
    same = [
        "version",
        "slot",
        "slug",
        "state",
        "write_id",
        "title",
        "tags",
        "body",
        "blob",
        "author",
        "moved_to",
    ]
    columns |= {name: saved.c[name] for name in same}
    columns |= others
    return insert(revisions).from_select(list(columns), select(*columns.values())).cte("revised")


def _announce(saved: CTE) -> CTE:
    columns = [saved.c.slot, saved.c.slug, saved.c.version, saved.c.author]
    names = [column.name for column in columns]
    return insert(outbox).from_select(names, select(*columns)).cte("announced")


def as_read() -> tuple[ColumnElement[bool], ...]:
    """That a page is live, as it was read, and of this shard: for what makes no version of it.

    The parameters are `known_slug`, `known_version` and those of `ownership.key`.
    """
    return (
        pages.c.slot == ownership.writable().c.slot,
        pages.c.slug == bindparam("known_slug", type_=Text),
        pages.c.version == bindparam("known_version", type_=BigInteger),
        is_live,
    )


def amend(
    connection: Connection,
    statement: Select[Any],
    slug: str,
    version: int,
    given: Mapping[str, object],
) -> bool:
    """Run an update of a page that is `as_read`; False if somebody has saved it meanwhile.

    Raises Moved if it may not be written here.
    """
    known = {"known_slug": slug, "known_version": version, **ownership.key(connection, slug)}
    if connection.execute(statement, {**known, **given}).one_or_none():
        return True
    ownership.check_writable(connection, slug)
    return False


def relink(saved: CTE) -> tuple[CTE, CTE]:
    """Make the links those of a page: from its slug, in its slot, to the parameter `targets`."""
    return _unlink(saved), _link(saved)


def _unlink(saved: CTE) -> CTE:
    gone = links.c.target != func.all(_TARGETS, type_=Boolean)
    return delete(links).where(links.c.source == saved.c.slug, gone).cte("unlinked")


def _link(saved: CTE) -> CTE:
    wanted = select(saved.c.slug, func.unnest(_TARGETS), saved.c.slot)
    fresh = insert(links).from_select(["source", "target", "slot"], wanted)
    return fresh.on_conflict_do_nothing().cte("linked")


def retag(saved: CTE) -> tuple[CTE, CTE]:
    """Make the tags by themselves those of a page: of its slug, slot, tags and time of change.

    The parameter `tag_keys` has what people type for them (see words.tag_key), if that is another.
    """
    wanted = func.array_cat(saved.c.tags, _TAG_KEYS)
    return _untag(saved, wanted), _tag(saved, wanted)


def tag_keys(tags: Iterable[str]) -> list[str]:
    """The parameter of `retag`."""
    return list(map(words.tag_key, tags))


def _untag(saved: CTE, wanted: ColumnElement[Any]) -> CTE:
    gone = page_tags.c.tag != func.all(wanted, type_=Boolean)
    return delete(page_tags).where(page_tags.c.slug == saved.c.slug, gone).cte("untagged")


def _tag(saved: CTE, wanted: ColumnElement[Any]) -> CTE:
    columns = [func.unnest(wanted).label("tag"), saved.c.slug, saved.c.slot]
    rows = select(*columns, saved.c.updated_at).distinct()
    fresh = insert(page_tags).from_select(["tag", "slug", "slot", "updated_at"], rows)
    return fresh.on_conflict_do_update(
        index_elements=[page_tags.c.slug, page_tags.c.tag],
        set_={"updated_at": fresh.excluded.updated_at},
    ).cte("tagged")


# As ITEM: a save writes the origin itself.
_SAVED = tuple(
    reads.shown_origin(pages.c.origin).label("origin") if column.name == "origin" else column
    for column in ITEM
)
_TARGETS = cast(bindparam("targets"), ARRAY(Text))
_TAG_KEYS = cast(bindparam("tag_keys"), ARRAY(Text))
# Built once: building the statement takes longer than running it.
_SAVE = _save()
_STAYS = select(*ITEM).where(*_claimed())
_SAVE_KEPT = _save(idempotency.keep)
_REDIRECT = _save(
    row={
        "moved_to": bindparam("new_moved_to", type_=pages.c.moved_to.type),
        "identity": func.gen_random_uuid(),
    }
)
_ARRIVE = _save(
    row={
        "version": func.greatest(pages.c.version, bindparam("least_version", type_=BigInteger)) + 1,
        "identity": bindparam("new_identity", type_=pages.c.identity.type),
        "created_at": bindparam("new_created_at", type_=pages.c.created_at.type),
    },
    revision={
        "based_on": null(),
        "moved_from": bindparam("moved_from", type_=revisions.c.moved_from.type),
    },
)
