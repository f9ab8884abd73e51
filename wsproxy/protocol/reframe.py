"""Frames that are held, and what is written in their place.

Source: RFC 6455 section 5.2; RFC 7692 section 7.2.1.
"""

import zlib
from collections.abc import Sequence

from wsproxy.errors import UsageError
from wsproxy.protocol.beginnings import common_length
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import RSV1, Frame, FramePiece, Side
from wsproxy.protocol.inflate import TAIL
from wsproxy.protocol.masking import apply_mask
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.overwrite import overwritten

_CLOSE_CODE_SIZE = 2

_FRAME_COST = 64
_SHORT, _LONGEST_SHORT, _LONGEST_MEDIUM = 125, 125, (1 << 16) - 1


class HeldFrame:
    """A frame, or what has come of it.

    `out` is what is written in its place and has not been given out yet, None while that is open. `size`
    counts the bytes received of it, `written` those given out. `cost` is what it takes to hold all of it,
    in bytes.
    """

    __slots__ = ("complete", "cost", "data", "frame", "out", "size", "trailer", "written")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.data: bytes | bytearray = frame.payload
        self.trailer = frame.trailer
        self.complete = frame.complete
        self.size = len(frame.header) + len(frame.payload) + len(frame.trailer)
        self.cost = _FRAME_COST + (len(frame.payload) if frame.length is None else frame.length)
        self.out: bytes | None = None
        self.written = 0

    def receive(self, piece: FramePiece) -> None:
        """Add its next payload data."""
        self.data = bytearray(self.data) if isinstance(self.data, bytes) else self.data
        self.data += piece.payload
        self.take(piece)

    def take(self, piece: FramePiece) -> None:
        """Count its next payload data, and keep none of it."""
        self.size += len(piece.payload) + len(piece.trailer)
        self.trailer = piece.trailer
        self.complete = piece.last

    def as_received(self) -> bytes:
        """Its bytes."""
        return self.frame.header + self._masked(bytes(self.data)) + self.trailer

    def as_overwritten(self, *, inflated: bool) -> bytes:
        """Its bytes with payload data that says nothing; `inflated`: and that is not compressed."""
        frame = self.frame
        header = frame.header
        if inflated and frame.rsv & RSV1:
            header = bytes((header[0] & ~(RSV1 << 4), *header[1:]))
        return header + self._masked(overwritten(len(self.data))) + self.trailer

    def rewritten(self, payload: bytes, rsv: int, dialect: Dialect) -> bytes:
        """The frame with this payload data. Raises UsageError where the dialect cannot write it."""
        frame = self.frame
        if frame.length is None:
            terminator = dialect.terminator or b""
            return frame.header + payload.replace(terminator, b"") + self.trailer
        return new_header(frame, len(payload), rsv, dialect) + self._masked(payload) + self.trailer

    def _masked(self, payload: bytes) -> bytes:
        key = self.frame.masking_key
        return apply_mask(payload, key) if key else payload


def new_header(frame: Frame, length: int, rsv: int, dialect: Dialect) -> bytes:
    """The frame's header for another payload length; its length form is never shorter than it was.

    Raises UsageError where the dialect cannot say it.
    """
    header, key = frame.header, frame.masking_key or b""
    if (length, rsv) == (frame.length, frame.rsv):
        return header
    if dialect.layouts is not None:
        form = max(header[1] & 0x7F, _SHORT)
        if form >= _form(length):
            start = bytes(
                (header[0] & 0x8F | rsv << 4, header[1] & 0x80 | (length if form == _SHORT else form))
            )
            width = len(header) - 2 - len(key)
            return start + (length.to_bytes(width) if width else b"") + key
    if length > _LONGEST_SHORT and frame.is_control:
        raise UsageError(f"a control frame has at most {_LONGEST_SHORT} bytes of payload data")
    return dialect.build_header(frame.opcode, length, fin=frame.fin, rsv=rsv, masking_key=frame.masking_key)


def fitting(opcode: int, payload: bytes, size: int) -> bytes:
    """The payload data of a control frame, cut where it is too long for one (RFC 6455 section 5.5)."""
    if len(payload) <= size or opcode != Opcode.CLOSE:
        return payload[:size]
    reason = payload[_CLOSE_CODE_SIZE:size].decode("utf-8", "ignore")
    return payload[:_CLOSE_CODE_SIZE] + reason.encode()


def _form(length: int) -> int:
    """What the shortest length form has in its first seven bits, `_SHORT` for the length itself."""
    if length <= _LONGEST_SHORT:
        return _SHORT
    return 126 if length <= _LONGEST_MEDIUM else 127


def split_changed(old: bytes, new: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`new` in as many fragments as `old`, which had fragments of these sizes.

    Those before the first and behind the last byte that differs stay as they are; cuts in between are moved
    in proportion.
    """
    prefix = common_length(old, new)
    suffix = common_length(old[prefix:][::-1], new[prefix:][::-1])
    middle, new_middle = len(old) - prefix - suffix, len(new) - prefix - suffix
    cuts, position = [0], 0
    for size in sizes[:-1]:
        position += size
        if position <= prefix:
            cuts.append(position)
        elif position >= prefix + middle:
            cuts.append(position + len(new) - len(old))
        else:
            cuts.append(prefix + (position - prefix) * new_middle // middle)
    return _cut(new, cuts)


def split_in_proportion(new: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`new` in fragments whose sizes are to one another as these are."""
    whole = sum(sizes) or 1
    cuts, position = [0], 0
    for size in sizes[:-1]:
        position += size
        cuts.append(position * len(new) // whole)
    return _cut(new, cuts)


def _cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    return [data[start:end] for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True)]


class Deflater:
    """Compresses the messages that `side` sends anew, within what was agreed."""

    def __init__(self, side: Side, agreed: DeflateParameters) -> None:
        client = side is Side.CLIENT
        bits = agreed.client_max_window_bits if client else agreed.server_max_window_bits
        alone = agreed.client_no_context_takeover if client else agreed.server_no_context_takeover
        self.takeover = not alone
        self._per_frame = agreed.per_frame
        self._bits = bits
        self._compressor = self._new()

    def reset(self) -> None:
        """Refer to nothing that was compressed before."""
        self._compressor = self._new()

    def fragments(self, payload: bytes, sizes: Sequence[int]) -> list[tuple[bytes, bool]]:
        """The payload data of a message's frames, and which have RSV1 set. `sizes` are those they had."""
        if self._per_frame:
            return [(self._deflate(each), True) for each in split_in_proportion(payload, sizes)]
        parts = split_in_proportion(self._deflate(payload), sizes)
        return [(part, place == 0) for place, part in enumerate(parts)]

    def _deflate(self, payload: bytes) -> bytes:
        if not self.takeover:
            self.reset()
        data = self._compressor.compress(payload) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data[: -len(TAIL)] if data.endswith(TAIL) else b"\0"

    def _new(self) -> "zlib._Compress":
        # zlib has no raw window of 8 bits; stored blocks refer to nothing, so they need none.
        level, bits = (0, 9) if self._bits < 9 else (zlib.Z_DEFAULT_COMPRESSION, self._bits)
        return zlib.compressobj(level, zlib.DEFLATED, -bits)
