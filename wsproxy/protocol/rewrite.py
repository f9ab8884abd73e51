"""One side's messages written anew where somebody changes them; everything else as it was received.

Source: RFC 6455 sections 5.2 to 5.4; RFC 7692 section 7.2.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import RSV1, Frame, FramePiece, OpaqueData, Side, WireEvent
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.masking import apply_mask
from wsproxy.protocol.message import MESSAGE_LIMIT, Message, MessageAssembler
from wsproxy.protocol.overwrite import cut_short, overwritten, unreadable_size
from wsproxy.protocol.reframe import Deflater, HeldFrame, fitting, split_changed

type Change = Callable[[Message], bytes | None]
"""What a message (or a control frame, as a message of its opcode) is to say instead; None: what it says."""

_UNREADABLE = re.compile(
    "^unfinished|; unfinished|cannot be inflated|what could be inflated|may be wrong|no compression was"
)
_MOST_CONTROL = 125


class Moved(NamedTuple):
    """Bytes `start` to `end` of the stream received are bytes `new_start` to `new_end` of that written."""

    start: int
    end: int
    new_start: int
    new_end: int


class _Group:
    """The frames of one message, or one control frame; `settled` once it is known what is written."""

    __slots__ = ("control", "frames", "opcode", "overwrites", "settled")

    def __init__(self, frame: Frame) -> None:
        self.opcode = frame.opcode
        self.control = frame.is_control
        self.frames: list[HeldFrame] = []
        self.settled = False
        self.overwrites = False


class MessageRewriter:
    """Takes what one side sent after its opening handshake, and gives the bytes to be written instead.

    `change` is asked about each message, decompressed, and each control frame, once it is complete. One that
    it changes keeps opcode, masking keys, RSV bits and its frames: the frames before and behind the change as
    they were, cuts within it moved in proportion. A length is written in the form it had if that is long
    enough. A compressed message is compressed again, within `deflate`, which is what was agreed on; and so
    are, with context takeover, all compressed messages after it, which refer to it. All other bytes are
    those received, in the order received.

    A message is held until it is complete, which takes at most `limit` bytes for all that is held (each frame
    counts 64 bytes more). What cannot be looked at, because it is larger, is unfinished, cannot be inflated,
    or is opaque, is written as received, and then what comes behind it compressed may make no sense to a
    receiver if something in front of it was changed. With `overwrite`, its payload data is overwritten
    instead, in frames of the same size, not compressed; frame headers stay. `on_move` is told of everything
    that is longer or shorter than it was.

    What comes out, all in all, does not depend on how the stream was cut. `settled` counts the bytes of the
    stream received for which it is known what is written. No event makes it raise.
    """

    def __init__(
        self,
        change: Change,
        side: Side,
        *,
        deflate: DeflateParameters | None = None,
        dialect: Dialect = RFC6455,
        limit: int = MESSAGE_LIMIT,
        overwrite: bool = False,
        on_move: Callable[[Moved], None] = lambda moved: None,
    ) -> None:
        inflater = None if deflate is None else deflate.inflater(side, output_limit=limit)
        self._assembler = MessageAssembler(inflater, message_limit=limit)
        self._deflater = None if deflate is None else Deflater(side, deflate)
        # Where RSV1 is in a header is known only of these dialects.
        self._inflates = deflate is not None and dialect.layouts is not None
        self._change = change
        self._dialect = dialect
        self._limit = limit
        self._overwrite = overwrite
        self._on_move = on_move
        self._queue: deque[tuple[HeldFrame, _Group]] = deque()
        self._cost = 0
        self._open: _Group | None = None
        self._groups: dict[int, _Group] = {}
        self._out: list[bytes] = []
        self._opaque = 0
        self._changed = self._changed_compressed = self._odd = False
        self.settled = 0
        self._written = 0

    def receive(self, event: WireEvent) -> bytes:
        """What is to be written, now that this has come; often nothing yet."""
        message = self._assembler.receive(event)
        if isinstance(event, OpaqueData):
            self._end()
            if event.between_frames:
                self._put(event.data, len(event.data))
            else:
                self._pass_opaque(event)
            return self._take()
        held, group = self._begin(event) if isinstance(event, Frame) else self._continue(event)
        while self._cost > self._limit and self._queue and not self._queue[0][1].settled:
            self._give_up(self._queue[0][1])
        if group.control and held.complete and not group.settled:
            self._settle_control(group)
        if message is not None:
            self._settle_message(message)
        self._flush()
        return self._take()

    def receive_eof(self, pending: bytes = b"") -> bytes:
        """What is still to be written, now that the stream has ended. `pending` is what came of a frame."""
        for message in self._assembler.receive_eof():
            self._settle_message(message)
        self._end()
        self._put(cut_short(pending, self._dialect) if self._overwrite else pending, len(pending))
        return self._take()

    def _begin(self, frame: Frame) -> tuple[HeldFrame, _Group]:
        group, held = self._group_of(frame), HeldFrame(frame)
        group.frames.append(held)
        self._queue.append((held, group))
        self._cost += held.cost
        if group.settled:
            self._let_go(held, group)
        return held, group

    def _continue(self, piece: FramePiece) -> tuple[HeldFrame, _Group]:
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
            self._cost += len(piece.payload)
        return held, group

    def _group_of(self, frame: Frame) -> _Group:
        """The message the frame belongs to, just as `MessageAssembler` sees it."""
        if frame.is_control:
            return _Group(frame)
        group = self._open
        if group is None or (frame.opcode and frame.opcode != group.opcode):
            group = self._groups[frame.offset] = _Group(frame)
        if not frame.fin and group.opcode:
            self._open = group
        elif group is self._open:
            self._open = None
        return group

    def _settle_control(self, group: _Group) -> None:
        held = group.frames[0]
        frame, payload = held.frame, bytes(held.data)
        if frame.rsv & RSV1 and self._overwrite:
            self._give_up(group)
            return
        end = frame.offset + held.size
        changed = self._change(Message(frame.opcode, payload, len(payload), 1, False, frame.offset, end))
        group.settled = True
        if changed is None or changed == payload:
            held.out = held.as_received()
            return
        changed = fitting(frame.opcode, changed, max(_MOST_CONTROL, len(payload)))
        self._write(group, [(changed, frame.rsv)])

    def _settle_message(self, message: Message) -> None:
        group = self._groups.pop(message.start_offset)
        self._odd |= message.compressed and message.error is not None
        if group.settled:
            return
        if message.truncated or (message.error and _UNREADABLE.search(message.error)):
            self._give_up(group)
            return
        payload = self._change(message)
        if payload is None or payload == message.payload:
            if not (message.compressed and self._stale):
                self._keep(group)
                return
            payload = message.payload
        else:
            self._note_change(compressed=message.compressed)
        group.settled = True
        self._write(group, self._new_fragments(group, message, payload))

    def _new_fragments(self, group: _Group, message: Message, payload: bytes) -> list[tuple[bytes, int]]:
        """The payload data of each frame, and its RSV bits."""
        sizes = [len(held.data) for held in group.frames]
        if message.compressed and self._deflater is not None:
            fragments = self._deflater.fragments(payload, sizes)
            return [
                (data, held.frame.rsv | RSV1 if rsv1 else held.frame.rsv & ~RSV1)
                for held, (data, rsv1) in zip(group.frames, fragments, strict=True)
            ]
        parts = split_changed(message.payload, payload, sizes)
        return [(part, held.frame.rsv) for held, part in zip(group.frames, parts, strict=True)]

    def _write(self, group: _Group, fragments: list[tuple[bytes, int]]) -> None:
        try:
            for held, (data, rsv) in zip(group.frames, fragments, strict=True):
                held.out = held.rewritten(data, rsv, self._dialect)
        except UsageError:
            # A dialect for reading only cannot say how long it is now.
            if self._deflater is not None:
                self._deflater.reset()
            self._give_up(group)

    @property
    def _stale(self) -> bool:
        """Whether a compressed message may refer to something that was not written as it was received."""
        if self._deflater is not None and self._deflater.takeover and self._changed_compressed:
            return True
        return self._changed and self._odd

    def _note_change(self, *, compressed: bool) -> None:
        self._changed = True
        self._changed_compressed |= compressed

    def _give_up(self, group: _Group) -> None:
        """Write what nobody can look at."""
        if self._overwrite:
            group.overwrites = True
            self._note_change(compressed=any(held.frame.rsv & RSV1 for held in group.frames))
        self._keep(group)

    def _keep(self, group: _Group) -> None:
        group.settled = True
        for held in group.frames:
            self._let_go(held, group)
        self._flush()

    def _let_go(self, held: HeldFrame, group: _Group) -> None:
        if group.overwrites:
            held.out = held.as_overwritten(inflated=self._inflates)
        else:
            held.out = held.as_received()
        self._cost -= held.cost
        held.cost = 0
        held.data = b""

    def _flush(self) -> None:
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
            self._cost -= held.cost
            start, self._written = self._written, self._written + held.written
            if held.written != held.size:
                self._on_move(Moved(held.frame.offset, self.settled, start, self._written))

    def _end(self) -> None:
        """Give out what there is: nothing more of it will come."""
        for _, group in tuple(self._queue):
            if not group.settled:
                self._give_up(group)
        self._flush()

    def _pass_opaque(self, event: OpaqueData) -> None:
        data = event.data
        if self._overwrite:
            keep = 0 if self._opaque else unreadable_size(data, self._dialect)
            data = data[:keep] + overwritten(len(data) - keep, self._opaque + keep)
        self._opaque += len(data)
        self._put(data, len(data))

    def _put(self, data: bytes, received: int) -> None:
        self._out.append(data)
        self._written += len(data)
        self.settled += received

    def _take(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out


class StreamRewriter:
    """A `MessageRewriter` for a stream: chunks in, bytes out. `rewriter` does the work."""

    def __init__(self, rewriter: MessageRewriter, dialect: Dialect = RFC6455) -> None:
        self.rewriter = rewriter
        self._decoder = FrameDecoder(dialect)

    def receive_data(self, data: bytes) -> bytes:
        """What is to be written, now that these bytes have come."""
        return b"".join(map(self.rewriter.receive, self._decoder.receive_data(data)))

    def receive_eof(self) -> bytes:
        """What is still to be written, now that the stream has ended."""
        return self.rewriter.receive_eof(self._decoder.pending)
