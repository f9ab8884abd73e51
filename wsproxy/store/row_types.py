"""Whether rows hold what their columns promise: SQLite keeps any value in any column, and a file may be
damaged, or made to do harm.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Select, String, Table

from wsproxy.errors import RecordingError
from wsproxy.store import schema
from wsproxy.store.location import Location

_NULLABLE = frozenset(
    column.name
    for table in (schema.sessions, schema.sides, schema.assembled_messages)
    for column in table.columns
    if column.nullable
)
"""The names of columns that may hold nothing where they are not selected from their table."""


def check_rows(statement: Select[Any], rows: Sequence[Any], location: Location) -> None:
    """Raise RecordingError if a value in `rows`, selected by `statement`, is not of its column's type."""
    good: set[tuple[type, ...]] = set()
    for row in rows:
        kinds = tuple(map(type, row))
        if kinds not in good:
            _check_kinds(statement, kinds, row, location)
            good.add(kinds)


def damaged(location: Location, what: str) -> RecordingError:
    """The error for a recording that holds what no recorder writes."""
    return RecordingError(f"{location} is damaged: {what}; restore it from a copy")


def _check_kinds(statement: Select[Any], kinds: tuple[type, ...], row: Any, location: Location) -> None:
    for column, kind in zip(statement.selected_columns, kinds, strict=True):
        wanted = value_type(column)
        if kind is wanted or (kind is type(None) and _may_be_null(column)):
            continue
        raise damaged(
            location, f"{column.name} of row {row[0]!r:.40} is {kind.__name__}, not {wanted.__name__}"
        )


def value_type(column: Any) -> type:
    """What the values of a column are in Python."""
    if isinstance(column.type, Boolean):
        return bool
    if isinstance(column.type, Integer):
        return int
    return str if isinstance(column.type, String) else bytes


def _may_be_null(column: Any) -> bool:
    if isinstance(column, Column) and isinstance(column.table, Table):
        return bool(column.nullable)
    return str(column.name).removeprefix("client_").removeprefix("server_") in _NULLABLE
