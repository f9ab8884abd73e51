"""What a terminal made of frames, and which bytes they were.

A terminal shows a byte that is not UTF-8 as U+FFFD and swallows most control characters, so a frame
header pasted from one has bytes that are lost and bytes that are gone. The payload that follows is
usually text, and its size says what the length bytes were: every way to lay a header over the text is
tried, and one fits or none.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from wsproxy.cli.notation import unescape

type Symbol = int | None
"""One byte the text shows, or None for one that it does not."""

type How = Literal["shown", "undecodable", "swallowed"]

REPLACEMENT = "\ufffd"
_SWALLOWED = frozenset(range(0x20)) - {0x0A} | {0x7F}
_FIRST_BYTES = (0x81, 0x82, 0x80, 0x8A, 0x89, 0x88)
_SWALLOWED_FIRST_BYTES = (0x01, 0x02, 0x00)
_ENDS_TRIED = 16
_COST_LIMIT = 40
_COST_PER_FRAME = 12
_DOCUMENT_BONUS = 5
_OPENINGS_SHOWN = 4
_DOCUMENT_STARTS = (b"{", b"[", b"<", b'"')
_LITERAL = re.compile(r"\\u[fF]{3}[dD]|\\xef\\xbf\\xbd")
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


@dataclass(frozen=True, slots=True)
class _Slot:
    how: How
    value: int = 0

    def allows(self, byte: int) -> bool:
        if self.how == "shown":
            return byte == self.value
        return byte >= 0x80 if self.how == "undecodable" else byte in _SWALLOWED


class _Form(NamedTuple):
    """How a length is written: bytes after the second, what the second says then, the least that needs it."""

    extra: int
    marker: int
    least: int


_FORMS = (_Form(0, 0, 0), _Form(2, 126, 126), _Form(8, 127, 1 << 16))


@dataclass(frozen=True, slots=True)
class _Header:
    form: _Form
    slots: tuple[_Slot, ...]
    body: int

    @property
    def swallowed(self) -> int:
        """Bytes that are gone, those of a 64-bit length aside that are zero anyway."""
        slots = self.slots[:2] + self.slots[6:] if self.form.extra == 8 else self.slots
        return sum(slot.how == "swallowed" for slot in slots)


@dataclass(frozen=True, slots=True)
class _Frame:
    header: _Header
    first: tuple[int, ...]
    length: int
    end: int
    lost: int


def is_pasted(text: str) -> bool:
    """Whether `text` has bytes that a terminal (or a lenient decoder) could not show."""
    return REPLACEMENT in text or bool(_LITERAL.search(text))


def read_pasted(text: str, payload_length: int | None = None) -> Reading | None:
    """The bytes that fit `text`; None when nothing fits all of it. `payload_length` is that of its first
    frame.
    """
    readings: list[tuple[int, Reading]] = []
    for symbols in _symbol_readings(text):
        fit = _Fit(symbols, payload_length)
        cost, frames = fit.best() or (_COST_LIMIT, ())
        if frames and payload_length is None:
            last = frames[-1]
            cost += _document_cost(symbols[last.header.body : last.end])
        if frames and cost <= _COST_PER_FRAME * len(frames):
            readings.append((cost, fit.reading(frames)))
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
        return _COST_LIMIT if error.pos >= len(text) or "Unterminated" in error.msg else 0
    except RecursionError:
        return 0
    return -_DOCUMENT_BONUS


def openings(text: str) -> list[Opening]:
    """The headers that fit the beginning of a text that breaks off, likeliest first; none if nothing does."""
    symbols = next(_symbol_readings(text))
    found = []
    for header in _headers(symbols, 0):
        available = len(symbols) - header.body
        lengths = _lengths(header)
        needless = (
            header.form.extra == 8 and header.slots[1].how == "swallowed" and available < header.form.least
        )
        if lengths[1] >= available and not needless:
            masked = header.slots[1].how == "undecodable" or header.slots[1].value >= 0x80
            shown = bytes(0x3F if symbol is None else symbol for symbol in symbols[header.body :][:24])
            unlikely = header.swallowed + 2 * (header.slots[0].how == "swallowed")
            unlikely += 2 * (None in symbols[header.body :][:1]) - 4 * (shown[:1] in _DOCUMENT_STARTS)
            opening = Opening(_shown_header(header), lengths, masked, shown.decode(errors="replace"))
            found.append((unlikely, lengths[0], opening))
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


def _headers(symbols: Sequence[Symbol], at: int) -> Iterator[_Header]:
    """Every way to lay an RFC 6455 header without a masking key over the symbols from `at`."""
    for form in _FORMS:
        for slots, body in _align(symbols, at, form, ()):
            # Without a byte that is lost nothing says that a header was here.
            if slots[0].how != "swallowed" or None in symbols[at:body]:
                yield _Header(form, slots, body)


def _align(
    symbols: Sequence[Symbol], at: int, form: _Form, slots: tuple[_Slot, ...]
) -> Iterator[tuple[tuple[_Slot, ...], int]]:
    if len(slots) == 2 + form.extra:
        yield slots, at
        return
    choices = [(_Slot("swallowed"), at)]
    if at < len(symbols):
        symbol = symbols[at]
        choices.insert(0, (_Slot("undecodable") if symbol is None else _Slot("shown", symbol), at + 1))
    for slot, after in choices:
        if _possible(slot, len(slots), form):
            yield from _align(symbols, after, form, (*slots, slot))


def _possible(slot: _Slot, position: int, form: _Form) -> bool:
    if position == 0:
        candidates = {"undecodable": _FIRST_BYTES, "swallowed": _SWALLOWED_FIRST_BYTES, "shown": range(0x80)}
        return any(slot.allows(byte) and _is_first_byte(byte) for byte in candidates[slot.how])
    if position == 1:
        lengths = (form.marker,) if form.extra else range(126)
        return any(slot.allows(length) or slot.allows(length | 0x80) for length in lengths)
    return position >= 2 + form.extra - 4 or slot.allows(0)


def _is_first_byte(byte: int) -> bool:
    return byte & 0x70 == 0 and byte & 0x0F in (0, 1, 2, 8, 9, 10)


class _Fit:
    """Lays frames over symbols, one behind the other, so that they come out even; the cheapest way wins."""

    def __init__(self, symbols: Sequence[Symbol], payload_length: int | None) -> None:
        self._symbols = symbols
        self._size = len(symbols)
        self._trimmed = self._size - 1 if symbols and symbols[-1] == 0x0A else self._size
        self._lost = [at for at, symbol in enumerate(symbols) if symbol is None]
        self._payload_length = payload_length
        self._tried: dict[int, tuple[int, tuple[_Frame, ...]] | None] = {}

    def best(self, at: int = 0) -> tuple[int, tuple[_Frame, ...]] | None:
        """The cost of the frames from `at` to the end, and these; None if none fit."""
        if at >= self._trimmed:
            return (0 if at == self._trimmed else 2), ()
        if at not in self._tried:
            self._tried[at] = None
            self._tried[at] = min(self._ways(at), key=lambda way: way[0], default=None)
        return self._tried[at]

    def _ways(self, at: int) -> Iterator[tuple[int, tuple[_Frame, ...]]]:
        for header in _headers(self._symbols, at):
            for frame in self._frames(header, self._payload_length if at == 0 else None):
                cost = self._cost(frame)
                rest = self.best(frame.end) if cost <= _COST_LIMIT else None
                if rest is not None:
                    yield cost + rest[0], (frame, *rest[1])

    def _frames(self, header: _Header, length: int | None) -> Iterator[_Frame]:
        """The frames with this header whose payload data ends where something can end."""
        first_lost = bisect_left(self._lost, header.body)
        later = self._lost[first_lost : first_lost + _ENDS_TRIED]
        for end in dict.fromkeys((self._trimmed, self._size, *later, *self._exact_end(header))):
            if end < header.body:
                continue
            lost = bisect_left(self._lost, end) - first_lost
            lengths = {end - header.body, end - header.body + 2 * lost} if length is None else {length}
            for found in sorted(lengths):
                first = _first_bytes(header.slots[0], found, lost)
                if first and _length_fits(header, found):
                    yield _Frame(header, first, found, end, lost)

    def _exact_end(self, header: _Header) -> Iterator[int]:
        slots = header.slots[2:] or header.slots[1:]
        if all(slot.how == "shown" for slot in slots):
            end = header.body + int.from_bytes(bytes(slot.value for slot in slots))
            if end <= self._size:
                yield end

    def _cost(self, frame: _Frame) -> int:
        header, length = frame.header, frame.length
        cost = 4 + header.swallowed + 6 * frame.lost + 30 * frame.lost // max(length, 1)
        if length < header.form.least:
            cost += _COST_LIMIT if header.swallowed else 8
        # A length that nothing shows is believed only where a payload follows that is no length marker
        # itself.
        if header.slots[1].how == "swallowed" and not header.form.extra:
            cost += _COST_LIMIT * (not length or self._symbols[header.body] == 0x7E)
        return cost

    def reading(self, frames: Sequence[_Frame]) -> Reading:
        """The bytes of these frames."""
        data = bytearray()
        lost: list[LostByte] = []
        for frame in frames:
            header, others = frame.header, frame.first[1:]
            values = (frame.first[0], *_length_bytes(header.form, frame.length))
            for slot, value in zip(header.slots, values, strict=True):
                if slot.how != "shown":
                    lost.append(LostByte(len(data), value, slot.how, others))
                others = ()
                data.append(value)
            unknown = REPLACEMENT.encode() if frame.length > frame.end - header.body else b"\xff"
            for symbol in self._symbols[header.body : frame.end]:
                if symbol is None:
                    lost.append(LostByte(len(data), None, "undecodable"))
                data += unknown if symbol is None else bytes((symbol,))
        return Reading(bytes(data), tuple(lost), bool(frames) and frames[-1].end < self._size)


def _length_fits(header: _Header, length: int) -> bool:
    form = header.form
    if length >= (1 << 8 * form.extra if form.extra else 126):
        return False
    written = _length_bytes(form, length)
    return all(slot.allows(byte) for slot, byte in zip(header.slots[1:], written, strict=True))


def _length_bytes(form: _Form, length: int) -> bytes:
    return bytes((form.marker,)) + length.to_bytes(form.extra) if form.extra else bytes((length,))


def _first_bytes(slot: _Slot, length: int, lost: int) -> tuple[int, ...]:
    """What the first byte can have been, likeliest first: text that is readable is text."""
    if slot.how == "shown":
        return (slot.value,)
    candidates = _FIRST_BYTES if slot.how == "undecodable" else _SWALLOWED_FIRST_BYTES
    fitting = [byte for byte in candidates if byte & 0x08 == 0 or length <= 125]
    return tuple(sorted(fitting, key=lambda byte: byte == 0x81) if lost else fitting)


def _lengths(header: _Header) -> tuple[int, int]:
    """The least and the greatest length this header can announce."""
    slots = header.slots[2:] or header.slots[1:]
    allowed = [[byte for byte in range(256) if slot.allows(byte)] for slot in slots]
    if len(slots) == 1:
        allowed = [[byte & 0x7F for byte in allowed[0] if byte & 0x7F <= 125]]
    return (
        int.from_bytes(bytes(min(values) for values in allowed)),
        int.from_bytes(bytes(max(values) for values in allowed)),
    )


def _shown_header(header: _Header) -> tuple[str, ...]:
    return tuple(f"{slot.value:02X}" if slot.how == "shown" else "??" for slot in header.slots)
