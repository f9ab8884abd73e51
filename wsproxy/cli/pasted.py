"""What a terminal made of frames, and which bytes they were.

A terminal shows a byte that is not UTF-8 as U+FFFD and swallows most control characters, so a frame
header pasted from one has bytes that are lost and bytes that are gone. The payload that follows is
usually text, and its size says what the length bytes were: every way to lay a header over the text is
tried, and one fits or none.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsproxy.cli.fitting import (
    COST_LIMIT,
    Fit,
    How,
    LaidFrame,
    LaidHeader,
    Symbol,
    headers,
    length_bytes,
    lengths,
)
from wsproxy.cli.notation import unescape

REPLACEMENT = "\ufffd"
_COST_PER_FRAME = 12
_DOCUMENT_BONUS = 5
_OPENINGS_SHOWN = 4
_DOCUMENT_STARTS = (b"{", b"[", b"<", b'"')
_LITERAL = re.compile(
    r"\\u(?:[fF]{3}[dD]|\{[fF]{3}[dD]\})|\\xef\\xbf\\xbd|\\357\\277\\275|&#(?:65533|[xX][fF]{3}[dD]);"
)
_SHORT_ESCAPES = re.compile(r"\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True)
class LostByte:
    """A byte the text does not show: what it was (None: cannot be told) and what else would fit there."""

    offset: int
    value: int | None
    how: How
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The bytes that fit the text; its frames begin at `start`.

    `trailing_line_end` says that a line end at the very end was left out.
    """

    data: bytes
    lost: tuple[LostByte, ...]
    trailing_line_end: bool
    start: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A header that fits where the text breaks off before its payload data ends: bytes unknown are `??`."""

    header: tuple[str, ...]
    lengths: tuple[int, int]
    masked: bool
    payload: str


def is_pasted(text: str) -> bool:
    """Whether `text` has bytes that a terminal (or a lenient decoder) could not show."""
    return REPLACEMENT in text or bool(_LITERAL.search(text))


def read_pasted(text: str, payload_length: int | None = None) -> Reading | None:
    """The bytes that fit `text`; None when nothing fits all of it. `payload_length` is that of its first
    frame.
    """
    readings: list[tuple[int, Reading]] = []
    for symbols in _symbol_readings(text):
        fit = Fit(symbols, payload_length)
        cost, frames = fit.best() or (COST_LIMIT, ())
        if frames and payload_length is None:
            last = frames[-1]
            cost += _document_cost(symbols[last.header.body : last.end])
        if frames and cost <= _COST_PER_FRAME * len(frames):
            readings.append((cost, _reading(symbols, frames)))
    return min(readings, key=lambda found: found[0])[1] if readings else None


def _document_cost(payload: Sequence[Symbol]) -> int:
    """How much a payload that begins as JSON speaks for a reading (below 0: whole) or against it (cut
    short).
    """
    text = bytes(0x3F if symbol is None else symbol for symbol in payload).decode(errors="replace").strip()
    if not text.startswith(("{", "[")):
        return 0
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return COST_LIMIT if error.pos >= len(text) or "Unterminated" in error.msg else 0
    except RecursionError:
        return 0
    return -_DOCUMENT_BONUS


def openings(text: str) -> list[Opening]:
    """The headers that fit the beginning of a text that breaks off, likeliest first; none if nothing does."""
    symbols = next(_symbol_readings(text))
    found = []
    for header in headers(symbols, 0):
        available = len(symbols) - header.body
        announced = lengths(header)
        needless = (
            header.form.extra == 8 and header.slots[1].how == "swallowed" and available < header.form.least
        )
        if announced[1] >= available and not needless:
            masked = header.slots[1].how == "undecodable" or header.slots[1].value >= 0x80
            shown = bytes(0x3F if symbol is None else symbol for symbol in symbols[header.body :][:24])
            unlikely = header.swallowed + 2 * (header.slots[0].how == "swallowed")
            unlikely += 2 * (None in symbols[header.body :][:1]) - 4 * (shown[:1] in _DOCUMENT_STARTS)
            opening = Opening(_shown_header(header), announced, masked, shown.decode(errors="replace"))
            found.append((unlikely, announced[0], opening))
    return [opening for *_, opening in sorted(found, key=lambda row: row[:2])][:_OPENINGS_SHOWN]


def _symbol_readings(text: str) -> Iterator[list[Symbol]]:
    """The text as symbols: as it is, with its escapes taken at their word, as Windows-1252."""
    quoted = re.fullmatch(r"""\s*[bu]?(["'])(.*)\1\s*""", text, re.DOTALL)
    marked = _LITERAL.sub(REPLACEMENT, quoted[2] if quoted else text)
    # What was printed in escaped form is all escaped; what was typed by hand may have a raw document
    # behind it.
    typed = _SHORT_ESCAPES.sub(lambda match: chr(int(match[0][-2:], 16)), marked)
    escaped = quoted is not None or REPLACEMENT not in text
    variants = [typed, unescape(marked).decode(errors="replace")] if escaped else [text]
    for variant in dict.fromkeys(variants):
        yield [s for c in variant for s in ([None] if c == REPLACEMENT else c.encode(errors="replace"))]
    if any(0x80 <= ord(character) < 0x2123 for character in variants[0]):
        yield [s for c in variants[0] for s in (c.encode("cp1252", "ignore") or [None])]


def _reading(symbols: Sequence[Symbol], frames: Sequence[LaidFrame]) -> Reading:
    """The bytes of these frames."""
    data = bytearray()
    lost: list[LostByte] = []
    for frame in frames:
        header, others = frame.header, frame.first[1:]
        values = (frame.first[0], *length_bytes(header.form, frame.length))
        for slot, value in zip(header.slots, values, strict=True):
            if slot.how != "shown":
                lost.append(LostByte(len(data), value, slot.how, others))
            others = ()
            data.append(value)
        unknown = REPLACEMENT.encode() if frame.length > frame.end - header.body else b"\xff"
        for symbol in symbols[header.body : frame.end]:
            if symbol is None:
                lost.append(LostByte(len(data), None, "undecodable"))
            data += unknown if symbol is None else bytes((symbol,))
    return Reading(bytes(data), tuple(lost), bool(frames) and frames[-1].end < len(symbols))


def _shown_header(header: LaidHeader) -> tuple[str, ...]:
    return tuple(f"{slot.value:02X}" if slot.how == "shown" else "??" for slot in header.slots)
