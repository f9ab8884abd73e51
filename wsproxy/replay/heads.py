"""In what two heads of opening handshakes differ, apart from what must."""

import re
from difflib import unified_diff
from itertools import islice

from wsproxy.protocol.frame import Side
from wsproxy.protocol.heads import Head, HeaderField, parse_request_head, parse_response_head

NEVER_THE_SAME = frozenset(
    (b"host", b"sec-websocket-key", b"sec-websocket-accept", b"sec-websocket-location", b"date")
)
"""Fields whose values say where and when a session was, not how its peers behave."""

_NEVER_THE_SAME = re.compile(rb"(?im)^(" + b"|".join(sorted(NEVER_THE_SAME)) + rb")[ \t]*:[^\r\n]*")
_MOST_LINES = 200
_SHOWN_LINES = 60


def head_difference(side: Side, first: bytes, second: bytes) -> list[str]:
    """The lines that differ (`-` the first, `+` the second); none if no line does, apart from the values in
    `NEVER_THE_SAME`. Line ends, spelling and order count. Bounded, and printable.
    """
    if first == second:
        return []
    parse = parse_request_head if side is Side.CLIENT else parse_response_head
    one, other = (_lines(parse(raw))[:_MOST_LINES] for raw in (first, second))
    changed = (line for line in unified_diff(one, other, n=0, lineterm="") if not line.startswith("@@"))
    lines = [f"{line[0]} {line[1:]}" for line in islice(changed, 2, None)]
    if len(lines) > _SHOWN_LINES:
        lines[_SHOWN_LINES - 1 :] = [f"… {len(lines) - _SHOWN_LINES + 1} more lines"]
    return lines


def without_values(data: bytes) -> bytes:
    """Bytes in which a head may stand, without the values in `NEVER_THE_SAME`."""
    return _NEVER_THE_SAME.sub(rb"\1: *", data)


def _lines(head: Head) -> list[str]:
    parts = [*head.preamble.splitlines(keepends=True), head.start_line, *map(_field, head.fields), head.end]
    return [_shown(part) for part in parts if part]


def _field(field: HeaderField) -> bytes:
    if field.key not in NEVER_THE_SAME or not field.value:
        return field.raw
    name, colon, rest = field.raw.partition(b":")
    return name + colon + (rest.replace(field.value, b"*", 1) if field.value in rest else b" *")


def _shown(line: bytes) -> str:
    """The line without its usual end; an unusual one shows."""
    text = line.removesuffix(b"\r\n").decode("latin-1") if line != b"\r\n" else "\r\n"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
