"""What the fields of either head depart from: line ends, names, spaces, values, lists.

Source: RFC 9112 sections 2 to 5; RFC 9110 section 5; RFC 6455 section 11.3.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType

from wsproxy.conformance.extensions import is_extension_list
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import Head, HeaderField, ResponseHead

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
NOT_ASCII = re.compile(rb"[\x80-\xff]")
LONG_HEAD = 2048
_FINDINGS = 8

SPELLINGS = MappingProxyType(
    {
        name.lower(): name
        for name in (
            *(b"Host", b"Upgrade", b"Connection", b"Origin", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version"),
            *(b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Accept"),
        )
    }
)
"""How the RFC spells the names of the fields of an opening handshake, by their key."""

LISTS = frozenset({b"connection", b"upgrade", b"sec-websocket-protocol", b"sec-websocket-extensions"})
_ONCE = frozenset(
    {
        *(b"host", b"origin", b"user-agent", b"server", b"date"),
        *(b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-accept"),
    }
)
_ONCE_IN_RESPONSE = frozenset({b"sec-websocket-protocol", b"sec-websocket-extensions"})
ONCE = MappingProxyType({Side.CLIENT: _ONCE, Side.SERVER: _ONCE | _ONCE_IN_RESPONSE})
"""The keys of the fields that each side's head has once, at most."""

_SPELT_ANYWAY = frozenset({b"connection", b"upgrade", b"sec-websocket-extensions"})

type Found = Iterator[tuple[str, str]]


def check_line_ends(head: Head) -> Found:
    """Every line ends with CR LF."""
    lines = [head.start_line, *(line for field in head.fields for line in lines_of(field.raw))]
    blank_line = head.end.partition(b"\n")
    odd = [line for line in lines if not _ends_well(line)]
    if blank_line[0] + blank_line[1] != b"\r\n":
        odd.append(blank_line[0] + blank_line[1])
    if odd:
        yield (
            "handshake.field.line-end",
            f"{len(odd)} of {len(lines) + 1} lines do not end with CR LF; the first is {shown(odd[0])}",
        )


def check_names(head: Head) -> Found:
    """A field has a colon, and a token before it, spelt as the RFC does."""
    for field in head.fields:
        before = field.raw.partition(b":")[0]
        if not field.name and b":" not in field.raw.split(b"\n")[0]:
            yield "handshake.field.colon", f"a line without a colon: {shown(field.raw)}"
        elif before != field.name or not TOKEN.fullmatch(before) or not is_hyphenated(field):
            yield "handshake.field.name", f"a field is named {shown(before)}"
        elif SPELLINGS.get(field.key, before) != before:
            yield "handshake.field.name-spelling", f"{shown(before)} for {SPELLINGS[field.key].decode()}"


def is_hyphenated(field: HeaderField) -> bool:
    """Whether the name of a field of the opening handshake has its hyphens, or it is another field."""
    return field.key not in SPELLINGS or field.name.lower() == field.key


def check_spaces(head: Head) -> Found:
    """One space behind the colon, none behind the value; one line."""
    for field in head.fields:
        after = field.raw.partition(b":")[2].rstrip(b"\r\n")
        if not field.name:
            continue
        if b"\n" in after:
            yield "handshake.field.fold", f"{_named(field)} goes on in another line"
        elif field.value and after != b" " + field.value:
            yield "handshake.field.space", f"{_named(field)} is written as {shown(field.name + b':' + after)}"


def check_values(head: Head) -> Found:
    """Values are there, printable and ASCII."""
    for field in head.fields:
        if not field.name or not TOKEN.fullmatch(field.name):
            continue
        if CONTROL.search(field.value):
            yield "handshake.field.control-character", f"{_named(field)} holds {shown(field.value)}"
        elif NOT_ASCII.search(field.value):
            yield "handshake.field.not-ascii", f"{_named(field)} holds {shown(field.value)}"
        elif is_empty(field):
            yield "handshake.field.empty", f"{_named(field)} has no value"
        elif field.key == b"sec-websocket-extensions" and not is_extension_list(field.value):
            yield "handshake.field.extensions", f"{_named(field)} is {shown(field.value)}"
        elif not field.value and field.key not in SPELLINGS:
            yield "handshake.field.blank", f"{_named(field)} has no value"


