"""One row of a recording as a line of text, and back: docs/recording-format.md describes the format."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table

from wsproxy.protocol.frame import Side
from wsproxy.store import schema
from wsproxy.store.model import ChangeKind, SessionState, TcpEnd
from wsproxy.store.records import Record
from wsproxy.store.row_types import value_type
from wsproxy.store.rows import check_masking_key

FORMAT = 1

KINDS: Mapping[str, Table] = {
    "session": schema.sessions,
    "frame": schema.frames,
    "piece": schema.frame_pieces,
    "opaque": schema.opaque_pieces,
    "message": schema.assembled_messages,
    "change": schema.changes,
    "finding": schema.findings,
    "side": schema.sides,
    "exchange": schema.http_exchanges,
}
"""What a line can be, by the name that it begins with."""

_NAMES = {table: name for name, table in KINDS.items()}
_HEX = frozenset(("header", "masking_key", "trailer"))
_LEFT_OUT: Mapping[str, object] = {"trailer": b"", "rules": ""}
"""What need not be said, besides NULL."""
_NUMBERED = ("session", "exchange")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "state": (SessionState.ENDED, SessionState.INTERRUPTED),
    "kind": tuple(ChangeKind),
    "tcp_end": tuple(TcpEnd),
    "closed_by": tuple(Side),
}
_SIDES = tuple(Side)
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_POSITIONS = 1 << schema.POSITION_BITS


class LineError(ValueError):
    """What is wrong with a line, in words, its field named."""


def first_line() -> str:
    """What every JSONL recording begins with."""
    return _json({"type": "recording", "format": FORMAT})


def encode(record: Record) -> str:
    """The line of a row, without its end. Raises LineError for what no recorder writes."""
    kind = _NAMES[record.table]
    line: dict[str, Any] = {"type": kind, "session": record.session_id}
    if kind == "exchange":
        line = {"type": kind, "exchange": record.values["id"]}
    elif kind == "side":
        line["side"] = _SIDES[record.values["id"] & 1].value
    elif kind != "session":
        line["position"] = record.values["id"] - schema.first_id(record.session_id)
    for column in record.table.columns:
        value = record.values[column.name]
        if column.name in ("id", "recorder_id") or value is None or value == _LEFT_OUT.get(column.name):
            continue
        line[_field(column)] = _written(column, value, record.session_id)
    return _json(line)


def decode(text: str) -> tuple[str, dict[str, Any]]:
    """The type of a line, and its fields. Raises LineError if it is no such line."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_no_number)
    except LineError:
        raise
    except RecursionError:
        raise LineError("is nested too deeply") from None
    except ValueError as error:
        raise LineError(f"is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise LineError("is not a JSON object")
    kind = value.pop("type", None)
    if not isinstance(kind, str):
        raise LineError('has no "type" that is a string')
    return kind, value


def record_of(kind: str, fields: dict[str, Any]) -> Record:
    """The row that a line stands for. Raises LineError if a field is missing, unknown or wrong."""
    table = KINDS.get(kind)
    if table is None:
        raise LineError(f'"type" is {kind!r:.40}, not one of {", ".join(KINDS)}')
    number = _taken(fields, "exchange" if kind == "exchange" else "session")
    most = _MOST if kind == "exchange" else schema.MOST_SESSIONS - 1
    _check_number(_NUMBERED[kind == "exchange"], number, 1, most)
    session_id = 0 if kind == "exchange" else number
    values: dict[str, Any] = {"id": number}
    if kind == "side":
        values["id"] = number * 2 + _side_number(_taken(fields, "side"))
    elif kind not in _NUMBERED:
        position = _taken(fields, "position")
        _check_number("position", position, 1, _POSITIONS - 1)
        values["id"] = schema.first_id(number) + position
    for column in table.columns:
        if column.name not in ("id", "recorder_id"):
            values[column.name] = _read(column, fields.pop(_field(column), None), session_id)
    if fields:
        raise LineError(f'"{next(iter(fields)):.40}" is not a field of a {kind}')
    return Record(table, session_id, values)


def _field(column: Column[Any]) -> str:
    """The name of a column's field: ids within the session are positions."""
    if column.name.endswith("_id") and value_type(column) is int:
        return column.name.removesuffix("_id") + "_position"
    return column.name


def _written(column: Column[Any], value: Any, session_id: int) -> object:
    name = column.name
    if name == "side":
        if value not in (schema.CLIENT, schema.SERVER):
            raise LineError(f"side is {value!r:.40}")
        return _SIDES[value].value
    if name in _WORDS and value not in _WORDS[name]:
        raise LineError(f"{name} is {value!r:.40}")
    if value_type(column) is int:
        return _written_number(column, value, session_id)
    if isinstance(value, str) and "\0" in value:
        raise LineError(f"{name} holds NUL")
    if not isinstance(value, bytes):
        return value
    _check_bytes(name, value)
    if name in _HEX:
        return value.hex()
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if "\0" not in text else {"base64": b64encode(value).decode()}


def _written_number(column: Column[Any], value: int, session_id: int) -> int:
    name = _field(column)
    if name == column.name:
        _check_number(name, value, *_range(name))
        return value
    position = value - schema.first_id(session_id)
    _check_number(name, position, 0, _POSITIONS - 1)
    return position


def _read(column: Column[Any], value: Any, session_id: int) -> object:
    name, wanted = _field(column), value_type(column)
    if value is None:
        if not column.nullable and column.name not in _LEFT_OUT:
            raise LineError(f'"{name}" is missing')
        return _LEFT_OUT.get(column.name)
    if column.name == "side":
        return _side_number(value)
    if column.name in _WORDS and (not isinstance(value, str) or value not in _WORDS[column.name]):
        raise LineError(f'"{name}" is {value!r:.40}, not one of {", ".join(_WORDS[column.name])}')
    if wanted is bytes:
        data = _bytes(name, value, from_hex=name in _HEX)
        _check_bytes(name, data)
        return data
    if type(value) is not wanted:
        raise LineError(f'"{name}" is {value!r:.40}, not {_IN_WORDS[wanted]}')
    if isinstance(value, str) and 0 in _encoded(name, value):
        raise LineError(f'"{name}" holds NUL')
    if isinstance(value, int) and wanted is int:
        return _number(name, value, session_id if name != column.name else None)
    checked: object = value
    return checked


_IN_WORDS = {int: "a whole number", str: "a string", bool: "true or false"}


def _number(name: str, value: int, session_id: int | None) -> int:
    """A number; or, with a session, the id that stands in one of its positions."""
    if session_id is not None:
        _check_number(name, value, 0, _POSITIONS - 1)
        return schema.first_id(session_id) + value
    _check_number(name, value, *_range(name))
    return value


def _range(name: str) -> tuple[int, int]:
    return _LEAST if name.endswith("_ns") else 0, _MOST


def _check_bytes(name: str, value: bytes) -> None:
    if name == "header" and not value:
        raise LineError(f'"{name}" is empty')
    if name == "masking_key":
        try:
            check_masking_key(value)
        except ValueError as error:
            raise LineError(f'"{name}" is {error}') from None


def _bytes(name: str, value: Any, *, from_hex: bool) -> bytes:
    """Bytes are written as hex, as text, or as base64."""
    encoded = value.get("base64") if isinstance(value, dict) and len(value) == 1 else None
    try:
        if isinstance(value, str):
            return bytes.fromhex(value) if from_hex else _encoded(name, value)
        if isinstance(encoded, str) and not from_hex:
            return b64decode(encoded, validate=True)
    except LineError:
        raise
    except ValueError as error:
        raise LineError(f'"{name}" cannot be read: {error}') from None
    raise LineError(f'"{name}" is not ' + ("hex" if from_hex else 'a string or {"base64": "..."}'))


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise LineError(f'"{name}" holds half a character (a lone surrogate)') from None


def _taken(fields: dict[str, Any], name: str) -> Any:
    if name not in fields:
        raise LineError(f'"{name}" is missing')
    return fields.pop(name)


def _check_number(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise LineError(f'"{name}" is {value!r:.40}, not a whole number from {least} to {most}')


def _side_number(value: Any) -> int:
    if value not in ("client", "server"):
        raise LineError(f'"side" is {value!r:.40}, not client or server')
    return schema.CLIENT if value == "client" else schema.SERVER


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise LineError(f'"{next(name for name in names if names.count(name) > 1):.40}" is there twice')
    return found


def _no_number(text: str) -> object:
    raise LineError(f"holds {text:.40}, which is not a whole number")


def _json(value: dict[str, Any]) -> str:
    """One line in which everything is readable, and nothing can disturb a terminal or a diff."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
