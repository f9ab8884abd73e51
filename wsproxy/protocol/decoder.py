"""Chunks in, frames out: the same frames whatever the cutting, every byte accounted for.

Most frames are small and complete, and their first two bytes fix the layout of their header: those go by a
cache of layouts, filled from the dialect's grammar. Everything else (a frame cut short, a large one, a
dialect without such a cache, bytes that are no header) goes by the grammar itself.

Source: RFC 6455 section 5.
"""

from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, WireEvent
from wsproxy.protocol.grammar import RFC6455, Dialect
from wsproxy.protocol.header import MAX_HEADER_SIZE, Header, LayoutCache, Unreadable, read_header
from wsproxy.protocol.masking import apply_mask

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

    __slots__ = ("_dialect", "_large", "_limit", "_mark", "_pending", "_reason", "_wake_at", "offset")

    def __init__(self, dialect: Dialect = RFC6455, *, piece_limit: int = PIECE_LIMIT) -> None:
        if piece_limit < 1:
            raise UsageError(f"piece_limit is {piece_limit}; it must be at least 1 byte")
        self._dialect = dialect
        self._limit = piece_limit
        self._large: _LargeFrame | None = None
        self._pending = bytearray()
        self._wake_at = 0
        self._mark: bytes | None = None
        self._reason: str | None = None
        self.offset = 0

    @property
    def pending(self) -> bytes:
        """Bytes received that are part of no event yet."""
        return bytes(self._pending)

    @property
    def at_boundary(self) -> bool:
        """Whether nothing of a frame is under way."""
        return not self._pending and self._large is None and self._reason is None

    @property
    def opaque(self) -> bool:
        """Whether frames can no longer be told apart."""
        return self._reason is not None

    def receive_data(self, data: bytes) -> list[WireEvent]:
        """What the next bytes of the stream complete. `offset` counts the bytes received in all."""
        start = self.offset
        self.offset += len(data)
        pending = self._pending
        if pending:
            if len(pending) + len(data) < self._wake_at and not (self._mark and self._mark in data):
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
        """Decode by the grammar the frame at `position`, as far as it has come; the position behind it."""
        header = read_header(self._dialect.header, data[position : position + MAX_HEADER_SIZE])
        if header is None:
            return self._hold(data, position, len(data) - position + 1)
        if isinstance(header, Header) and header.length is None and self._dialect.terminator is None:
            header = Unreadable("the header announces no payload length, and the dialect has no terminator")
        if isinstance(header, Unreadable):
            self._reason = header.reason
            return position
        body = position + header.size
        end, ended = self._payload_end(header.length, data, body)
        if not ended and (len(data) - body if header.length is None else header.length) <= self._limit:
            decided_at = self._limit + 1 if header.length is None else header.length
            return self._hold(data, position, header.size + decided_at, waits_for_mark=header.length is None)
        if not ended:
            remaining = None if header.length is None else header.length - (end - body)
            self._large = _LargeFrame(header.masking_key, end - body, remaining)
        payload, trailer = data[body:end], self._trailer(header.length, ended)
        if header.masking_key:
            payload = apply_mask(payload, header.masking_key)
        _, fin, rsv, opcode, length, key = header
        events.append(
            Frame(start + position, data[position:body], fin, rsv, opcode, key, length, payload, trailer)
        )
        return end + len(trailer)

    def _take_piece(self, large: _LargeFrame, data: bytes, position: int, events: list[WireEvent]) -> int:
        """Decode the next piece of the large frame under way; the position behind it."""
        key, done, remaining = large
        end, last = self._payload_end(remaining, data, position)
        payload, trailer = data[position:end], self._trailer(remaining, last)
        if key:
            payload = apply_mask(payload, key, done)
        events.append(FramePiece(done, payload, last, key, trailer))
        size = end - position
        left = None if remaining is None else remaining - size
        self._large = None if last else _LargeFrame(key, done + size, left)
        return end + len(trailer)

    def _payload_end(self, remaining: int | None, data: bytes, position: int) -> tuple[int, bool]:
        """Where the payload data at hand ends (at most the limit of it), and whether all of it does."""
        end = min(len(data), position + self._limit)
        if remaining is None:
            mark_at = data.find(self._dialect.terminator or b"", position, position + self._limit + 1)
            return (mark_at, True) if mark_at >= 0 else (end, False)
        return (position + remaining, True) if remaining <= end - position else (end, False)

    def _trailer(self, length: int | None, ended: bool) -> bytes:
        return self._dialect.terminator or b"" if ended and length is None else b""

    def _hold(self, data: bytes, position: int, size: int, *, waits_for_mark: bool = False) -> int:
        """Keep what starts at `position` until it has `size` bytes, or the terminator has come."""
        self._pending += data[position:]
        self._wake_at = size
        self._mark = self._dialect.terminator if waits_for_mark else None
        return len(data)


def _decode_small(
    layouts: LayoutCache, limit: int, data: bytes, position: int, start: int, events: list[WireEvent]
) -> int:
    """Decode the small, complete frames from `position` on; the position of the first that is not.

    The hot path: `tuple.__new__` builds a frame in half the time its own constructor takes.
    """
    append, new, size = events.append, tuple.__new__, len(data)
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
            payload = apply_mask(payload, key)
        append(new(Frame, (start + position, header, fin, rsv, opcode, key, length, payload, b"")))
        position = end
    return position
