"""Whether a side keeps to a small window where one was agreed, as a receiver with that window notices.

Source: RFC 7692 section 7.1.2; cases Z17 Z19.
"""

import zlib

from wsproxy.conformance.checks_deflate import WINDOW_EXCEEDED, stands_alone, window_bits
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import RSV1, Frame, FramePiece, Side
from wsproxy.protocol.inflate import TAIL
from wsproxy.protocol.message import Message

_LARGEST = 15
_STEP = 1 << 16
_MOST_STEPS = 1 << 10


class WindowSeen:
    """Inflates what a side sends with the window that was agreed, and keeps nothing of it.

    Once a message cannot be inflated so, or is larger than 64 MiB, no more is said of those that may refer
    to it.
    """

    __slots__ = ("_alone", "_bits", "_compressed", "_decompressor", "_failed", "_fin", "_steps")

    def __init__(self, side: Side, agreed: DeflateParameters) -> None:
        self._bits = window_bits(side, agreed)
        self._alone = stands_alone(side, agreed)
        self._decompressor: zlib._Decompress | None = zlib.decompressobj(-self._bits)
        self._compressed = self._failed = self._fin = False
        self._steps = 0

    def frame(self, frame: Frame) -> None:
        """A frame of that side, or the beginning of one."""
        if frame.is_control:
            return
        if frame.opcode:
            self._compressed, self._failed, self._steps = bool(frame.rsv & RSV1), False, 0
            if self._alone:
                self._decompressor = zlib.decompressobj(-self._bits)
        self._fin = frame.fin
        self._inflate(frame.payload, last=frame.fin and frame.complete)

    def piece(self, piece: FramePiece) -> None:
        """More of a large one."""
        self._inflate(piece.payload, last=self._fin and piece.last)

    def message(self, message: Message, side: Side) -> list[Finding]:
        """The message those made, inflated with the largest window there is."""
        failed, self._failed = self._failed, False
        if not failed or not message.compressed or message.error is not None:
            return []
        detail = f"it cannot be inflated with the agreed window of {1 << self._bits:,} bytes"
        return [Finding(WINDOW_EXCEEDED, detail, side, message.start_offset)]

    def _inflate(self, data: bytes, *, last: bool) -> None:
        decompressor = self._decompressor
        if decompressor is None or not self._compressed:
            return
        try:
            for part in (data, TAIL) if last else (data,):
                while part and self._steps < _MOST_STEPS:
                    decompressor.decompress(part, _STEP)
                    part = decompressor.unconsumed_tail
                    self._steps += 1
        except zlib.error:
            self._failed, self._decompressor = True, None
        self._compressed = not last
        if self._steps >= _MOST_STEPS or decompressor.eof:
            self._decompressor = None


def window_seen(side: Side, extensions: str | None) -> WindowSeen | None:
    """What looks at that side's window; None where the largest was agreed, or nothing."""
    agreed = None if extensions is None else DeflateParameters.from_extension_header(extensions)
    if agreed is None or agreed.per_frame or window_bits(side, agreed) == _LARGEST:
        return None
    return WindowSeen(side, agreed)
