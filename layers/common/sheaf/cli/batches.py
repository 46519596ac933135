"""Batches as the API takes them: changes of pages that are all done or none, and their limits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from sheaf.http.conditions import version_etag

# One change of a batch, as it is sent.
Change: TypeAlias = Mapping[str, Any]

MAX_CHANGES = 100
MAX_BYTES = 1024 * 1024
# Of the text that all the pages of a batch have, those that move included.
MAX_TEXT_BYTES = 4 * 1024 * 1024
_Key = TypeVar("_Key")


def creation(slug: str, body: str) -> Change:
    """A page that is not there yet."""
    return {"slug": slug, "body": body, "if_none_match": "*"}


def new_text(slug: str, version: int, body: str) -> Change:
    """Another text, from which title and tags are read, for this version of a page."""
    return {"slug": slug, "body": body, "if_match": version_etag(version)}


def imported(change: Change) -> Change:
    """The same as an import, which nobody is told of who does not ask for it."""
    return {**change, "origin": "import"}


def from_file(change: Change, file: str) -> Change:
    """The same, of a text that is in this file below the folder of all pages ("": of none)."""
    return {**change, "file": file} if file else change


def deletion(slug: str, version: int) -> Change:
    """This version of a page is deleted."""
    return {"slug": slug, "delete": True, "if_match": version_etag(version)}


def move(slug: str, version: int, moved_to: str) -> Change:
    """This version of a page goes to another slug."""
    return {"from": slug, "to": moved_to, "if_match": version_etag(version)}


def document(changes: Sequence[Change]) -> bytes:
    """The changes as JSON, which is what their size is counted of."""
    text = json.dumps({"changes": list(changes)}, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def fits(changes: Sequence[Change]) -> bool:
    """Whether these are not too many and not too large for one batch."""
    return len(changes) <= MAX_CHANGES and len(document(changes)) <= MAX_BYTES


def packed(changes: Mapping[_Key, Change]) -> Iterator[dict[_Key, Change]]:
    """As few batches as their order allows; a change that fits into none is in one by itself."""
    batch: dict[_Key, Change] = {}
    size = len(document([]))
    for key, change in changes.items():
        # A comma stands before each.
        more = len(document([change])) - len(document([])) + 1
        if batch and (len(batch) == MAX_CHANGES or size + more > MAX_BYTES):
            yield batch
            batch, size = {}, len(document([]))
        batch[key], size = change, size + more
    if batch:
        yield batch
