"""One side's messages written anew where somebody changes them; everything else as it was received.

Source: RFC 6455 sections 5.2 to 5.4; RFC 7692 section 7.2.
"""

import re
from collections.abc import Callable

from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import RSV1, Frame, OpaqueData, Side, WireEvent
from wsproxy.protocol.frame_queue import FrameGroup, FrameQueue, Moved
from wsproxy.protocol.gaps import Gaps
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.message import MESSAGE_LIMIT, Message, MessageAssembler
from wsproxy.protocol.overwrite import cut_short, overwritten, unreadable_size
from wsproxy.protocol.reframe import Deflater, fitting, split_changed

type Change = Callable[[Message], bytes | None]
"""What a message (or a control frame, as a message of its opcode) is to say instead; None: what it says."""

_UNREADABLE = re.compile(
    "^unfinished|; unfinished|cannot be inflated|what could be inflated|may be wrong|no compression was"
)
_MOST_CONTROL = 125


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

    What comes out, all in all, does not depend on how the stream was cut. No event makes it raise.
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
        self._change = change
        self._dialect = dialect
        self._limit = limit
        self._overwrite = overwrite
        # Where RSV1 is in a header is known only of these dialects.
        self._queue = FrameQueue(on_move, inflated=deflate is not None and dialect.layouts is not None)
        self._opaque = 0
        self._changed = self._changed_compressed = self._odd = False

    @property
    def settled(self) -> int:
        """For how many bytes of the stream received it is known what is written."""
        return self._queue.settled

    def receive(self, event: WireEvent) -> bytes:
        """What is to be written, now that this has come; often nothing yet."""
        message, queue = self._assembler.receive(event), self._queue
        if isinstance(event, OpaqueData):
            self._end()
            if event.between_frames:
                queue.put(event.data, len(event.data))
            else:
                self._pass_opaque(event)
            return queue.take()
        held, group = queue.begin(event) if isinstance(event, Frame) else queue.go_on(event)
        while queue.cost > self._limit and (oldest := queue.oldest) is not None and not oldest.settled:
            self._give_up(oldest)
        if group.control and held.complete and not group.settled:
            self._settle_control(group)
        if message is not None:
            self._settle_message(message)
        queue.flush()
        return queue.take()

    def receive_eof(self, pending: bytes = b"") -> bytes:
        """What is still to be written, now that the stream has ended. `pending` is what came of a frame."""
        for message in self._assembler.receive_eof():
            self._settle_message(message)
        self._end()
        self._queue.put(cut_short(pending, self._dialect) if self._overwrite else pending, len(pending))
        return self._queue.take()

    def _settle_control(self, group: FrameGroup) -> None:
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
        group = self._queue.messages.pop(message.start_offset)
        self._odd |= message.compressed and message.error is not None
        if group.settled:
            return
        if message.truncated or (message.error and _UNREADABLE.search(message.error)):
            self._give_up(group)
            return
        payload = self._change(message)
        if payload is None or payload == message.payload:
            if not (message.compressed and self._stale):
                self._queue.keep(group)
                return
            payload = message.payload
        else:
            self._note_change(compressed=message.compressed)
        group.settled = True
        self._write(group, self._new_fragments(group, message, payload))

    def _new_fragments(self, group: FrameGroup, message: Message, payload: bytes) -> list[tuple[bytes, int]]:
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

    def _write(self, group: FrameGroup, fragments: list[tuple[bytes, int]]) -> None:
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

    def _give_up(self, group: FrameGroup) -> None:
        """Write what nobody can look at."""
        if self._overwrite:
            group.overwrites = True
            self._note_change(compressed=any(held.frame.rsv & RSV1 for held in group.frames))
        self._queue.keep(group)

    def _end(self) -> None:
        """Give out what there is: nothing more of it will come."""
        for group in self._queue.unsettled():
            self._give_up(group)
        self._queue.flush()

    def _pass_opaque(self, event: OpaqueData) -> None:
        data = event.data
        if self._overwrite:
            keep = 0 if self._opaque else unreadable_size(data, self._dialect)
            data = data[:keep] + overwritten(len(data) - keep, self._opaque + keep)
        self._opaque += len(data)
        self._queue.put(data, len(data))


class StreamRewriter:
    """A `MessageRewriter` for a stream: chunks in, bytes out. `rewriter` does the work."""

    def __init__(self, rewriter: MessageRewriter, dialect: Dialect = RFC6455) -> None:
        self.rewriter = rewriter
        self._decoder = FrameDecoder(dialect)
        self._gaps = Gaps()

    def leave_out(self, start: int, end: int, rule_id: str) -> None:
        """These bytes, not received yet, are no frames, for that rule: frames go on behind them."""
        self._gaps.add(start, end, rule_id)

    def receive_data(self, data: bytes) -> bytes:
        """What is to be written, now that these bytes have come."""
        decoder, gaps = self._decoder, self._gaps
        events = gaps.decode(decoder, data) if gaps else decoder.receive_data(data)
        return b"".join(map(self.rewriter.receive, events))

    def receive_eof(self) -> bytes:
        """What is still to be written, now that the stream has ended."""
        return self.rewriter.receive_eof(self._decoder.pending)
