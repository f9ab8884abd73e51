"""`--filter`: which frames and messages to show."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wsproxy.errors import UsageError

if TYPE_CHECKING:
    from wsproxy.cli.seen import Seen

type Filter = Callable[["Seen"], bool]

_LENGTH = re.compile(r"length\s*([<>=])\s*(\d+)")
_OPCODES = {"continuation": 0x0, "text": 0x1, "binary": 0x2, "close": 0x8, "ping": 0x9, "pong": 0xA}
_FIRST_CONTROL = 0x8
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
}
HELP = "text, binary, close, ping, pong, continuation, data, control, odd, length>N, length<N, or /REGEX/"


def parse_filters(expressions: Sequence[str]) -> Filter:
    """What all of these expressions let through; a leading `!` turns one around. Raises `UsageError`."""
    filters = [_negated(expression) for expression in expressions]
    return lambda seen: all(passes(seen) for passes in filters)


def _negated(expression: str) -> Filter:
    if not expression.startswith("!"):
        return _parse(expression.strip())
    inner = _parse(expression[1:].strip())
    return lambda seen: not inner(seen)


def _parse(expression: str) -> Filter:
    if expression == "odd":
        return lambda seen: bool(seen.findings)
    if expression in _OPCODES:
        return lambda seen: _opcode(seen) == _OPCODES[expression]
    if expression == "data":
        return lambda seen: 0 <= _opcode(seen) < _FIRST_CONTROL
    if expression == "control":
        return lambda seen: _opcode(seen) >= _FIRST_CONTROL
    if match := _LENGTH.fullmatch(expression):
        compare, limit = _COMPARE[match[1]], int(match[2])
        return lambda seen: compare(_length(seen), limit)
    if len(expression) > 2 and expression.startswith("/") and expression.endswith("/"):
        return _searching(expression[1:-1])
    raise UsageError(f"{expression!r} is not a filter: use {HELP}")


def _searching(pattern: str) -> Filter:
    try:
        wanted = re.compile(pattern.encode())
    except re.error as error:
        raise UsageError(f"/{pattern}/ is not a regular expression: {error}") from error
    return lambda seen: any(wanted.search(payload) for payload in _payloads(seen))


def _payloads(seen: "Seen") -> list[bytes]:
    frame, message = seen.frame, seen.message
    return [part.payload for part in (frame, message) if part is not None]


def _opcode(seen: "Seen") -> int:
    part = seen.frame or seen.message
    return -1 if part is None else part.opcode


def _length(seen: "Seen") -> int:
    frame, message = seen.frame, seen.message
    if frame is not None:
        return len(frame.payload) if frame.length is None else frame.length
    return 0 if message is None else message.length
