"""The statements that a call sends, whoever sends them, and their own time in PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from unittest.mock import patch

import psycopg


@dataclass(frozen=True)
class Statement:
    """A statement as it was sent, and to which database."""

    database: str
    text: Any
    parameters: Any


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Note what this process sends while the block runs: all contenders send it by psycopg.

    Raises LookupError if there was nothing to note.
    """
    sent: list[Statement] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: Any, text: Any, parameters: Any = None, **options: Any) -> Any:
        sent.append(Statement(cursor.connection.info.dbname, text, parameters))
        return execute(cursor, text, parameters, **options)

    with patch.object(psycopg.Cursor, "execute", noted):
        yield sent
    if not sent:
        raise LookupError("no statement was sent by psycopg's cursors")


def milliseconds(url: str, statements: Sequence[Statement], repeats: int) -> list[float]:
    """The execution time of each by EXPLAIN ANALYZE, without planning: medians."""
    return [_milliseconds(url, statement, repeats) for statement in statements]


def _milliseconds(url: str, statement: Statement, repeats: int) -> float:
    # Without the time of each step, which would add to the whole.
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}"
    with psycopg.connect(url, dbname=statement.database, autocommit=True) as connection:
        cursor = psycopg.ClientCursor(connection)
        return median(_explained(cursor, explain, statement.parameters) for _ in range(repeats))


def _explained(cursor: "psycopg.ClientCursor[Any]", explain: str, parameters: Any) -> float:
    [[plan]] = cursor.execute(explain, parameters).fetchone() or [[{}]]
    return float(plan["Execution Time"])
