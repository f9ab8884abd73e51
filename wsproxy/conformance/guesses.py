"""Where frames begin, and how long they are, when a peer's headers do not say so rightly: guesses.

Each is off until a profile switches its rule on. A guess must explain what came better than the RFC does: the
frame it makes is there, its text is UTF-8, and behind it begins another one, or nothing comes any more.

Source: RFC 6455 section 5.2; cases L01 L02 L03 L06 L07 L17 (lengths), Q06 (torn frames),
F03 F06 Q05 (the next frame).
"""

from collections.abc import Callable, Iterable, Iterator

from wsproxy.conformance.character_count import ends_by_characters
from wsproxy.conformance.stray import WAIT, Stray
from wsproxy.conformance.utf8_stream import begins_utf8, is_utf8
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import (
    COUNTED,
    DOUBLED,
    LEN7,
    LEN32,
    LEN126,
    LITTLE_ENDIAN,
    LITTLE_ENDIAN32,
    RFC6455,
    SHIFTED,
    SIGNED,
)
from wsproxy.protocol.header import Header, Unreadable
from wsproxy.protocol.masking import apply_mask_from_start
from wsproxy.protocol.opcodes import OPCODE_NAMES, Opcode

LENGTH, TWICE, RESYNC = "frame.length-encoding", "frame.header-twice", "stream.resync"
ABSURD = 1 << 40
"""No frame is that large."""
_SANE = 1 << 28
"""Larger than any frame worth a guess, and smaller than four bytes of text would be as a length."""
_LEAST_LONG = 1 << 16
_LONG_FORM = 126
_WINDOW = 4096
_DATA = (b"\x81", b"\x82")
_ENOUGH = 200
_LONG_FORMS = (
    ((DOUBLED, SIGNED), _LONG_FORM),
    ((LEN32, LITTLE_ENDIAN, LITTLE_ENDIAN32), _LEAST_LONG),
    ((LEN32, LITTLE_ENDIAN, LITTLE_ENDIAN32), _LONG_FORM),
)
GO_ON = Stray("", 0, "", ends=False)
"""No more bytes have told anything else."""


