"""Keysets: the order of a list, in SQL and in Python."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from math import isnan
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, cast, literal, or_, tuple_
from sqlalchemy.sql.elements import ColumnElement

TYPES = (datetime, float, int, str, UUID)


@dataclass(frozen=True)
class SortKey:
    """A column (or an expression of columns) that orders a list, and its direction.

    `asc` and `desc` make them.
    """

    column: ColumnElement[Any]
    descending: bool

    @property
    def type(self) -> type:
        """The type of its values in Python."""
        return self.column.type.python_type

    def __str__(self) -> str:
        return f"{self.column} {self.type.__name__} {'desc' if self.descending else 'asc'}"


def asc(column: ColumnElement[Any]) -> SortKey:
    """Order by this column, the smallest value first."""
    return SortKey(column, descending=False)


def desc(column: ColumnElement[Any]) -> SortKey:
    """Order by this column, the greatest value first."""
    return SortKey(column, descending=True)


@dataclass(frozen=True)
class Keyset:
    """The columns, at least one, that order a list: none ever NULL, and the last one unique.

    Raises ValueError for a column that is declared nullable (NULL compares with nothing, so its
    rows would be lost), and TypeError for one whose values a cursor cannot hold: they may be
    integers, floats, texts, instants and UUIDs (TYPES).

    >>> print(Keyset((desc(teas.c.age), asc(teas.c.name))))
    teas.age int desc, teas.name str asc
    """

    keys: tuple[SortKey, ...]

    def __post_init__(self) -> None:
        for key in self.keys:
            if getattr(key.column, "nullable", False):
                raise ValueError(f"{key.column} may be NULL.")
            if key.type not in TYPES:
                raise TypeError(f"A cursor cannot hold {key.column}, a {key.type.__name__}.")

    def __len__(self) -> int:
        return len(self.keys)

    def __str__(self) -> str:
        return ", ".join(map(str, self.keys))

    def check_merging(self) -> None:
        """Raise ValueError if PostgreSQL may order this otherwise than Python does.

        Text is compared byte by byte under the collation "C" only. The bytes of UTF-8 are in the
        order of code points, which is Python's.
        """
        for key in self.keys:
            if key.type is str and getattr(key.column.type, "collation", None) != "C":
                raise ValueError(f'To be merged {key.column} needs the collation "C".')

    def cut(
        self, statement: Select[Any], values: Sequence[Any] | None, *, backward: bool
    ) -> Select[Any]:
        """The rows behind a key (all, if None) in this order; backward, those before it reversed.

        `values` is that key, one value for each column. The select is left without an order and a
        limit of its own.
        """
        if values is not None:
            statement = statement.where(self._beyond(values, backward=backward))
        order = (
            key.column.desc() if key.descending != backward else key.column.asc()
            for key in self.keys
        )
        return statement.order_by(None).order_by(*order).offset(None).limit(None)

    def rank(self, row: Sequence[Any], *, backward: bool) -> tuple[Any, ...]:
        """What sorts in Python as a row, which ends in its key, does in SQL.

        Raises ValueError for a row that is shorter than the key.
        """
        return tuple(
            _Reversed(_comparable(value)) if key.descending != backward else _comparable(value)
            for key, value in zip(self.keys, row[-len(self.keys) :], strict=True)
        )

    def _beyond(self, values: Sequence[Any], *, backward: bool) -> ColumnElement[bool]:
        """Row values where the direction stays the same: `(a, b) < (x, y)`.

        Where it changes: `a <= x AND (a < x OR b > y)`, of which an index takes the first half;
        rows that tie in `a` are read. Without that half all rows before the place would be.
        """
        bounds = self._bounds(values, backward=backward)
        condition, _ = next(bounds)
        for strict, inclusive in bounds:
            condition = and_(inclusive, or_(strict, condition))
        return condition

    def _bounds(
        self, values: Sequence[Any], *, backward: bool
    ) -> Iterator[tuple[ColumnElement[bool], ColumnElement[bool]]]:
        """For each run of one direction, the last one first: beyond the values, and that or at."""
        start = len(self.keys)
        for run in reversed(self._runs):
            end, start = start, start - len(run)
            place = tuple_(*(key.column for key in run))
            bound = tuple_(*map(_bound, run, values[start:end]))
            if run[0].descending != backward:
                yield place < bound, place <= bound
            else:
                yield place > bound, place >= bound

    @cached_property
    def _runs(self) -> list[list[SortKey]]:
        return [list(run) for _, run in groupby(self.keys, lambda key: key.descending)]


def _bound(key: SortKey, value: Any) -> ColumnElement[Any]:
    # A float is sent in double precision: unlike the column's own value, if that is a REAL.
    make = cast if key.type is float else literal
    return make(value, key.column.type)


def _comparable(value: Any) -> Any:
    if isinstance(value, float):  # to PostgreSQL NaN equals itself and is behind all numbers
        return (1, 0.0) if isnan(value) else (0, value)
    if isinstance(value, datetime) and value.tzinfo:  # in one zone Python compares what clocks show
        return value.astimezone(UTC)
    return value


class _Reversed:
    """Turns the order of what it holds around."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Reversed") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]
