"""Payload data as a person reads it: JSON indented, text as text, everything else as hex."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wsproxy.cli.objects import json_string
from wsproxy.cli.paint import printable

_TEXT, _BINARY, _CLOSE = 0x1, 0x2, 0x8

_JSON_LIMIT = 1 << 20
_LIVE_JSON_LIMIT = 1 << 16
_JSON_WIDTH = 76
_DEEPEST = 40
_NO_LIMIT = 1 << 62
_LINE_WIDTH = 200
_HEX_WIDTH = 16
_INLINE_HEX = 24


@dataclass(frozen=True, slots=True)
class _Number:
    text: str


def payload_lines(opcode: int, payload: bytes, limit: int = 0) -> list[str]:
    """The payload as printable lines, none for an empty one.

    At most `limit` lines, none very long, each cut said (0: all of it).
    """
    if not payload:
        return []
    lines = _lines(opcode, payload, limit)
    if not limit:
        return lines
    shown = [_cut(line) for line in lines[:limit]]
    if len(lines) > limit:
        shown[-1] = f"… {len(lines) - limit + 1} more lines"
    return shown


def _cut(line: str) -> str:
    rest = len(line) - _LINE_WIDTH
    return line if rest <= 0 else f"{line[:_LINE_WIDTH]}… {rest} more characters"


def _lines(opcode: int, payload: bytes, limit: int) -> list[str]:
    if opcode == _CLOSE:
        return [_close(payload)]
    text = None if opcode == _BINARY else _text(payload)
    if text is not None and opcode != _TEXT and not (text.isascii() and text.isprintable()):
        text = None
    if text is None and opcode != _TEXT:
        return hex_lines(payload) if len(payload) <= _INLINE_HEX else hex_dump(payload, limit)
    if text is None:
        return printable(payload.decode(errors="backslashreplace")).splitlines()
    small = not limit or len(text) <= _LIVE_JSON_LIMIT
    document = indented_json(text) if small else []
    return document or [printable(line) for line in text.split("\n")]


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _close(payload: bytes) -> str:
    from wsproxy.protocol.grammar import parse_close_payload
    from wsproxy.protocol.opcodes import close_code_name

    code, reason = parse_close_payload(payload)
    if code is None:
        return reason.hex(" ")
    said = printable(reason.decode(errors="backslashreplace"))
    return f"{code} ({close_code_name(code)})" + (f': "{said}"' if said else "")


def hex_lines(data: bytes) -> list[str]:
    """A short run of bytes in one line, a longer one as offsets, hex and characters."""
    return [data.hex(" ")] if len(data) <= _INLINE_HEX else hex_dump(data)


def hex_dump(data: bytes, limit: int = 0) -> list[str]:
    """Bytes as offsets, hex and characters; at most `limit` lines, the last of which says so (0: all)."""
    rows = -(-len(data) // _HEX_WIDTH)
    if limit and rows > limit:
        shown = data[: (limit - 1) * _HEX_WIDTH]
        return [*hex_dump(shown), f"… {rows - limit + 1} more lines"]
    return [_hex_line(data[at : at + _HEX_WIDTH], at) for at in range(0, len(data), _HEX_WIDTH)]


def _hex_line(row: bytes, at: int) -> str:
    left, right = row[: _HEX_WIDTH // 2].hex(" "), row[_HEX_WIDTH // 2 :].hex(" ")
    characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{at:08x}  {left:<23}  {right:<23}  |{characters}|"


def indented_json(text: str) -> list[str]:
    """JSON (an object or an array) as indented lines, values and order as they are; none if `text` is not
    JSON.

    What fits in a line stays in a line. Numbers keep their spelling, doubled names stay doubled.
    """
    if len(text) > _JSON_LIMIT or text.lstrip()[:1] not in ("{", "["):
        return []
    try:
        value = json.loads(text, object_pairs_hook=tuple, parse_int=_Number, parse_float=_Number)
        return list(_json_lines(value, "", "", ""))
    except (ValueError, RecursionError):
        return []


def _json_lines(value: Any, indent: str, before: str, after: str) -> Iterator[str]:
    room = _JSON_WIDTH - len(indent) - len(before) - len(after)
    if len(indent) > _DEEPEST:
        room = _NO_LIMIT
    elif not indent and value:
        room = 0
    flat: list[str] = []
    if _flatten(value, flat, room) >= 0 or not isinstance(value, (list, tuple)):
        yield "".join((indent, before, *flat, after))
        return
    opening, closing = "[]" if isinstance(value, list) else "{}"
    yield indent + before + opening
    for at, item in enumerate(value):
        comma = "," if at < len(value) - 1 else ""
        name, inner = ("", item) if isinstance(value, list) else (json_string(item[0]) + ": ", item[1])
        yield from _json_lines(inner, indent + "  ", name, comma)
    yield indent + closing + after


def _flatten(value: Any, flat: list[str], room: int) -> int:
    """Add `value` in one line to `flat`; returns the room left, and stops early once that is below 0."""
    if not isinstance(value, (list, tuple)):
        flat.append(value.text if isinstance(value, _Number) else _scalar(value))
        return room - len(flat[-1])
    opening, closing = "[]" if isinstance(value, list) else "{}"
    room -= 2
    flat.append(opening)
    for at, item in enumerate(value):
        before = ", " if at else ""
        if isinstance(value, tuple):
            before += json_string(item[0]) + ": "
        flat.append(before)
        room = _flatten(item[1] if isinstance(value, tuple) else item, flat, room - len(before))
        if room < 0:
            return room
    flat.append(closing)
    return room


def _scalar(value: Any) -> str:
    return json_string(value) if isinstance(value, str) else json.dumps(value)