def check_repetition(head: Head) -> Found:
    """What must come once comes once; what is a list need not be spread."""
    once = ONCE[Side.SERVER if isinstance(head, ResponseHead) else Side.CLIENT]
    for key, count in Counter(field.key for field in head.fields if field.name).items():
        if count == 1:
            continue
        name = SPELLINGS.get(key, key).decode("latin-1")
        if key in once:
            values = ", ".join(shown(value) for value in head.get_all(key.decode("latin-1")))
            yield "handshake.field.duplicate", f"{name} comes {count} times: {values}"
        elif key in LISTS:
            yield "handshake.field.split-list", f"{name} comes {count} times"


def check_spelling(head: Head) -> Found:
    """Upgrade, Connection and lists are spelt as weak peers compare them."""
    upgrade, connection = head.get("upgrade"), head.get("connection")
    if upgrade != b"websocket" and "websocket" in head.tokens("upgrade"):
        yield "handshake.field.upgrade-spelling", f"Upgrade: {shown(upgrade or b'')}"
    if connection != b"Upgrade" and "upgrade" in head.tokens("connection"):
        yield "handshake.field.connection-spelling", f"Connection: {shown(connection or b'')}"
    for field in head.fields:
        if (
            field.key in LISTS - _SPELT_ANYWAY
            and not is_empty(field)
            and field.value != tidy_list(field.value)
        ):
            yield "handshake.field.list-spelling", f"{_named(field)} is {shown(field.value)}"


def check_length(head: Head) -> Found:
    """Small devices have small buffers."""
    length = len(head.raw)
    if length > LONG_HEAD:
        yield "handshake.field.many-bytes", f"the head is {length} bytes long"


FIELD_CHECKS: tuple[Callable[[Head], Found], ...] = (
    check_line_ends,
    check_names,
    check_spaces,
    check_values,
    check_repetition,
    check_spelling,
    check_length,
)
"""Every check of the fields of either head."""


def collect(found: Iterable[tuple[str, str]], side: Side) -> list[Finding]:
    """The findings in the head of that side; of one rule not more than a few, and how many more there are."""
    by_rule: dict[str, list[str]] = {}
    for rule_id, detail in found:
        by_rule.setdefault(rule_id, []).append(detail)
    return [
        Finding(rule_id, detail, side, None)
        for rule_id, details in by_rule.items()
        for detail in (*details[:_FINDINGS], *_how_many_more(len(details) - _FINDINGS))
    ]


def lines_of(raw: bytes) -> list[bytes]:
    """The lines, each with its end; a lone CR ends none."""
    return [line + b"\n" for line in raw.split(b"\n")[:-1]] + list(filter(None, raw.split(b"\n")[-1:]))


def is_empty(field: HeaderField) -> bool:
    """Whether it is a Sec-WebSocket-* field without a value, or a list without an element."""
    if not field.key.startswith(b"sec-websocket-") or field.key == b"sec-websocket-key":
        return False
    return is_empty_list(field.value) if field.key in LISTS else not field.value.strip(b" \t")


def is_empty_list(value: bytes) -> bool:
    """Whether a list has no element."""
    return not value.strip(b", \t")


def tidy_list(value: bytes, comma: bytes = b", ") -> bytes:
    """A list of tokens with `comma` between its elements, none empty."""
    return comma.join(part for each in value.split(b",") if (part := each.strip(b" \t")))


def shown(value: bytes) -> str:
    """Bytes in a sentence: printable, and not endless."""
    text = repr(value)[1:]
    return text if len(text) <= 90 else text[:86] + "...'"


def _how_many_more(count: int) -> list[str]:
    return [f"and {count} more of this kind"] if count > 0 else []


def _named(field: HeaderField) -> str:
    return field.name.decode("ascii", "backslashreplace")


def _ends_well(line: bytes) -> bool:
    return line.endswith(b"\r\n") and not line.endswith(b"\r\r\n")
