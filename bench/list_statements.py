"""The statements that a call sends, by any library, and their own time in PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


class Explainer:
    """Has PostgreSQL run statements again and say how long that took, without the planning."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cursors: dict[str, psycopg.ClientCursor[Any]] = {}

    def milliseconds(self, statements: Sequence[Statement]) -> list[float]:
        """The execution time of each."""
        return [self._milliseconds(statement) for statement in statements]

    def _milliseconds(self, statement: Statement) -> float:
        # Without the time of each step, which would add to the whole.
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}"
        cursor = self._cursor(statement.database)
        [[plan]] = cursor.execute(explain, statement.parameters).fetchone() or [[{}]]
        return float(plan["Execution Time"])

    def _cursor(self, database: str) -> "psycopg.ClientCursor[Any]":
        if database not in self._cursors:
            connection = psycopg.connect(self._url, dbname=database, autocommit=True)
            self._cursors[database] = psycopg.ClientCursor(connection)
        return self._cursors[database]
