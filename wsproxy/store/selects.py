"""Statements that read a recording of any format: an older one is read as it is, never modified."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, literal, select

from wsproxy.protocol.frame import Side
from wsproxy.store import rows, schema

EXCHANGES_SINCE = 2
"""The format that first has the table `http_exchanges`."""

_CHANGES_SINCE = {"rules": (2, literal(""))}
_SESSIONS_SINCE = {"redaction": (2, literal(None, schema.sessions.c.redaction.type))}

_CLIENT, _SERVER = schema.sides.alias("client"), schema.sides.alias("server")
_NO_NUMBER = literal(None, schema.sides.c.tcp_end_id.type)
_SIDES_SINCE = {"tcp_end_id": (2, _NO_NUMBER), "tcp_ended_at_ns": (2, _NO_NUMBER)}
_SINCE = {"changes": _CHANGES_SINCE, "sessions": _SESSIONS_SINCE, "sides": _SIDES_SINCE}
_NOT_SHOWN = ("id", "tail")


def select_sessions(version: int) -> Select[Any]:
    """Selects the rows of `sessions`, with the counts of both sides, from a recording of this format."""
    return (
        select(
            *_columns(schema.sessions, _SESSIONS_SINCE, version),
            *_side_columns("client", _CLIENT, version),
            *_side_columns("server", _SERVER, version),
        )
        .join(_CLIENT, _CLIENT.c.id == schema.sessions.c.id * 2 + schema.CLIENT)
        .join(_SERVER, _SERVER.c.id == schema.sessions.c.id * 2 + schema.SERVER)
    )


def select_changes(version: int) -> Select[Any]:
    """Selects the rows of `changes` from a recording of this format."""
    return select(*_columns(schema.changes, _CHANGES_SINCE, version))


def select_rows(table: Table, version: int) -> Select[Any]:
    """Selects the rows of any table that a recording of this format has."""
    return select(*_columns(table, _SINCE.get(table.name, {}), version))


def of_side(statement: Select[Any], of: ColumnElement[int], side: Side | None) -> Select[Any]:
    """Only those of its rows whose column `of` says that side; all of them without a side."""
    return statement if side is None else statement.where(of == rows.side_number(side))


def _side_columns(side: str, table: FromClause, version: int) -> list[Any]:
    return [
        column.label(f"{side}_{column.name}")
        for column in _columns(table, _SIDES_SINCE, version)
        if column.name not in _NOT_SHOWN
    ]


def _columns(table: FromClause, later: dict[str, tuple[int, Any]], version: int) -> list[Any]:
    """The columns of a table; a value in place of those that the format does not have yet."""
    return [
        later[column.name][1].label(column.name)
        if column.name in later and version < later[column.name][0]
        else column
        for column in table.columns
    ]
