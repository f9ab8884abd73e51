"""Data frames put in the order a strict receiver takes them.

Source: RFC 6455 section 5.4.
"""

from collections.abc import Callable

from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.large_frame import NOT_UTF8, DroppedFrame, LargeFrame
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_close import INVALID_DATA
from wsproxy.conformance.repairs_frames import FrameRepairs
from wsproxy.conformance.repairs_messages import retyped
from wsproxy.conformance.utf8_stream import Utf8Stream, is_readable
from wsproxy.protocol.frame import RSV1, Frame, FramePiece
from wsproxy.protocol.opcodes import Opcode

ORPHAN, INTERRUPTED = "message.orphan-continuation", "message.interrupted"
CONTROL_FRAGMENT = "control.fragmented"

type Fail = Callable[[int, bytes, int, tuple[str, ...]], None]
"""End the session towards the receiver: close code, reason, up to where the stream goes no further, rules."""


class Sequence:
    """Takes data frames one by one, mends what each is by itself, and gives them to the outlet.

    `last_opcode` is that of the last message begun, None before the first; `dropping` says that the fragments
    of a message are dropped with its first one; `promoted`, that the one under way began as an orphan.
    """

    __slots__ = (
        "_conditions",
        "_deferred",
        "_deferred_size",
        "_fail",
        "_hold_limit",
        "_large",
        "_outlet",
        "_repairs",
        "_tail_at",
        "_watches_text",
        "dropping",
        "last_opcode",
        "promoted",
    )

    def __init__(self, conditions: Conditions, repairs: FrameRepairs, outlet: Outlet, fail: Fail) -> None:
        self._conditions = conditions
        self._repairs = repairs
        self._outlet = outlet
        self._fail = fail
        self._watches_text = conditions.repairs(NOT_UTF8)
        self._hold_limit: int = conditions.sent_by("hold_limit")
        self._large: LargeFrame | DroppedFrame | None = None
        self._deferred: list[bytes] = []
        self._deferred_size = 0
        self._tail_at = -1
        self.promoted = False
        self.dropping = False
        self.last_opcode: int | None = None

    @property
    def defers(self) -> bool:
        """Whether messages wait for the one under way to end."""
        return bool(self._deferred)

    @property
    def under_way(self) -> bool:
        """Whether a frame or a message is unfinished."""
        return self._large is not None or self._outlet.open is not None or self.dropping

    def frame(self, frame: Frame, *, checked: bool = False) -> None:
        """A data frame, or the beginning of a large one; `checked` says its text needs no look."""
        draft = self._repairs.apply(Draft.of(frame))
        end = frame.end_so_far
        if draft.dropped:
            self.dropping = self.dropping or (not frame.fin and self._outlet.open is None)
            self._drop(draft, end)
        elif draft.opcode == Opcode.CONTINUATION:
            self._continuation(draft, end, checked=checked)
        else:
            self._beginning(draft, end, checked=checked)

    def control(self, frame: Frame) -> None:
        """A control frame goes by: without FIN, its peer may go on with it. RFC 6455 section 5.5."""
        self._tail_at = -1 if frame.fin else _end_of(frame)

    def piece(self, piece: FramePiece) -> None:
        """More of a large frame."""
        if self._large is not None:
            large, self._large = self._large, None if piece.last else self._large
            large.add(piece)
            if piece.last:
                self.send_deferred()

    def defer(self, end: int, data: bytes) -> None:
        """A whole message that came inside another one goes on behind it. Case G03."""
        self._outlet.track.drop(end, (INTERRUPTED,))
        self._deferred.append(data)
        self._deferred_size += len(data) + 256
        if self._deferred_size > self._hold_limit:
            self.finish()

    def finish(self) -> None:
        """End the message under way, and send what waits behind it."""
        if not self._outlet.mid_frame:
            self._outlet.finish_message()
            self.send_deferred()

    def send_deferred(self) -> None:
        """Send the messages that waited for the one under way, if it has ended."""
        if self._deferred and self._outlet.open is None:
            deferred, self._deferred, self._deferred_size = self._deferred, [], 0
            self._outlet.track.inject(b"".join(deferred), (INTERRUPTED,))

    def _continuation(self, draft: Draft, end: int, *, checked: bool) -> None:
        if self.dropping:
            draft.rules.append("frame.reserved-opcode")
            self.dropping = not draft.fin
            self._drop(draft, end)
        elif self._outlet.open is not None:
            self._go_on(draft, end, checked=checked)
        elif draft.frame.offset == self._tail_at and self._conditions.repairs(CONTROL_FRAGMENT):
            draft.rules.append(CONTROL_FRAGMENT)
            self.control(draft.frame)
            self._drop(draft, end)
        elif self._conditions.repairs(ORPHAN):
            self._orphan(draft, end)
        else:
            self._go_on(draft, end, checked=checked)

    def _orphan(self, draft: Draft, end: int) -> None:
        """A fragment of nothing becomes a message like the last one, or begins one. Cases G09 G15 G17."""
        draft.rules.append(ORPHAN)
        if draft.frame.length == 0:
            self._drop(draft, end)
            return
        draft.opcode, draft.rsv = self._opcode_of_orphan(draft), draft.rsv & ~RSV1
        self._begin(draft, end, checked=False)
        self.promoted = not draft.fin

    def _opcode_of_orphan(self, draft: Draft) -> int:
        """That of the last message; before the first one, text is what reads as such."""
        if self.last_opcode is not None:
            return self.last_opcode
        whole = draft.fin and draft.frame.complete
        return Opcode.TEXT if is_readable(draft.payload, whole=whole) else Opcode.BINARY

    def _beginning(self, draft: Draft, end: int, *, checked: bool) -> None:
        self.dropping = False
        if self._outlet.open is None or not self._conditions.repairs(INTERRUPTED):
            self._begin(draft, end, checked=checked)
        elif draft.opcode == self._outlet.open:
            # A fragment that repeats its message's opcode. Cases G11 O02.
            draft.opcode, draft.rsv = Opcode.CONTINUATION, draft.rsv & ~RSV1
            draft.rules.append(INTERRUPTED)
            self._go_on(draft, end, checked=checked)
        else:
            self.finish()
            self._begin(draft, end, checked=checked)

    def _begin(self, draft: Draft, end: int, *, checked: bool) -> None:
        """The first frame of a message."""
        self.promoted = False
        rule_id = "message.wrong-opcode"
        if not checked and draft.opcode == Opcode.TEXT and self._conditions.repairs(rule_id):
            draft.opcode = retyped(draft.opcode, self._conditions)
            draft.rules += [rule_id] if draft.opcode != Opcode.TEXT else []
        self.last_opcode = draft.opcode
        self.watch_text(draft.opcode if not checked and not draft.rsv & RSV1 else Opcode.BINARY)
        self._go_on(draft, end, checked=checked)

    def watch_text(self, opcode: int) -> None:
        """A message of this opcode begins: if it is text, look at it as it goes on."""
        watched = self._watches_text and opcode == Opcode.TEXT
        self._outlet.text = Utf8Stream() if watched else None

    def _go_on(self, draft: Draft, end: int, *, checked: bool) -> None:
        if not draft.frame.complete:
            self._large = LargeFrame(draft, self._outlet)
        else:
            self.put(draft, end, checked=checked)

    def put(self, draft: Draft, end: int, *, checked: bool = False) -> None:
        """Payload data that is there goes on as this frame; its text may be mended."""
        text = self._outlet.text
        begun = text.begun if text is not None else b""
        mended = text.whole(draft.payload, last=draft.fin) if text is not None and not checked else None
        if text is not None and mended is not None:
            draft.rules.append(NOT_UTF8)
            if self._conditions.sent_by("utf8") == "close":
                text.begun = begun
                self._fail(INVALID_DATA, b"", end, tuple(draft.rules))
                return
            draft.payload = mended
        self._outlet.data(draft, end)
        self.send_deferred()

    def _drop(self, draft: Draft, end: int) -> None:
        if draft.frame.complete:
            self._outlet.track.drop(end, draft.rules)
        else:
            self._large = DroppedFrame(draft, self._outlet)


def _end_of(frame: Frame) -> int:
    """Where the next frame begins."""
    return frame.offset + len(frame.header) + (frame.length or 0) + len(frame.trailer)