class Guesses:
    """The guesses about what `side` sends, those of the rules that are `wanted`.

    `dialect` is how it writes lengths, once that was guessed.
    """

    __slots__ = ("_lengths", "_offset", "_resync", "_right", "_side", "_size", "_twice", "dialect", "on")

    def __init__(self, side: Side, dialect: Dialect, wanted: Callable[[str], bool]) -> None:
        plain = dialect.name == RFC6455.name
        self._side = side
        self._lengths = plain and wanted(LENGTH)
        self._twice = plain and wanted(TWICE)
        self._resync = plain and wanted(RESYNC)
        self._offset = self._size = -1
        self._right = b""
        self.dialect = dialect
        self.on = self._lengths or self._twice or self._resync

    @property
    def waits(self) -> bool:
        """Whether it can tell more when nothing has come for a while."""
        return self._lengths

    def wants(self, offset: int, data: bytes) -> bool:
        """Whether enough has come since the last time to look again at the frame that begins at `offset`."""
        if offset == self._offset and len(data) < self._size:
            return False
        self._offset, self._size = offset, len(data) + (len(data) // 4 if len(data) > _ENOUGH else 1)
        return True

    def look(self, data: bytes, *, late: bool = False) -> Stray | Dialect | None:
        """What to make of `data`, which begins where a frame should: bytes to skip, or another dialect.

        `late` says that nothing has come behind it for a while.
        """
        header = self.dialect.read_header(data)
        if self._twice and isinstance(header, Header):
            size = header.size - (4 if header.masking_key else 0)
            if size > 2 and data[header.size : header.size + size] == data[:size]:
                return Stray(TWICE, header.size, "", ends=False)
        if self._lengths and isinstance(header, Header) and self._is_text(header):
            counted = self._in_characters(data, header, late=late)
            if counted is not None:
                return counted
        if self._lengths and len(data) > 1 and data[1] & 0x7F >= 126 and self._plausible(data):
            guess = self._length(data, header, late=late)
            if guess is not None:
                self._lengths = False
                self.dialect = guess
                return guess
            absurd = not isinstance(header, Header) or (header.length or 0) >= ABSURD
            if header is not None and absurd and len(data) < _ENOUGH and not late:
                return WAIT
            if header is not None and not absurd and LEN126.read_header(data) is None:
                return self._longer(data, late=late)
        if self._lengths and self._side is Side.SERVER and data[:1] in _DATA and data[1:6] == bytes(5):
            shifted = self._shifted(data, late=late)
            if shifted is not None:
                return shifted
        if self._resync and len(data) > 1 and not self._may_begin(data):
            return self._next_frame(data)
        return None

    def _in_characters(self, data: bytes, header: Header, *, late: bool) -> Stray | None:
        """A text with letters of several bytes, and its length is the number of its characters."""
        length, key = header.length or 0, header.masking_key
        body = data[header.size : header.size + 4 * length]
        text = apply_mask_from_start(body, key) if key else body
        rest = data[header.size + length :][:2]
        right = self._fits(data, header, late=True) and (not rest or self._plausible(rest))
        if right or len(body) < length or text[:length].isascii():
            return None
        for end in ends_by_characters(text, length):
            behind = data[header.size + end :][:2]
            if (behind >= b"\x80" and self._plausible(behind)) or (late and not behind):
                return Stray(LENGTH, header.size + end, "", ends=False, text=text[:end])
        return self._longer(data, late=late) if begins_utf8(text) and len(body) < 4 * length else None

    def _shifted(self, data: bytes, *, late: bool) -> Stray | Dialect | None:
        """A length of 8 bytes that stands one byte too far left, over the 127."""
        header = SHIFTED.read_header(data)
        if header is None and not late:
            return WAIT
        if isinstance(header, Header) and _LEAST_LONG - 1 <= (header.length or 0) < _SANE:
            self._lengths = False
            self.dialect = SHIFTED
            return SHIFTED
        return None

    def _longer(self, data: bytes, *, late: bool) -> Stray | None:
        """A short length that is written long: the rest of a longer one may be on its way, or it is right."""
        if late:
            self._right = data
            return GO_ON
        return None if data == self._right else WAIT

    def _length(self, data: bytes, header: Header | Unreadable | None, *, late: bool) -> Dialect | None:
        if header is None:
            return None
        certain = min(self._certain(data, header), key=lambda found: found[0], default=None)
        if certain is not None:
            return certain[1]
        if isinstance(header, Header) and self._fits(data, header, late=True):
            return None
        for dialect in (SIGNED, LITTLE_ENDIAN32, LITTLE_ENDIAN, LEN126, LEN7):
            reading = dialect.read_header(data)
            if (
                isinstance(reading, Header)
                and (reading.length or 0) >= 126
                and (self._fits(data, reading, late=late))
            ):
                return dialect
        return next((dialect for dialect in COUNTED if self._counts(data, dialect, header, late=late)), None)

    def _counts(self, data: bytes, dialect: Dialect, header: Header | Unreadable, *, late: bool) -> bool:
        """Whether the length counts some of the header.

        In a text that is cut off there no frame can begin. In binary data it may seem so, until all of the
        frame has come, or nothing more does.
        """
        reading = dialect.read_header(data)
        if not isinstance(reading, Header) or not isinstance(header, Header):
            return False
        decided = late or len(data) >= header.size + (header.length or 0)
        is_text = self._is_text(reading)
        behind = data[reading.size + (reading.length or 0) :][:2]
        told = decided if not (is_text and behind) else behind >= b"\x80"
        return told and len(behind) != 1 and self._fits(data, reading, late=late)

    def _certain(self, data: bytes, header: Header | Unreadable) -> Iterator[tuple[int, Dialect]]:
        """Dialects that make sense of a length which makes none at all by the RFC, and what it is in them."""
        form = data[1] & 0x7F
        length = (header.length or 0) if isinstance(header, Header) else ABSURD
        if form == 127 and length >= ABSURD:
            # Who writes short lengths that long as well is taken for it only where no long one is to be seen.
            for dialects, least in _LONG_FORMS:
                readings = [*_readings(data, dialects, least)]
                if readings:
                    yield from readings
                    return
        elif form == 126 and length < 126 and not self._may_fit(data, header):
            yield from _readings(data, (LEN126,), _LONG_FORM)

    def _may_fit(self, data: bytes, header: Header | Unreadable) -> bool:
        """Whether a short length that is written long may be right; nothing at all is not written so."""
        return isinstance(header, Header) and header.length != 0 and self._fits(data, header, late=True)

    def _fits(self, data: bytes, header: Header, *, late: bool) -> bool:
        """Whether the frame that this header makes is there, and all is well with it and behind it."""
        length, size = header.length or 0, header.size
        rest = data[size + length : size + length + 2]
        if len(data) < size + length or (length and not self._says_something(data, header)):
            return False
        if len(rest) < 2:
            return late
        return self._plausible(rest) and (rest[0] & 0x0F != 0 or not header.fin)

    def _is_text(self, header: Header) -> bool:
        return header.opcode == Opcode.TEXT and header.fin and not header.rsv

    def _says_something(self, data: bytes, header: Header) -> bool:
        if not self._is_text(header):
            return True
        payload = data[header.size : header.size + (header.length or 0)]
        key = header.masking_key
        return is_utf8(apply_mask_from_start(payload, key) if key else payload)

    def _may_begin(self, data: bytes) -> bool:
        """Whether a frame could begin so, of which a repair might make something."""
        first = data[0]
        return first & 0x30 == 0 and first & 0x0F in OPCODE_NAMES and (first & 0x88 != 0x08)

    def _plausible(self, data: bytes) -> bool:
        """The same, and masked as this side must."""
        return self._may_begin(data) and (len(data) < 2 or (data[1] >= 0x80) is (self._side is Side.CLIENT))

    def _next_frame(self, data: bytes) -> Stray | None:
        """The next place where a whole frame stands that says something."""
        for position in range(1, min(len(data) - 1, _WINDOW)):
            rest = data[position:]
            if not self._plausible(rest):
                continue
            header = self.dialect.read_header(rest)
            if isinstance(header, Header) and header.length:
                between_texts = is_utf8(data[:position]) and self._is_whole_text(rest, header)
                if between_texts or self._fits(rest, header, late=True):
                    return Stray(RESYNC, position, "", ends=False)
        return None

    def _is_whole_text(self, data: bytes, header: Header) -> bool:
        """Whether the frame that this header makes is a text, whole, whatever stands behind it."""
        return (
            self._is_text(header)
            and len(data) >= header.size + (header.length or 0)
            and self._says_something(data, header)
        )


def _readings(data: bytes, dialects: Iterable[Dialect], least: int) -> Iterator[tuple[int, Dialect]]:
    """The lengths that the header has in these dialects, from `least` on."""
    for dialect in dialects:
        reading = dialect.read_header(data)
        if isinstance(reading, Header) and least <= (reading.length or 0) < _SANE:
            yield reading.length or 0, dialect
