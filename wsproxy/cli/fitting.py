"""Frames laid over text of which some bytes are lost and some are gone, so that lengths come out even.

Pure search: every way to lay an RFC 6455 header over the text is tried, and what it costs to believe is
added up.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

type Symbol = int | None
"""One byte the text shows, or None for one that it does not."""

type How = Literal["shown", "undecodable", "swallowed"]

COST_LIMIT = 40
_SWALLOWED = frozenset(range(0x20)) - {0x0A} | {0x7F}
_FIRST_BYTES = (0x81, 0x82, 0x80, 0x8A, 0x89, 0x88)
_SWALLOWED_FIRST_BYTES = (0x01, 0x02, 0x00)
# A payload with more lost bytes than that costs more than the limit.
_ENDS_TRIED = 7
_MOST_LOST = 3000


@dataclass(frozen=True, slots=True)
class Slot:
    """A byte of a header, and how the text shows it."""

    how: How
    value: int = 0

    def allows(self, byte: int) -> bool:
        """Whether it can have been this byte."""
        if self.how == "shown":
            return byte == self.value
        return byte >= 0x80 if self.how == "undecodable" else byte in _SWALLOWED


class Form(NamedTuple):
    """How a length is written: bytes after the second, what the second says then, the least that needs it."""

    extra: int
    marker: int
    least: int


_FORMS = (Form(0, 0, 0), Form(2, 126, 126), Form(8, 127, 1 << 16))


@dataclass(frozen=True, slots=True)
class LaidHeader:
    """A header: what each byte of it can be, and the symbol at which its payload data begins."""

    form: Form
    slots: tuple[Slot, ...]
    body: int

    @property
    def swallowed(self) -> int:
        """Bytes that are gone, those of a 64-bit length aside that are zero anyway."""
        slots = self.slots[:2] + self.slots[6:] if self.form.extra == 8 else self.slots
        return sum(slot.how == "swallowed" for slot in slots)


@dataclass(frozen=True, slots=True)
class LaidFrame:
    """A frame: `first` is what its first byte may have been, `end` the symbol after it, `lost` bytes of
    its payload data are not shown.
    """

    header: LaidHeader
    first: tuple[int, ...]
    length: int
    end: int
    lost: int


def headers(symbols: Sequence[Symbol], at: int) -> Iterator[LaidHeader]:
    """Every way to lay an RFC 6455 header without a masking key over the symbols from `at`."""
    for form in _FORMS:
        for slots, body in _align(symbols, at, form, ()):
            # Without a byte that is lost nothing says that a header was here.
            if slots[0].how != "swallowed" or None in symbols[at:body]:
                yield LaidHeader(form, slots, body)


def _align(
    symbols: Sequence[Symbol], at: int, form: Form, slots: tuple[Slot, ...]
) -> Iterator[tuple[tuple[Slot, ...], int]]:
    if len(slots) == 2 + form.extra:
        yield slots, at
        return
    choices = [(Slot("swallowed"), at)]
    if at < len(symbols):
        symbol = symbols[at]
        choices.insert(0, (Slot("undecodable") if symbol is None else Slot("shown", symbol), at + 1))
    for slot, after in choices:
        if _possible(slot, len(slots), form):
            yield from _align(symbols, after, form, (*slots, slot))


def _possible(slot: Slot, position: int, form: Form) -> bool:
    if position == 0:
        candidates = {"undecodable": _FIRST_BYTES, "swallowed": _SWALLOWED_FIRST_BYTES, "shown": range(0x80)}
        return any(slot.allows(byte) and _is_first_byte(byte) for byte in candidates[slot.how])
    if position == 1:
        lengths = (form.marker,) if form.extra else range(126)
        return any(slot.allows(length) or slot.allows(length | 0x80) for length in lengths)
    return position >= 2 + form.extra - 4 or slot.allows(0)


def _is_first_byte(byte: int) -> bool:
    return byte & 0x70 == 0 and byte & 0x0F in (0, 1, 2, 8, 9, 10)


class Fit:
    """Lays frames over symbols, one behind the other, so that they come out even; the cheapest way wins."""

    def __init__(self, symbols: Sequence[Symbol], payload_length: int | None) -> None:
        self._symbols = symbols
        self._size = len(symbols)
        self.trimmed = self._size - 1 if symbols and symbols[-1] == 0x0A else self._size
        self._lost = [at for at, symbol in enumerate(symbols) if symbol is None]
        self._payload_length = payload_length
        self._tried: dict[int, tuple[int, tuple[LaidFrame, ...]] | None] = {}

    def best(self) -> tuple[int, tuple[LaidFrame, ...]] | None:
        """What it costs to believe in the likeliest frames that cover all of the text, and these; None if
        none do.
        """
        if len(self._lost) > _MOST_LOST:
            return None
        # From the end on, so that what follows a frame is known by then, however many there are.
        for at in reversed(self._lost):
            self._best(at)
        return self._best(0)

    def _best(self, at: int) -> tuple[int, tuple[LaidFrame, ...]] | None:
        if at >= self.trimmed:
            return (0 if at == self.trimmed else 2), ()
        if at not in self._tried:
            self._tried[at] = None
            self._tried[at] = min(self._ways(at), key=lambda way: way[0], default=None)
        return self._tried[at]

    def _ways(self, at: int) -> Iterator[tuple[int, tuple[LaidFrame, ...]]]:
        for header in headers(self._symbols, at):
            for frame in self._frames(header, self._payload_length if at == 0 else None):
                cost = self._cost(frame)
                rest = self._best(frame.end) if cost <= COST_LIMIT else None
                if rest is not None:
                    yield cost + rest[0], (frame, *rest[1])

    def _frames(self, header: LaidHeader, length: int | None) -> Iterator[LaidFrame]:
        """The frames with this header whose payload data ends where something can end."""
        first_lost = bisect_left(self._lost, header.body)
        later = self._lost[first_lost : first_lost + _ENDS_TRIED]
        for end in dict.fromkeys((self.trimmed, self._size, *later, *self._exact_end(header))):
            if end < header.body:
                continue
            lost = bisect_left(self._lost, end) - first_lost
            lengths = {end - header.body, end - header.body + 2 * lost} if length is None else {length}
            for found in sorted(lengths):
                first = _first_bytes(header.slots[0], found, lost)
                if first and _length_fits(header, found):
                    yield LaidFrame(header, first, found, end, lost)

    def _exact_end(self, header: LaidHeader) -> Iterator[int]:
        slots = header.slots[2:] or header.slots[1:]
        if all(slot.how == "shown" for slot in slots):
            end = header.body + int.from_bytes(bytes(slot.value for slot in slots))
            if end <= self._size:
                yield end

    def _cost(self, frame: LaidFrame) -> int:
        header, length = frame.header, frame.length
        cost = 4 + header.swallowed + 6 * frame.lost + 30 * frame.lost // max(length, 1)
        if length < header.form.least:
            cost += COST_LIMIT if header.swallowed else 8
        # A length that nothing shows is believed only where a payload follows that is no length marker
        # itself.
        if header.slots[1].how == "swallowed" and not header.form.extra:
            cost += COST_LIMIT * (not length or self._symbols[header.body] == 0x7E)
        return cost


def _length_fits(header: LaidHeader, length: int) -> bool:
    form = header.form
    if length >= (1 << 8 * form.extra if form.extra else 126):
        return False
    written = length_bytes(form, length)
    return all(slot.allows(byte) for slot, byte in zip(header.slots[1:], written, strict=True))


def length_bytes(form: Form, length: int) -> bytes:
    """A length, written in this form, without its mask bit."""
    return bytes((form.marker,)) + length.to_bytes(form.extra) if form.extra else bytes((length,))


def _first_bytes(slot: Slot, length: int, lost: int) -> tuple[int, ...]:
    """What the first byte can have been, likeliest first: text that is readable is text."""
    if slot.how == "shown":
        return (slot.value,)
    candidates = _FIRST_BYTES if slot.how == "undecodable" else _SWALLOWED_FIRST_BYTES
    fitting = [byte for byte in candidates if byte & 0x08 == 0 or length <= 125]
    return tuple(sorted(fitting, key=lambda byte: byte == 0x81) if lost else fitting)


def lengths(header: LaidHeader) -> tuple[int, int]:
    """The least and the greatest length this header can announce."""
    slots = header.slots[2:] or header.slots[1:]
    allowed = [[byte for byte in range(256) if slot.allows(byte)] for slot in slots]
    if len(slots) == 1:
        allowed = [[byte & 0x7F for byte in allowed[0] if byte & 0x7F <= 125]]
    return (
        int.from_bytes(bytes(min(values) for values in allowed)),
        int.from_bytes(bytes(max(values) for values in allowed)),
    )
