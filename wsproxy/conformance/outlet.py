"""What one peer has been sent so far, and what can be sent next without breaking a rule towards it."""

from collections.abc import Sequence

from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.frame_writer import FrameWriter
from wsproxy.conformance.outgoing import Track
from wsproxy.conformance.utf8_stream import Utf8Stream, completion
from wsproxy.protocol.frame import RSV1
from wsproxy.protocol.opcodes import Opcode

_MOST_WAITING = 64
_FIRST_CONTROL = 0x8


class Outlet:
    """The way out to one peer: keeps frames whole, fragments together, and control frames where they may be.

    `open` is the opcode of the message under way, `text` its text if that is watched; `mid_frame` says that a
    frame is under way, so nothing else may be sent; `closed`, that a Close frame was sent and nothing may be.
    `no_control_inside` and `frame_limit` are what the peer cannot take (0: no limit); `finishes` says that a
    message is finished before the next one. `hangs_up` says that the connection to the peer is to be dropped
    in place of a Close frame, if `drops_at_close`.
    """

    __slots__ = (
        "_drops_at_close",
        "_finishes",
        "_frame_limit",
        "_no_control_inside",
        "_put_in",
        "_waiting",
        "closed",
        "hangs_up",
        "mid_frame",
        "open",
        "text",
        "track",
        "writer",
    )

    def __init__(
        self,
        track: Track,
        writer: FrameWriter,
        *,
        no_control_inside: bool = False,
        frame_limit: int = 0,
        finishes: bool = True,
        drops_at_close: bool = False,
    ) -> None:
        self.track = track
        self.writer = writer
        self.open: int | None = None
        self.text: Utf8Stream | None = None
        self.mid_frame = False
        self.closed = False
        self.hangs_up = False
        self._drops_at_close = drops_at_close
        self._finishes = finishes
        self._no_control_inside = no_control_inside
        self._frame_limit = frame_limit
        self._put_in: list[tuple[int, bytes]] = []
        self._waiting: list[tuple[int, bytes, tuple[str, ...]]] = []

    @property
    def frame_limit(self) -> int:
        """Bytes of payload data the peer takes in a frame, 0 for any."""
        return self._frame_limit

    def data(self, draft: Draft, end: int) -> None:
        """A complete data frame goes on."""
        if self._frame_limit and len(draft.payload) > self._frame_limit:
            draft.rules.append("frame.too-large")
            self.track.replace(end, self.fragments(draft), draft.rules)
        else:
            self._write(draft, end)
        self.ended(draft.opcode, draft.fin)

    def ended(self, opcode: int, fin: bool) -> None:
        """A data frame that goes on has ended."""
        self.mid_frame = False
        if fin:
            self.open = self.text = None
        elif opcode:
            self.open = opcode
        self._send_waiting()

    def control(self, draft: Draft, end: int) -> None:
        """A complete control frame goes on, now or after the message under way; a Close is the last frame."""
        if draft.opcode == Opcode.CLOSE:
            if self._drops_at_close:
                self._hang_up(end, draft.rules)
            else:
                self._write(draft, end)
            self.closed = True
        elif self._must_wait:
            self.track.drop(end, (*draft.rules, "control.inside-message"))
            self._wait(draft.opcode, draft.payload, ("control.inside-message",))
        else:
            self._write(draft, end)

    def inject(self, opcode: int, payload: bytes, rules: Sequence[str]) -> None:
        """A control frame of our own, as soon as it may be sent."""
        if self.closed:
            return
        if self.mid_frame or self._must_wait:
            self._wait(opcode, payload, tuple(rules))
        else:
            self.track.inject(self.writer.frame(opcode, payload, key=self.writer.key()), rules)

    def put_in(self, opcode: int, payload: bytes) -> bool:
        """A frame that no peer sent and no rule asks for, between two messages; False if too many wait."""
        if opcode >= _FIRST_CONTROL:
            self.inject(opcode, payload, ())
        elif self.mid_frame or self.open is not None:
            if len(self._put_in) >= _MOST_WAITING:
                return False
            self._put_in.append((opcode, payload))
        else:
            self._write_new(opcode, payload)
        return True

    @property
    def never_put_in(self) -> int:
        """How many such frames still wait."""
        return len(self._put_in)

    def close(self, payload: bytes, rules: Sequence[str]) -> bool:
        """A Close frame of our own, the last thing sent; False if a frame is under way: no Close fits.

        An unfinished message fits (RFC 6455 section 5.4): its receiver drops it.
        """
        if self.mid_frame or self.closed:
            return False
        if self._drops_at_close:
            self._hang_up(self.track.end, rules)
        else:
            self.track.inject(self.writer.frame(Opcode.CLOSE, payload, key=self.writer.key()), rules)
        self.closed = True
        return True

    def finish_message(self) -> None:
        """End the message under way for the next one, if any. RFC 6455 section 5.4; cases G03 O02."""
        if self.open is None or not self._finishes:
            return
        begun = self.text.begun if self.text is not None else b""
        rest = completion(begun) if begun else b""
        frame = self.writer.frame(Opcode.CONTINUATION, rest, key=self.writer.key())
        self.track.inject(frame, ("message.unfinished",))
        self.ended(Opcode.CONTINUATION, True)

    def fragments(self, draft: Draft) -> bytes:
        """A frame as several, none larger than the peer takes. Cases L09 L14 S03 S05 S06 S07 S09."""
        limit = self._frame_limit or len(draft.payload) or 1
        starts = range(0, len(draft.payload), limit) or range(1)
        return b"".join(
            self.writer.frame(
                draft.opcode if start == 0 else Opcode.CONTINUATION,
                draft.payload[start : start + limit],
                fin=draft.fin and start + limit >= len(draft.payload),
                rsv=draft.rsv if start == 0 else draft.rsv & ~RSV1,
                key=draft.key if start == 0 or draft.key is None else self.writer.key(),
            )
            for start in starts
        )

    def _hang_up(self, end: int, rules: Sequence[str]) -> None:
        """For a peer that a Close makes stay away for good. RFC 6455 section 7.1.1; case E06."""
        self.track.drop(end, (*rules, "close.graceful"))
        self.hangs_up = True

    @property
    def _must_wait(self) -> bool:
        return self._no_control_inside and self.open is not None

    def _write_new(self, opcode: int, payload: bytes) -> None:
        limit = self._frame_limit or len(payload) or 1
        starts = range(0, len(payload), limit) or range(1)
        for start in starts:
            part, last = payload[start : start + limit], start + limit >= len(payload)
            code = opcode if start == 0 else Opcode.CONTINUATION
            self.track.inject(self.writer.frame(code, part, fin=last, key=self.writer.key()), ())

    def _write(self, draft: Draft, end: int) -> None:
        if draft.rules:
            data = self.writer.frame(draft.opcode, draft.payload, fin=draft.fin, rsv=draft.rsv, key=draft.key)
            self.track.replace(end, data, draft.rules)
        else:
            at_hand = self.track.holds(draft.frame.offset)
            self.track.relay(end, None if at_hand else draft.frame.serialize())

    def _wait(self, opcode: int, payload: bytes, rules: tuple[str, ...]) -> None:
        self._waiting.append((opcode, payload, rules))
        del self._waiting[:-_MOST_WAITING]

    def _send_waiting(self) -> None:
        if self._waiting and not self._must_wait:
            waiting, self._waiting = self._waiting, []
            for opcode, payload, rules in waiting:
                self.inject(opcode, payload, rules)
        if self._put_in and self.open is None and not self.closed:
            put_in, self._put_in = self._put_in, []
            for opcode, payload in put_in:
                self._write_new(opcode, payload)


def new_outlet(track: Track, writer: FrameWriter, conditions: Conditions) -> Outlet:
    """The way out for what one side sends."""
    inside = conditions.repairs("control.inside-message") and conditions.taken_by("no_control_inside")
    limit = conditions.taken_by("frame_limit") if conditions.repairs("frame.too-large") else 0
    finishes = conditions.repairs("message.unfinished")
    drops = conditions.repairs("close.graceful") and conditions.taken_by("drop_at_close")
    return Outlet(
        track,
        writer,
        no_control_inside=bool(inside),
        frame_limit=limit,
        finishes=finishes,
        drops_at_close=bool(drops),
    )
