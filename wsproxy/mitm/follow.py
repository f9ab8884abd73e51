"""Following one side of a session on the event loop, for those who want its messages there and then."""

from dataclasses import dataclass

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import Inflater
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, WireEvent
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.grammar import parse_close_payload
from wsproxy.protocol.message import Message, MessageAssembler
from wsproxy.protocol.opcodes import Opcode


@dataclass(frozen=True, slots=True)
class Close:
    """What the first Close frame of a side says; 1005 where it gives no code (RFC 6455 section 7.1.5)."""

    code: int
    reason: str


class Cursor:
    """How far a stream is decoded, and where its messages end.

    `boundary` is the latest place where a message could be put in: behind a whole frame, and not between the
    fragments of a message. Offsets are in bytes from the end of the opening handshake.
    """

    __slots__ = ("boundary", "fragmented", "frame_open", "opaque", "position")

    def __init__(self) -> None:
        self.position = 0
        self.boundary = 0
        self.fragmented = False
        self.frame_open = False
        self.opaque = False

    def advance(self, event: WireEvent) -> None:
        """Take the next of the stream's events, in order."""
        match event:
            case Frame():
                self.position += len(event.header) + len(event.payload) + len(event.trailer)
                self.frame_open = not event.complete
                if not event.is_control:
                    self.fragmented = not event.fin
            case FramePiece():
                self.position += len(event.payload) + len(event.trailer)
                self.frame_open = not event.last
            case OpaqueData():
                self.position += len(event.data)
                self.opaque |= not event.between_frames
        if not (self.frame_open or self.fragmented or self.opaque):
            self.boundary = self.position


class Follower:
    """Decodes what one side sends as it passes.

    `offset` counts the bytes seen, `close` is the first Close frame among them. `control_frames`: those are
    wanted, too.
    """

    __slots__ = ("_assembler", "_control_frames", "_cursor", "_decoder", "_gaps", "close", "offset")

    def __init__(
        self, dialect: Dialect, inflater: Inflater | None, message_limit: int, *, control_frames: bool = False
    ) -> None:
        self._control_frames = control_frames
        self._decoder = FrameDecoder(dialect)
        self._gaps = Gaps()
        self._assembler = MessageAssembler(inflater, message_limit=message_limit)
        self._cursor = Cursor()
        self.close: Close | None = None
        self.offset = 0

    @property
    def boundary(self) -> int:
        """The latest place in the stream where a message could be put in."""
        return self._cursor.boundary

    @property
    def opaque(self) -> bool:
        """Whether frames can no longer be told apart, so that no boundary will come any more."""
        return self._cursor.opaque

    def leave_out(self, start: int, end: int, rule_id: str) -> None:
        """These bytes, not seen yet, are taken out for that rule: frames go on behind them."""
        self._gaps.add(start, end, rule_id)

    def receive_data(self, data: bytes) -> list[Message | Frame]:
        """The messages (and control frames, if wanted) that these bytes complete."""
        self.offset += len(data)
        seen: list[Message | Frame] = []
        decoder, gaps = self._decoder, self._gaps
        for event in gaps.decode(decoder, data) if gaps else decoder.receive_data(data):
            self._cursor.advance(event)
            message = self._assembler.receive(event)
            if message is not None:
                seen.append(message)
            elif (frame := control_frame(event)) is not None:
                self.close = self.close or close_of(frame)
                if self._control_frames:
                    seen.append(frame)
        return seen


def control_frame(event: WireEvent) -> Frame | None:
    """The event if it is a control frame, and all of it."""
    return event if isinstance(event, Frame) and event.is_control and event.complete else None


def close_of(frame: Frame) -> Close | None:
    """What it says if it is a Close frame."""
    if frame.opcode != Opcode.CLOSE:
        return None
    code, reason = parse_close_payload(frame.payload)
    return Close(1005 if code is None else code, reason.decode("utf-8", "replace"))
