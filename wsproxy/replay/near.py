"""What was near: the recorded message most like a live one, and how the two differ, for people to read."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from itertools import islice
from typing import NamedTuple

from wsproxy.protocol.beginnings import common_length
from wsproxy.protocol.opcodes import opcode_name
from wsproxy.replay.json_values import NotJson, parse_json, pretty_lines, with_values
from wsproxy.replay.model import PlayedMessage
from wsproxy.store.pointers import Pointers

MOST_CANDIDATES = 256
"""How many recorded messages are looked at."""

_SAMPLE = 4096
_WORDS = re.compile(rb"\w+|[^\w\s]")
_JSON_LIMIT = 1 << 18
_MOST_LINES = 400
_SHOWN_LINES = 60
_LINE_WIDTH = 120
_LEAD = 40
_ROW = 8
_SHOWN_ROWS = 16
_TEXT, _BINARY = 0x1, 0x2
_NOWHERE = Pointers()


class Near(NamedTuple):
    """The recorded message most like a live one: `similarity` is 0 to 1, `diff` lines without line ends."""

    message: PlayedMessage
    similarity: float
    diff: list[str]


def nearest(
    recorded: Iterable[PlayedMessage], live: PlayedMessage, exempt: Pointers = _NOWHERE
) -> Near | None:
    """The most similar of the first `MOST_CANDIDATES` recorded messages (of equals the first), if any; its
    diff leaves out what is `exempt`.
    """
    features = _features(live)
    best: PlayedMessage | None = None
    most = -1.0
    for message in islice(recorded, MOST_CANDIDATES):
        similar = _likeness(message, live, features)
        if similar > most:
            best, most = message, similar
    return None if best is None else Near(best, most, describe_difference(best, live, exempt=exempt))


def similarity(recorded: PlayedMessage, live: PlayedMessage) -> float:
    """How much of the two is the same, from 0 to 1; of large ones only the beginning is looked at."""
    return _likeness(recorded, live, _features(live))


def describe_difference(
    recorded: PlayedMessage,
    live: PlayedMessage,
    names: tuple[str, str] = ("recorded", "live"),
    exempt: Pointers = _NOWHERE,
) -> list[str]:
    """How the live message (`+`) differs from the recorded one (`-`); no lines if it does not. `names` are
    what to call the two. JSON values at the pointers `exempt` are the live ones in both.

    JSON member by member, text line by line, anything else as hex side by side. Bounded, whatever the size;
    nothing in the lines can move a cursor.
    """
    lines = []
    if recorded.opcode != live.opcode:
        lines = [f"- {opcode_name(recorded.opcode)}", f"+ {opcode_name(live.opcode)}"]
    if recorded.payload != live.payload:
        lines += _payload_difference(recorded, live, names, exempt)
    elif recorded.length != live.length:
        lines += [f"- {recorded.length:,} bytes", f"+ {live.length:,} bytes"]
    if len(lines) > _SHOWN_LINES:
        lines[_SHOWN_LINES - 1 :] = [f"… {len(lines) - _SHOWN_LINES + 1} more lines"]
    return [_printable(line) for line in lines]


def _features(message: PlayedMessage) -> Counter[bytes]:
    sample = message.payload[:_SAMPLE]
    if message.opcode == _TEXT:
        return Counter(_WORDS.findall(sample))
    return Counter(sample[at : at + 2] for at in range(max(1, len(sample) - 1)))


def _likeness(recorded: PlayedMessage, live: PlayedMessage, features: Counter[bytes]) -> float:
    if recorded.control != live.control:
        return 0.0
    if recorded.payload == live.payload:
        return 1.0 if recorded.opcode == live.opcode else 0.9
    others = _features(recorded)
    total = features.total() + others.total()
    common = 2 * (features & others).total() / total if total else 0.0
    if common == 1.0:
        # The same words in another order, or what differs lies behind the sample.
        common = 0.95
    return common if recorded.opcode == live.opcode else 0.8 * common


def _payload_difference(
    recorded: PlayedMessage, live: PlayedMessage, names: tuple[str, str], exempt: Pointers
) -> list[str]:
    if _BINARY in (recorded.opcode, live.opcode) or recorded.control:
        return list(_hex_difference(recorded.payload, live.payload, names))
    try:
        old, new = recorded.payload.decode(), live.payload.decode()
    except UnicodeDecodeError:
        return list(_hex_difference(recorded.payload, live.payload, names))
    if max(len(old), len(new)) <= _JSON_LIMIT:
        try:
            return _json_difference(old, new, exempt)
        except NotJson:
            pass
    return _text_difference(old.split("\n"), new.split("\n"))


def _json_difference(old: str, new: str, exempt: Pointers) -> list[str]:
    one, other = parse_json(old.encode()), parse_json(new.encode())
    before, after = pretty_lines(with_values(one, other, exempt)), pretty_lines(other)
    if before != after:
        return _text_difference(before, after)
    if pretty_lines(one) != after:
        return []
    return ["the same JSON, written differently:", *_text_difference(old.split("\n"), new.split("\n"))]


def _text_difference(old: list[str], new: list[str]) -> list[str]:
    start = common_length(old, new)
    end = common_length(old[start:][::-1], new[start:][::-1])
    # Three lines of context are enough, and what is equal need not be compared again.
    first, last = max(0, start - 3), max(0, end - 3)
    before, after = old[first : len(old) - last], new[first : len(new) - last]
    cut = max(len(before), len(after)) > _MOST_LINES
    before, after = before[:_MOST_LINES], after[:_MOST_LINES]
    if len(before) == len(after) == 1:
        before, after = _around(before[0], after[0])
    lines = [
        line[0] + " " + _narrow(line[1:])
        for line in islice(unified_diff(before, after, n=3, lineterm=""), 3, None)
        if not line.startswith("@@")
    ]
    return [*lines, "… compared no further"] if cut else lines


def _around(old: str, new: str) -> tuple[list[str], list[str]]:
    """Two long lines from shortly before where they begin to differ."""
    at = common_length(old, new)
    if max(len(old), len(new)) <= _LINE_WIDTH or at <= _LEAD:
        return [old], [new]
    return [f"…{old[at - _LEAD :]}"], [f"…{new[at - _LEAD :]}"]


def _narrow(line: str) -> str:
    rest = len(line) - _LINE_WIDTH
    return line if rest <= 0 else f"{line[:_LINE_WIDTH]}… {rest} more characters"


def _hex_difference(old: bytes, new: bytes, names: tuple[str, str]) -> Iterator[str]:
    """The rows that differ: offset, recorded bytes, live bytes."""
    sizes = f"{len(old):,} bytes {names[0]}, {len(new):,} {names[1]}"
    yield f"{'offset':8}  {names[0]:<34}  {names[1]}"
    shown, size = 0, max(len(old), len(new))
    at = _common_bytes(old, new) // _ROW * _ROW
    while at < size:
        before, after = old[at : at + _ROW], new[at : at + _ROW]
        if before != after:
            if shown == _SHOWN_ROWS:
                yield f"… up to offset {size:08x}: {sizes}"
                return
            shown += 1
            yield f"{at:08x}  {_row(before):<34}  {_row(after)}".rstrip()
        at += _ROW
    if len(old) != len(new):
        yield sizes


def _common_bytes(one: bytes, other: bytes) -> int:
    return common_length(one.decode("latin-1"), other.decode("latin-1"))


def _row(data: bytes) -> str:
    characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
    return f"{data.hex(' '):<23}  {characters}" if data else ""


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
