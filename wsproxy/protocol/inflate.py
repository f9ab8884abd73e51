"""One attempt to inflate one message, and the window it starts from; bounded in memory and in work.

Source: RFC 7692 section 7.2; RFC 1951.
"""

import zlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

TAIL: Final = b"\x00\x00\xff\xff"
EMPTY_BLOCK: Final = b"\x00" + TAIL
WINDOW: Final = 1 << 15

_WINDOW_SLACK = WINDOW + (1 << 13)
_RAW = -zlib.MAX_WBITS
_SLICE = 1 << 14
_CHUNK = 1 << 18
_MOST_STREAMS = 256
_GZIP_HEAD = b"\x1f\x8b\x08\x00"
_BLANKS = str.maketrans("\t\r\n", "   ")

type Decompressor = zlib._Decompress


class DeflateFault(StrEnum):
    """What may be wrong with a compressed message that can be inflated all the same, in words."""

    NO_DATA = "compressed, but there is no compressed data (RFC 7692 section 7.2.3.6)"
    TAIL_KEPT = "00 00 ff ff was not removed from its end (RFC 7692 section 7.2.1)"
    FINAL_BLOCK = "its last DEFLATE block is a final one (RFC 7692 section 7.2.3.4)"
    CONTEXT_KEPT = (
        "it refers to an earlier message, though no context takeover was agreed (RFC 7692 section 7.1.1)"
    )
    PLAIN_IN_WINDOW = "its peer also keeps uncompressed messages in its window, from here on taken so"
    DOUBTFUL = "inflated as if the message that could not be inflated had not been sent; may be wrong"
    EACH_FRAME = "each of its frames is compressed by itself (RFC 7692 section 6.1)"
    WRAPPED = "it is wrapped as in a zlib or gzip file, not raw DEFLATE (RFC 7692 section 7.2.1)"
    NOT_COMPRESSED = "compressed, but it is plain text (RFC 7692 section 7.2.1)"
    UNMARKED = "compressed, but not marked so: RSV1 is not set on its first frame (RFC 7692 section 6.1)"
    PARTIAL_FLUSH = "it is flushed in part: it does not end with a byte (RFC 7692 section 7.2.1)"
    INNER_TAIL = (
        "00 00 ff ff was removed from the end of each frame, not of the message (RFC 7692 section 7.2.1)"
    )


class Fragment(NamedTuple):
    """The payload data of one frame of a message, and whether the frame had RSV1 set."""

    rsv1: bool
    data: bytes


def allowed_work(size: int, limit: int) -> int:
    """How many bytes may come out of `size` compressed ones: more than honest data needs, no bomb's worth.

    DEFLATE reaches 1032 to 1, text rarely 100 to 1; what stays within a few times the limit is inflated
    anyway.
    """
    return (1 << 20) + 16 * limit + 128 * size


class UnfinishedError(zlib.error):
    """The data stops in the middle of a block."""


class TooLargeError(zlib.error):
    """Inflating it further would cost more than it is worth."""


class Window:
    """The output a peer's compressor may refer back to, under one assumption about what it does.

    `keeps` is False for a peer that starts every message with nothing. `note` says what was assumed, where it
    is not the rule; `lasting`, that once it proved right it is taken to be the rule from then on.
    """

    __slots__ = ("data", "keeps", "lasting", "note")

    def __init__(
        self, data: bytes = b"", *, keeps: bool = True, lasting: bool = False, note: str | None = None
    ) -> None:
        self.data = bytearray(data)
        self.keeps = keeps
        self.lasting = lasting
        self.note = note

    def add(self, output: bytes | bytearray) -> None:
        """Move on by what was just inflated."""
        if self.keeps:
            self.data += output[-WINDOW:]
            if len(self.data) > _WINDOW_SLACK:
                del self.data[:-WINDOW]

    def decompressor(self, output: bytes | bytearray = b"") -> Decompressor:
        """One that has this window and then `output` behind it, always of the largest size there is."""
        history = bytes((self.data + output)[-WINDOW:])
        return zlib.decompressobj(_RAW, zdict=history) if history else zlib.decompressobj(_RAW)


