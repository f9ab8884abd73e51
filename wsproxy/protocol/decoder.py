"""Chunks in, frames out: the same frames whatever the cutting, every byte accounted for.

Most frames are small and complete, and their first two bytes fix the layout of their header: those go by a
cache of layouts, filled from the dialect's grammar. Everything else (a frame cut short, a large one, a
dialect without such a cache, bytes that are no header) takes the longer way.

Source: RFC 6455 section 5.
"""

from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, WireEvent
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.header import MAX_HEADER_SIZE, Header, LayoutCache, Unreadable
from wsproxy.protocol.masking import apply_mask, apply_mask_from_start

PIECE_LIMIT = 1 << 16


class _LargeFrame(NamedTuple):
    """A frame coming out in pieces; `remaining` bytes of payload data, None where the terminator ends it."""

    masking_key: bytes | None
    position: int
    remaining: int | None


class FrameDecoder:
    """Decodes what one side sends after its opening handshake; no input makes it raise.

    A frame with at most `piece_limit` bytes of payload data comes out once, complete. A larger one begins
    with an incomplete `Frame` and goes on with `FramePiece`s of at most `piece_limit` bytes. Once frames
    can no longer be told apart, all that follows is `OpaqueData`. Never holds back more than `piece_limit`
    bytes and a header. Raises UsageError for a `piece_limit` below 1.
    """

    __slots__ = ("_dialect", "_large", "_limit", "_pending", "_reason", "_wake_at", "_wake_on", "offset")

    def __init__(self, dialect: Dialect = RFC6455, *, piece_limit: int = PIECE_LIMIT) -> None:
        if piece_limit < 1:
            raise UsageError(f"piece_limit is {piece_limit}; it must be at least 1 byte")
        self._dialect = dialect
        self._limit = piece_limit
        self._large: _LargeFrame | None = None
        self._reason: str | None = None
        self._pending = bytearray()
        self._wake_at = 0
        self._wake_on: bytes | None = None
        self.offset = 0

    @property
    def pending(self) -> bytes:
        """Bytes received that are part of no event yet."""
        return bytes(self._pending)

    @property
    def begun(self) -> tuple[int, Header | None]:
        """Where in the stream the frame begins that is held back, and its header; None while that is torn."""
        if not self._pending:
            return self.offset, None
        header = self._dialect.read_header(bytes(self._pending[:MAX_HEADER_SIZE]))
        return self.offset - len(self._pending), header if isinstance(header, Header) else None

    @property
    def at_boundary(self) -> bool:
        """Whether nothing of a frame is under way."""
        return not self._pending and self._large is None and self._reason is None

    @property
    def opaque(self) -> bool:
        """Whether frames can no longer be told apart."""
        return self._reason is not None

    def hold_back(self, data: bytes, offset: int) -> None:
        """Begin at the stream's byte `offset` with these bytes, which only the next ones make anything of."""
        self._pending = bytearray(data)
        self._wake_at = 0
        self.offset = offset + len(data)

    def begin_again(self, offset: int) -> None:
        """Begin a frame at the stream's byte `offset`, whatever came before."""
        self._pending.clear()
        self._large = self._reason = None
        self.offset = offset

    def release(self) -> list[WireEvent]:
        """What has come of the frame that is held back, as the beginning of one that comes out in pieces.

        Nothing, if its header is torn, or does not say how long the frame is.
        """
        start, header = self.begun
        if header is None or header.length is None:
            return []
        head, payload = bytes(self._pending[: header.size]), bytes(self._pending[header.size :])
        self._pending.clear()
        self._large = _LargeFrame(header.masking_key, len(payload), header.length - len(payload))
        if header.masking_key:
            payload = apply_mask_from_start(payload, header.masking_key)
        return [Frame(start, head, *header[1:4], header.masking_key, header.length, payload, b"")]

    def receive_data(self, data: bytes) -> list[WireEvent]:
        """What the next bytes of the stream complete. `offset` counts the bytes received in all."""
        start = self.offset
        self.offset += len(data)
        pending = self._pending
        if pending:
            if len(pending) + len(data) < self._wake_at and not (self._wake_on and self._wake_on in data):
                pending += data
                return []
            start -= len(pending)
            data = b"".join((pending, data))
            pending.clear()
        events: list[WireEvent] = []
        self._decode(data, start, events)
        return events

    def _decode(self, data: bytes, start: int, events: list[WireEvent]) -> None:
        """Decode all of `data`, whose first byte is the stream's byte `start`."""
        layouts = self._dialect.layouts
        position = 0
        while position < len(data):
            if self._reason is not None:
                events.append(OpaqueData(start + position, data[position:], self._reason))
                return
            if self._large is not None:
                position = self._take_piece(self._large, data, position, events)
                continue
            if layouts is not None:
                position = _decode_small(layouts, self._limit, data, position, start, events)
            if position < len(data):
                position = self._decode_one(data, position, start, events)

    def _decode_one(self, data: bytes, position: int, start: int, events: list[WireEvent]) -> int:
        """Decode the frame at `position` as far as it has come, or hold it back; the position behind it."""
        header = self._dialect.read_header(data[position : position + MAX_HEADER_SIZE])
        if isinstance(header, Unreadable):
            self._reason = header.reason
            return position
        if header is None:
            return self._hold(data, position, len(data) - position + 1)
        header_size, fin, rsv, opcode, length, key = header
        body = position + header_size
        payload, trailer, ended = self._payload(data, body, length)
        at_least = len(data) - body if length is None else length
        if not ended and at_least <= self._limit:
            wake_on = self._dialect.terminator if length is None else None
            return self._hold(data, position, header_size + (length or self._limit + 1), wake_on)
        size = len(payload)
        if not ended:
            self._large = _LargeFrame(key, size, None if length is None else length - size)
        if key:
            payload = apply_mask_from_start(payload, key)
        head = data[position:body]
        events.append(Frame(start + position, head, fin, rsv, opcode, key, length, payload, trailer))
        return body + size + len(trailer)

    def _take_piece(self, large: _LargeFrame, data: bytes, position: int, events: list[WireEvent]) -> int:
        """Decode the next piece of the large frame under way; the position behind it."""
        key, done, remaining = large
        payload, trailer, last = self._payload(data, position, remaining)
        size = len(payload)
        left = None if remaining is None else remaining - size
        self._large = None if last else _LargeFrame(key, done + size, left)
        if key:
            payload = apply_mask(payload, key, done)
        events.append(FramePiece(done, payload, last, key, trailer))
        return position + size + len(trailer)

    def _payload(self, data: bytes, position: int, remaining: int | None) -> tuple[bytes, bytes, bool]:
        """The payload data at hand, at most the limit of it; the trailer behind it; whether this ends it."""
        end = position + self._limit
        if remaining is not None:
            payload = data[position : min(end, position + remaining)]
            return payload, b"", len(payload) == remaining
        terminator = self._dialect.terminator or b""
        mark = data.find(terminator, position, end + 1)
        if mark < 0:
            return data[position:end], b"", False
        return data[position:mark], terminator, True

    def _hold(self, data: bytes, position: int, wake_at: int, wake_on: bytes | None = None) -> int:
        """Hold back what starts at `position` until it has `wake_at` bytes, or `wake_on` comes."""
        self._pending += data[position:]
        self._wake_at = wake_at
        self._wake_on = wake_on
        return len(data)


def _decode_small(
    layouts: LayoutCache, limit: int, data: bytes, position: int, start: int, events: list[WireEvent]
) -> int:
    """Decode the small, complete frames from `position` on; the position of the first that is not.

    The hot path: `tuple.__new__` makes a frame in half the time that its own constructor takes.
    """
    append, new, unmask, size = events.append, tuple.__new__, apply_mask_from_start, len(data)
    last = size - 2
    while position <= last:
        header = data[position : position + 2]
        header_size, length_end, length, masked, fin, rsv, opcode = layouts[header]
        body = position + header_size
        if header_size > 2:
            header = data[position:body]
            if length_end:
                length = int.from_bytes(header[2:length_end], "big")
        end = body + length
        if end > size or length > limit:
            break
        key = None
        payload = data[body:end]
        if masked:
            key = header[-4:]
            payload = unmask(payload, key)
        append(new(Frame, (start + position, header, fin, rsv, opcode, key, length, payload, b"")))
        position = end
    return position
