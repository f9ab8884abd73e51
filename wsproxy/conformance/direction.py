"""One side's stream on its way to the other: bytes in, `Outgoing` out.

Source: RFC 6455 sections 5 and 7.
"""

from wsproxy.conformance.as_meant import AsMeant
from wsproxy.conformance.checks_frames import opaque_rule
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.control_frames import ControlFrames
from wsproxy.conformance.data_frames import DataFrames
from wsproxy.conformance.ending import Ending
from wsproxy.conformance.frame_starts import FrameStarts
from wsproxy.conformance.frame_writer import FrameWriter
from wsproxy.conformance.keepalive import Pings
from wsproxy.conformance.outgoing import Outgoing, Track
from wsproxy.conformance.outlet import new_outlet
from wsproxy.conformance.repairs_close import INTERNAL_ERROR
from wsproxy.conformance.repairs_frames import FrameRepairs
from wsproxy.conformance.torn import Torn
from wsproxy.conformance.utf8_stream import is_utf8
from wsproxy.conformance.verdicts import Verdicts
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, WireEvent
from wsproxy.protocol.opcodes import Opcode


class Direction:
    """What `conditions.side` sends. Introduce it to the other direction before any data.

    `ending` is how that ends; `data` takes its messages, `outlet` is their way out.
    """

    def __init__(
        self,
        conditions: Conditions,
        writer: FrameWriter,
        out: list[Outgoing],
        pings: Pings,
        *,
        dialect: Dialect,
        piece_limit: int,
        apart: bool = False,
    ) -> None:
        self._guessed_ns: int | None = None
        self.pings = pings
        self._back: Direction | None = None
        self._opaque_rule: str | None = None
        self._conditions = conditions
        self._piece_limit = piece_limit
        self._received = 0
        self._track = Track(conditions.side, out, apart=apart)
        self.outlet = new_outlet(self._track, writer, conditions)
        self.ending = Ending(conditions, self._track, self.outlet)
        repairs = FrameRepairs(conditions)
        self.data = DataFrames(conditions, repairs, self.outlet, self)
        self._control = ControlFrames(repairs, self.outlet, pings, self.ending)
        self._verdicts = Verdicts(conditions, dialect, self.data.messages)
        self._starts = FrameStarts(
            conditions, dialect, piece_limit, self.data, self.outlet, self.ending, self._verdicts
        )
        self._as_meant = AsMeant(conditions)
        self._heartbeats = conditions.heartbeats
        self.torn = Torn(conditions, self.data, self.outlet, apart=apart)

    def introduce(self, back: "Direction") -> None:
        """What comes the other way is `back`'s."""
        self._back = back
        self._control.others = back.pings
        self._control.back = back.outlet
        self.ending.introduce(back.ending, self.data)

    def receive(self, data: bytes, at_ns: int) -> None:
        """The next bytes of the stream."""
        self.ending.at_ns = self.pings.heard_ns = at_ns
        decoder = self._starts.decoder
        at_rest = self.ending.swallows is None and decoder.at_boundary and self.data.plain
        if at_rest and self._verdicts.takes(data, self._piece_limit):
            self._received += len(data)
            decoder.offset = self._received
            self._track.relay_now(data)
            self.data.sequence.last_opcode = data[0] & 0xF
            return
        pending, position = decoder.pending, self._received
        self._received += len(data)
        self._run(pending + data if pending else data, position - len(pending), position)

    def skip(self, size: int, rules: tuple[str, ...]) -> None:
        """What comes next, before the first frame, does not go on."""
        self._received += size
        self._starts.decoder.offset = self._received
        self._track.drop(self._received, rules)

    def _run(self, window: bytes, base: int, position: int) -> None:
        """Decode the window, whose first byte is the stream's byte `base`, from `position` on."""
        starts = self._starts
        self._track.show(window, base)
        while position < self._received and self.ending.swallows is None:
            resume = self._decode(window, base, position)
            if resume is not None:
                position = resume
                continue
            stride = starts.stride
            position = position + stride if stride else self._received
            starts.stride = 2 * stride if 2 * stride < len(window) else 0
        if self.ending.swallows is not None:
            self._track.drop(self._received, self.ending.swallows)
        self._track.flush()
        if not starts.guesses.on:
            self.torn.look(starts.decoder, self.at_ns)

    def receive_eof(self, at_ns: int) -> None:
        """The stream ends."""
        ending = self.ending
        if ending.ended:
            return
        ending.at_ns = at_ns
        ending.ended = True
        if ending.swallows is not None or self.outlet.closed:
            self._drop_rest()
            return
        self.data.abandon()
        self._drop_rest()
        ending.receive_eof()

    def release(self) -> None:
        """Hold what is held no longer."""
        self.data.release()
        self._track.flush()

    def release_torn(self) -> None:
        """Wait no longer for the rest of a frame: what has come of it goes on."""
        self.torn.due_ns = None
        pending, base = self._at_hand()
        for event in self._starts.decoder.release():
            resume = self._event(event, pending, base)
            self._run(pending, base, self._received if resume is None else resume)

    def guess_late(self, at_ns: int) -> None:
        """Nothing has come for a while: make what can be made of the beginning of a frame."""
        self.ending.at_ns, self._guessed_ns = at_ns, self.pings.heard_ns
        pending, base = self._at_hand()
        position = self._starts.guess(pending, base, late=True)
        if position is not None:
            self._run(pending, base, position)
        self._track.flush()

    def control(self, frame: Frame, known: int) -> None:
        """A control frame that waited behind a held message goes on."""
        if not self.outlet.closed:
            self._control.frame(frame, known)

    @property
    def at_ns(self) -> int:
        """The time of what is being received."""
        return self.ending.at_ns

    def fail(self, code: int, reason: bytes, end: int, rules: tuple[str, ...]) -> None:
        """End the session towards the receiver; what follows up to `end`, and behind it, does not go on."""
        self.ending.fail(code, reason, end, rules)

    def heartbeat(self, payload: bytes) -> bool:
        """Whether a message is a heartbeat; then it is answered. Cases V01 V02 P25 P27."""
        answer = self._heartbeats.get(payload)
        if answer and self._back is not None:
            self._back.send_text(answer)
        return answer is not None

    def send_text(self, payload: bytes) -> None:
        """Send a text message of our own, unless another is under way."""
        outlet = self.outlet
        if not (outlet.closed or outlet.mid_frame or self.data.under_way):
            frame = outlet.writer.frame(Opcode.TEXT, payload, key=outlet.writer.key())
            self._track.inject(frame, ("keepalive.heartbeat",))

    def _decode(self, window: bytes, base: int, position: int) -> int | None:
        """Decode the next stretch of the window; where to go on instead, if bytes in it are no frame."""
        start, starts = position - base, self._starts
        stretch = window[start : start + (starts.stride or len(window))]
        find, sequence, alone = self._verdicts, self.data.sequence, self.data.plain
        for event in starts.decoder.receive_data(stretch):
            if alone and type(event) is Frame:
                offset, header, _, _, opcode, _, length, payload, _ = event
                least, most, is_text = find[header[:2]]
                if (
                    length is not None
                    and least <= length <= most
                    and length == len(payload)
                    and (not is_text or payload.isascii() or is_utf8(payload))
                ):
                    sequence.last_opcode = opcode
                    self._track.relay(offset + len(header) + length)
                    continue
            resume = self._event(event, window, base)
            if resume is not None or self.ending.swallows is not None:
                return resume
            alone = self.data.plain
        return starts.look_ahead(window, base)

    def _event(self, event: WireEvent, window: bytes, base: int) -> int | None:
        if isinstance(event, FramePiece):
            taker = self._control if self._control.under_way else self.data
            taker.piece(event)
            return None
        resume = self._starts.look(event, window, base)
        if resume is not None:
            return resume
        if isinstance(event, OpaqueData):
            self._opaque(event)
            return None
        frame = self._as_meant.read(event) if self._as_meant.on else event
        if frame.opcode < 0x8:
            self.data.frame(frame)
        elif not self.data.waits(frame, self.pings.count):
            self._control.frame(frame, self.pings.count)
        return None

    def _opaque(self, event: OpaqueData) -> None:
        """No frames can be told apart any more: there is nothing a strict receiver could take."""
        end = event.offset + len(event.data)
        rule_id = self._opaque_rule = self._opaque_rule or opaque_rule(event)
        if self._conditions.repairs(rule_id):
            self.fail(INTERNAL_ERROR, event.reason.encode(), end, (rule_id,))
        else:
            self.data.abandon()
            self.outlet.mid_frame = True
            self._track.relay(end)

    @property
    def guess_due_from_ns(self) -> int | None:
        """Since when a frame that may have a wrong length waits for more; None: there is none."""
        starts = self._starts
        if not starts.guesses.waits or not starts.decoder.pending or self._guessed_ns == self.pings.heard_ns:
            return None
        return self.pings.heard_ns

    def _at_hand(self) -> tuple[bytes, int]:
        """The beginning of a frame that has come, and where in the stream it begins."""
        pending = self._starts.decoder.pending
        base = self._received - len(pending)
        self._track.show(pending, base)
        return pending, base

    def _drop_rest(self) -> None:
        """A frame cut short by the end of the stream does not go on, if none of it has."""
        pending, _ = self._at_hand()
        if self._conditions.repairs("stream.cut-short") or not self._track.holds(self._track.end):
            self._track.drop(self._received, ("stream.cut-short",))
        elif pending:
            self._track.relay(self._received)
            self.outlet.mid_frame = True
        self._track.flush()
