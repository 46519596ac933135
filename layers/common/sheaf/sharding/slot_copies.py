"""Copies of slots: what one shard has of some slots, made the same in another shard.

Rows are compared by their digests, which each database makes itself, so that only what is
different travels.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Table,
    Text,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import (
    drafts,
    idempotency_keys,
    links,
    page_tags,
    pages,
    revisions,
    users,
)

# In this order, for revisions refer to pages. The outbox stays: each shard relays its own.
TABLES = (pages, revisions, links, page_tags, drafts, idempotency_keys, users)
_ROWS_AT_ONCE = 200

Key = tuple[Any, ...]


class CopyDiffers(RuntimeError):
    """A copy that has just been made is not the same: the slots were not given away."""


def synchronize(source: Connection, target: Connection, slots: Sequence[int]) -> int:
    """Make the target's rows of these slots those of the source; how many pages were copied."""
    found = {table: _differences(table, source, target, slots) for table in TABLES}
    for table in reversed(TABLES):
        _remove(table, target, found[table][1])
    for table in TABLES:
        _copy(table, source, target, found[table][0])
    return len(found[pages][0])


def verify(source: Connection, target: Connection, slots: Sequence[int]) -> None:
    """Raise CopyDiffers unless both have the same rows of these slots."""
    for table in TABLES:
        if any(_differences(table, source, target, slots)):
            raise CopyDiffers(f"the copy of the table {table.name} differs")


def remove(connection: Connection, slots: Sequence[int]) -> None:
    """Remove all rows of these slots."""
    for table in reversed(TABLES):
        connection.execute(delete(table).where(table.c.slot.in_(slots)))


def _differences(
    table: Table, source: Connection, target: Connection, slots: Sequence[int]
) -> tuple[list[Key], list[Key]]:
    """The rows that the target lacks or has otherwise, and those that it has too many."""
    wanted, there = _digests(table, source, slots), _digests(table, target, slots)
    missing = [key for key, digest in wanted.items() if there.get(key) != digest]
    return missing, [key for key in there if key not in wanted]


def _digests(table: Table, connection: Connection, slots: Sequence[int]) -> Mapping[Key, bytes]:
    row = cast(literal_column(f'"{table.name}"'), Text)
    digest = func.sha256(func.convert_to(row, "UTF8"))
    statement = select(*_key(table), digest).where(table.c.slot.in_(slots))
    return {tuple(key): found for *key, found in connection.execute(statement)}


def _remove(table: Table, target: Connection, keys: Sequence[Key]) -> None:
    for some in _parts(keys):
        target.execute(delete(table).where(tuple_(*_key(table)).in_(some)))


def _copy(table: Table, source: Connection, target: Connection, keys: Sequence[Key]) -> None:
    names = [column.name for column in _key(table)]
    for rows in _rows(table, source, keys):
        copying = insert(table).values(rows)
        others = {c.name: copying.excluded[c.name] for c in table.c if c.name not in names}
        target.execute(
            copying.on_conflict_do_update(index_elements=names, set_=others)
            if others
            else copying.on_conflict_do_nothing()
        )


def _rows(
    table: Table, source: Connection, keys: Sequence[Key]
) -> Iterator[list[dict[str, object]]]:
    for some in _parts(keys):
        found = source.execute(select(table).where(tuple_(*_key(table)).in_(some)))
        if rows := [dict(row) for row in found.mappings()]:
            yield rows


def _parts(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        yield keys[start : start + _ROWS_AT_ONCE]


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)
