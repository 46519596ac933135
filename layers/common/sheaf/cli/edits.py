"""Edits: new texts for many pages, in batches, and again where somebody changed one meanwhile."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from sheaf.cli import batches
from sheaf.cli.batches import Change
from sheaf.cli.client import ApiError, BatchRefused, Client, Page, Refusal

ATTEMPTS = 4
_COMMENT = "Links to pages that moved"
_NO_PAGE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.PERMANENT_REDIRECT)
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True)
class Edited:
    """The pages that have their new text, and why others do not, by their slugs."""

    done: frozenset[str]
    failed: Mapping[str, str]


class Reader:
    """Reads pages, several at a time."""

    def __init__(self, client: Client, threads: int) -> None:
        self._client = client
        self._threads = threads

    def pages(self, slugs: Iterable[str]) -> list[Page]:
        """The pages at these slugs, without those that are gone; raises ClientError."""
        return [page for page in self.each(self._page, slugs) if page]

    def each(self, work: Callable[[_T], _U], items: Iterable[_T]) -> list[_U]:
        """What `work` returns of each item, in their order; raises what it raises."""
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, items))

    def _page(self, slug: str) -> Page | None:
        try:
            return self._client.page(slug)
        except ApiError as error:
            if error.status in _NO_PAGE:
                return None
            raise


def edit(
    client: Client, reader: Reader, slugs: Iterable[str], new: Callable[[Page], str]
) -> Edited:
    """Give each page the text that `new` makes of it, if it is another one; raises ClientError.

    A page that somebody changes meanwhile is read again, a few times.
    """
    done, failed, todo = set[str](), dict[str, str](), list(slugs)
    for _ in range(ATTEMPTS):
        changes, too_large = _changes(reader.pages(todo), new)
        failed |= too_large
        todo = []
        for batch in batches.packed(changes):
            refused = send(client, batch)
            done |= set() if refused else set(batch)
            failed |= {slug: one.reason for slug, one in refused.items() if not one.is_stale}
            todo += [slug for slug in batch if refused and slug not in failed]
        if not todo:
            break
    return Edited(frozenset(done), failed | dict.fromkeys(todo, "it is changed all the time"))


def _changes(
    pages: Iterable[Page], new: Callable[[Page], str]
) -> tuple[dict[str, Change], dict[str, str]]:
    """What to send for the pages that are to have another text, and which cannot be sent."""
    found = {page.slug: change(page, new(page)) for page in pages}
    changes = {slug: one for slug, one in found.items() if one}
    too_large = {
        slug: "it would be too large" for slug in changes if not batches.fits([changes[slug]])
    }
    return {slug: one for slug, one in changes.items() if slug not in too_large}, too_large


def change(page: Page, body: str) -> Change:
    """What to send for a page that is to have this text; its title and tags stay."""
    if body == page.body:
        return {}
    titled = {"title": page.title} if page.title else {}
    new_text = batches.new_text(page.slug, page.version, body)
    return {**new_text, **titled, "tags": list(page.tags), "comment": _COMMENT}


def send(client: Client, batch: Mapping[str, Change]) -> dict[str, Refusal]:
    """Do a batch; if it is refused, nothing was done, and these are the reasons."""
    try:
        client.batch(list(batch.values()))
    except BatchRefused as error:
        slugs = list(batch)
        return {slugs[one.change]: one for one in error.refused}
    return {}
