"""A compressed message that cannot be held until it is whole: it goes on inflated, as it comes.

Source: RFC 7692 section 7.2.2.
"""

from wsproxy.conformance.conditions import Draft
from wsproxy.conformance.frame_writer import FrameWriter
from wsproxy.conformance.repairs_deflate import MessageInflater
from wsproxy.conformance.sequence import Sequence
from wsproxy.protocol.frame import Frame, FramePiece
from wsproxy.protocol.opcodes import Opcode

_RULES = ("deflate.ended",)


class InflatingMessage:
    """Takes the frames of one message, and gives what is in them to `sequence`, each part as a fragment.

    `failed` says that it cannot be inflated any further, `ended` that its last frame has come.
    """

    __slots__ = ("_end", "_first", "_frame", "_inflater", "_sequence", "_writer", "ended", "failed", "opcode")

    def __init__(
        self, opcode: int, inflater: MessageInflater, sequence: Sequence, writer: FrameWriter
    ) -> None:
        self.opcode = opcode
        self.ended = False
        self.failed = False
        self._inflater = inflater
        self._sequence = sequence
        self._writer = writer
        self._first = True
        self._frame: Frame | None = None
        self._end = 0

    @property
    def end(self) -> int:
        """Where what was taken last ends in the stream."""
        return self._end

    @property
    def mid_frame(self) -> bool:
        """Whether pieces of one of its frames are to come."""
        return self._frame is not None

    def frame(self, frame: Frame) -> None:
        """Its next frame, or the beginning of that."""
        self._end = frame.end_so_far
        self._take(frame, frame.payload, last=frame.complete)

    def piece(self, piece: FramePiece) -> None:
        """More of that frame."""
        if self._frame is not None:
            self._end += len(piece.payload) + len(piece.trailer)
            self._take(self._frame, piece.payload, last=piece.last)

    def _take(self, frame: Frame, data: bytes, *, last: bool) -> None:
        self._frame = None if last else frame
        fin = frame.fin and last
        text = self._inflater.receive(data, last=fin)
        if text is None:
            self.failed = True
            return
        opcode = self.opcode if self._first else Opcode.CONTINUATION
        draft = Draft(frame, opcode, fin, 0, self._writer.key(), text, list(_RULES))
        self._first = False
        self.ended = fin
        self._sequence.put(draft, self._end)
