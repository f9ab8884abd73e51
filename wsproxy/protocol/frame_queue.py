"""One side's frames in the order received, each until what is written in its place has been given out.

Source: RFC 6455 section 5.4.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from wsproxy.protocol.frame import Frame, FramePiece
from wsproxy.protocol.masking import apply_mask
from wsproxy.protocol.overwrite import overwritten
from wsproxy.protocol.reframe import HeldFrame


class Moved(NamedTuple):
    """Bytes `start` to `end` of the stream received are bytes `new_start` to `new_end` of that written."""

    start: int
    end: int
    new_start: int
    new_end: int


class FrameGroup:
    """The frames of one message, or one control frame; `settled` once it is known what is written."""

    __slots__ = ("control", "frames", "opcode", "overwrites", "settled")

    def __init__(self, frame: Frame) -> None:
        self.opcode = frame.opcode
        self.control = frame.is_control
        self.frames: list[HeldFrame] = []
        self.settled = False
        self.overwrites = False


class FrameQueue:
    """Takes frames and pieces, and gives out what is written in their place as soon as it can be, in order.

    `messages` has the groups that are no control frames, by where they begin in the stream: who settles one
    takes it out. `cost` is what it takes to hold all that waits, in bytes. `settled` counts the bytes of the
    stream received for which it is known what is written. `inflated` says that what is overwritten in a
    compressed message is compressed no more.
    """

    __slots__ = (
        "_inflated",
        "_on_move",
        "_open",
        "_out",
        "_queue",
        "_written",
        "cost",
        "messages",
        "settled",
    )

    def __init__(self, on_move: Callable[[Moved], None], *, inflated: bool) -> None:
        self._on_move = on_move
        self._inflated = inflated
        self._queue: deque[tuple[HeldFrame, FrameGroup]] = deque()
        self._open: FrameGroup | None = None
        self._out: list[bytes] = []
        self._written = 0
        self.messages: dict[int, FrameGroup] = {}
        self.cost = 0
        self.settled = 0

    def begin(self, frame: Frame) -> tuple[HeldFrame, FrameGroup]:
        """Take a frame; of a large one, its beginning."""
        group, held = self._group_of(frame), HeldFrame(frame)
        group.frames.append(held)
        self._queue.append((held, group))
        self.cost += held.cost
        if group.settled:
            self._let_go(held, group)
        return held, group

    def go_on(self, piece: FramePiece) -> tuple[HeldFrame, FrameGroup]:
        """Take more of the frame that came last."""
        held, group = self._queue[-1]
        if group.settled:
            held.take(piece)
            key = piece.masking_key
            data = overwritten(len(piece.payload), piece.position) if group.overwrites else piece.payload
            masked = apply_mask(data, key, piece.position) if key else data
            held.out = (held.out or b"") + masked + piece.trailer
            return held, group
        held.receive(piece)
        if held.frame.length is None:
            held.cost += len(piece.payload)
            self.cost += len(piece.payload)
        return held, group

    @property
    def oldest(self) -> FrameGroup | None:
        """The group whose frame is to be given out next."""
        return self._queue[0][1] if self._queue else None

    def unsettled(self) -> Iterable[FrameGroup]:
        """The groups of which it is not known what is written, in order."""
        return dict.fromkeys(group for _, group in self._queue if not group.settled)

    def keep(self, group: FrameGroup) -> None:
        """Write the group as it came, or overwritten."""
        group.settled = True
        for held in group.frames:
            self._let_go(held, group)
        self.flush()

    def flush(self) -> None:
        """Give out what can be, in order."""
        while self._queue and (out := self._queue[0][0].out) is not None:
            held = self._queue[0][0]
            self._out.append(out)
            held.out = b""
            held.written += len(out)
            self.settled = held.frame.offset + held.size
            if not held.complete:
                return
            self._queue.popleft()
            self.cost -= held.cost
            start, self._written = self._written, self._written + held.written
            if held.written != held.size:
                self._on_move(Moved(held.frame.offset, self.settled, start, self._written))

    def put(self, data: bytes, received: int) -> None:
        """Give out `data` in place of `received` bytes that are no frame. Nothing may wait before them."""
        self._out.append(data)
        self._written += len(data)
        self.settled += received

    def take(self) -> bytes:
        """What was given out since the last call."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _group_of(self, frame: Frame) -> FrameGroup:
        """The message the frame belongs to, just as `MessageAssembler` sees it."""
        if frame.is_control:
            return FrameGroup(frame)
        group = self._open
        if group is None or (frame.opcode and frame.opcode != group.opcode):
            group = self.messages[frame.offset] = FrameGroup(frame)
        if not frame.fin and group.opcode:
            self._open = group
        elif group is self._open:
            self._open = None
        return group

    def _let_go(self, held: HeldFrame, group: FrameGroup) -> None:
        if group.overwrites:
            held.out = held.as_overwritten(inflated=self._inflated)
        else:
            held.out = held.as_received()
        self.cost -= held.cost
        held.cost = 0
        held.data = b""
