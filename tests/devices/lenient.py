"""How weak peers read: whatever can be understood is, and nothing is ever refused."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.wire.build import CLOSE, TEXT, mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Head:
    """A request or a response, as its lines."""

    raw: bytes

    @property
    def lines(self) -> list[bytes]:
        """Its lines without their ends."""
        return re.split(rb"\r?\n", self.raw.rstrip(b"\r\n"))

    @property
    def path(self) -> str:
        """The path of a request, also of one whose target is a URL."""
        words = self.lines[0].split()
        target = words[1] if len(words) > 1 else b"/"
        return re.sub(rb"^\w+://[^/]*", b"", target).split(b"?")[0].decode("latin-1")

    def get(self, name: str) -> bytes | None:
        """The value of the first field with that name, in any spelling."""
        for line in self.lines[1:]:
            found, colon, value = line.partition(b":")
            if colon and found.strip().lower() == name.lower().encode():
                return value.strip()
        return None

    def has_line(self, line: bytes) -> bool:
        """Whether exactly this line is there."""
        return line in self.raw.split(b"\r\n")


def accept_of(key: bytes, guid: bytes = _GUID) -> bytes:
    """The Sec-WebSocket-Accept that belongs to a key."""
    return base64.b64encode(hashlib.sha1(key + guid).digest())


def take_head(buffer: bytearray) -> Head | None:
    """Cut the first head off the buffer, if it is there to its end."""
    while bytes(buffer[:1]) in (b"\r", b"\n"):
        del buffer[:1]
    end = _HEAD_END.search(buffer)
    if not end:
        return None
    head = Head(bytes(buffer[: end.end()]))
    del buffer[: end.end()]
    return head


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame as it was read, unmasked."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False


@dataclass(slots=True)
class Reader:
    """Cuts a stream into frames. `long_form`: how many bytes it takes the length behind 127 to have."""

    long_form: int = 8
    buffer: bytearray = field(default_factory=bytearray)

    def receive(self, data: bytes) -> Iterator[Piece]:
        """The frames that are whole now."""
        self.buffer += data
        while (piece := self._next()) is not None:
            yield piece

    def _next(self) -> Piece | None:
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[:2]
        wide = {126: 2, 127: self.long_form}.get(second & 0x7F, 0)
        masked = bool(second & 0x80)
        start = 2 + wide + 4 * masked
        size = int.from_bytes(self.buffer[2 : 2 + wide], "big") if wide else second & 0x7F
        if len(self.buffer) < start + size:
            return None
        key = bytes(self.buffer[start - 4 : start]) if masked else bytes(4)
        payload = mask(bytes(self.buffer[start : start + size]), key)
        del self.buffer[: start + size]
        return Piece(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, masked)


@dataclass(slots=True)
class Hixie76Reader:
    """Cuts a stream into the frames from before the RFC: text between 00 and FF, and FF 00 as the Close."""

    buffer: bytearray = field(default_factory=bytearray)

    def receive(self, data: bytes) -> Iterator[Piece]:
        """The frames that are whole now."""
        self.buffer += data
        while (end := self.buffer.find(b"\x00" if self.buffer[:1] == b"\xff" else b"\xff")) >= 0:
            payload = bytes(self.buffer[1:end])
            yield Piece(CLOSE if self.buffer[:1] == b"\xff" else TEXT, payload)
            del self.buffer[: end + 1]


@dataclass(slots=True)
class Joiner:
    """Puts messages together from fragments."""

    opcode: int = 0
    parts: list[bytes] = field(default_factory=list)

    def receive(self, piece: Piece) -> str | bytes | None:
        """The message that this data frame ends, if it ends one."""
        self.opcode = piece.opcode or self.opcode
        self.parts.append(piece.payload)
        if not piece.fin:
            return None
        payload = b"".join(self.parts)
        self.parts.clear()
        return payload.decode("utf-8", "replace") if self.opcode == 1 else payload