class Attempt:
    """Inflates one message from one window.

    `payload` holds at most `limit` bytes; `length` counts all output, `recent` is the end of it. `work` is
    how many bytes may still come out, `allowed_work` of the input's size to begin with. Raises zlib.error
    where the data is wrong, TooLargeError when the work is used up.
    """

    __slots__ = (
        "_fresh",
        "_last",
        "_limit",
        "_streams",
        "decompressor",
        "length",
        "notes",
        "payload",
        "recent",
        "window",
        "work",
    )

    def __init__(self, window: Window, limit: int, work: int) -> None:
        self.window = window
        self.decompressor = window.decompressor()
        self.payload = bytearray()
        self.recent = bytearray()
        self.length = 0
        self.work = work
        self.notes: list[str] = []
        self._limit = limit
        self._last = b""
        self._fresh = False
        self._streams = 0

    def read(self, fragments: Iterable[Fragment]) -> None:
        """Inflate what has RSV1 set, each with an end of its own; take the rest as it is."""
        for fragment in fragments:
            if fragment.rsv1:
                self.receive_data(fragment.data)
                self.end()
            else:
                self._put(fragment.data)

    def read_on(self, decompressor: Decompressor, data: bytes) -> None:
        """Inflate what goes on where that one ended, and does not end a block."""
        self.decompressor = decompressor
        self._inflate(data)
        if self._streams:
            raise zlib.error("it ends in the middle")

    def receive_data(self, data: bytes) -> None:
        """Inflate more of the message."""
        self._last = (self._last + data[-4:])[-4:]
        self._inflate(data)

    def end(self) -> None:
        """Inflate the tail the peer removed. Raises UnfinishedError if the data stops inside a block."""
        last, self._last = self._last, b""
        if not last:
            self._note(DeflateFault.NO_DATA)
            return
        if self._fresh:
            self._note(DeflateFault.FINAL_BLOCK)
            return
        size, length = len(self.payload), self.length
        try:
            self._inflate_tail(unstripped=last == TAIL)
        except zlib.error as error:
            del self.payload[size:]
            self.length = length
            raise UnfinishedError("it stops in the middle of a block") from error

    def _inflate_tail(self, *, unstripped: bool) -> None:
        if unstripped:
            self._note(DeflateFault.TAIL_KEPT)
        else:
            self._inflate(TAIL)
        # An empty block is without effect at the end of a block, and hardly anywhere else.
        if self.decompressor.decompress(EMPTY_BLOCK, 1) or self.decompressor.unconsumed_tail:
            raise zlib.error("output at the end")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _inflate(self, data: bytes) -> None:
        # zlib copies what it did not consume yet at every call: slices keep that from growing with the data.
        for start in range(0, len(data), _SLICE):
            rest: bytes | None = data[start : start + _SLICE]
            self._fresh = False
            while rest is not None:
                rest = self._inflate_some(rest)

    def _inflate_some(self, data: bytes) -> bytes | None:
        """Inflate at most a chunk; what to go on with (b"" where only output is due), None when done."""
        output = self.decompressor.decompress(data, _CHUNK)
        self._put(output)
        self.recent += output[-WINDOW:]
        del self.recent[:-WINDOW]
        if self.decompressor.eof:
            return self._next_stream()
        return self.decompressor.unconsumed_tail if len(output) == _CHUNK else None

    def _next_stream(self) -> bytes | None:
        """After a final block another stream may follow, with the same window; what there is of it."""
        self._streams += 1
        if self._streams > _MOST_STREAMS:
            raise TooLargeError(f"it has more than {_MOST_STREAMS} final blocks")
        rest = self.decompressor.unused_data
        if rest == TAIL:
            self._note(DeflateFault.TAIL_KEPT)
            rest = b""
        self.decompressor = self.window.decompressor(self.recent)
        self._fresh = not rest
        return rest or None

    def _put(self, output: bytes) -> None:
        self.work -= len(output)
        if self.work < 0:
            raise TooLargeError(f"it inflates to more than {self.length} bytes")
        self.payload += output[: max(0, self._limit - len(self.payload))]
        self.length += len(output)


def unwrapped(data: bytes, limit: int) -> bytes | None:
    """The raw DEFLATE data in what begins like a zlib or gzip file; None for anything else.

    A check sum is taken off if it is right for what is before it, and that is at most `limit` bytes.
    """
    zlib_like = len(data) > 2 and data[0] & 0x8F == 0x08 and int.from_bytes(data[:2]) % 31 == 0
    if not (zlib_like and not data[1] & 0x20) and not data.startswith(_GZIP_HEAD):
        return None
    head, check = (2, 4) if zlib_like else (10, 8)
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS + 32)
    try:
        decompressor.decompress(data, limit + 1)
    except zlib.error:
        return None
    whole = decompressor.eof and not decompressor.unused_data
    return data[head : len(data) - check] if whole else data[head:]


def is_text(data: bytes | bytearray) -> bool:
    """Whether it is UTF-8 without control characters but line ends and tabs, and more than one character."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return len(text) > 1 and text.translate(_BLANKS).isprintable()
