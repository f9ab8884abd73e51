"""Statements that read a recording of any format: an older one is read as it is, never modified."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, literal, select

from wsproxy.protocol.frame import Side
from wsproxy.store import rows, schema

_CLIENT, _SERVER = schema.sides.alias("client"), schema.sides.alias("server")
_NOT_SHOWN = ("id", "tail")


def select_sessions(version: int) -> Select[Any]:
    """Selects the rows of `sessions`, with the counts of both sides, from a recording of this format."""
    return (
        select(
            *_columns(schema.sessions, version),
            *_side_columns("client", _CLIENT, version),
            *_side_columns("server", _SERVER, version),
        )
        .join(_CLIENT, _CLIENT.c.id == schema.sessions.c.id * 2 + schema.CLIENT)
        .join(_SERVER, _SERVER.c.id == schema.sessions.c.id * 2 + schema.SERVER)
    )


def select_rows(table: Table, version: int) -> Select[Any]:
    """Selects the rows of a table that a recording of this format has."""
    return select(*_columns(table, version))


def of_side(statement: Select[Any], of: ColumnElement[int], side: Side | None) -> Select[Any]:
    """Only those of its rows whose column `of` says that side; all of them without a side."""
    return statement if side is None else statement.where(of == rows.side_number(side))


def _side_columns(side: str, alias: FromClause, version: int) -> list[Any]:
    return [
        column.label(f"{side}_{column.name}")
        for column in _columns(schema.sides, version, alias)
        if column.name not in _NOT_SHOWN
    ]


def _columns(table: Table, version: int, alias: FromClause | None = None) -> list[Any]:
    """The columns of a table, or of an alias of it; a value in place of those that the format does not have
    yet.
    """
    source = table if alias is None else alias
    return [
        source.c[column.name] if schema.since(column) <= version else _absent(column)
        for column in table.columns
    ]


def _absent(column: Any) -> Any:
    value = None if column.nullable else column.server_default.arg
    return literal(value, column.type).label(column.name)
