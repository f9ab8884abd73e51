"""Statements that read a recording of any format: an older one is read as it is, never modified."""

from typing import Any

from sqlalchemy import Select, Table, literal, select

from wsproxy.store import schema

EXCHANGES_SINCE = 2
"""The format that first has the table `http_exchanges`."""

_CHANGES_SINCE = {"rules": (2, literal(""))}
_SESSIONS_SINCE = {"redaction": (2, literal(None, schema.sessions.c.redaction.type))}

_CLIENT, _SERVER = schema.sides.alias("client"), schema.sides.alias("server")
_COUNTS = ("frames", "messages", "received_bytes", "last_at_ns", "tcp_end")


def select_sessions(version: int) -> Select[Any]:
    """Selects the rows of `sessions`, with the counts of both sides, from a recording of this format."""
    return (
        select(
            *_columns(schema.sessions, _SESSIONS_SINCE, version),
            *(_CLIENT.c[name].label(f"client_{name}") for name in _COUNTS),
            *(_SERVER.c[name].label(f"server_{name}") for name in _COUNTS),
        )
        .join(_CLIENT, _CLIENT.c.id == schema.sessions.c.id * 2 + schema.CLIENT)
        .join(_SERVER, _SERVER.c.id == schema.sessions.c.id * 2 + schema.SERVER)
    )


def select_changes(version: int) -> Select[Any]:
    """Selects the rows of `changes` from a recording of this format."""
    return select(*_columns(schema.changes, _CHANGES_SINCE, version))


def _columns(table: Table, later: dict[str, tuple[int, Any]], version: int) -> list[Any]:
    """The columns of a table; a value in place of those that the format does not have yet."""
    return [
        later[column.name][1].label(column.name)
        if column.name in later and version < later[column.name][0]
        else column
        for column in table.columns
    ]
