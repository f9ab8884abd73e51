"""Messages of one side: held where a repair needs them whole, else passed on frame by frame.

Source: RFC 6455 sections 5.4 and 5.6.
"""

from typing import Protocol

from wsproxy.conformance.conditions import Conditions, Draft
from wsproxy.conformance.hold import HeldFrame, Hold
from wsproxy.conformance.inflating import InflatingMessage
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_close import INVALID_DATA, TOO_BIG
from wsproxy.conformance.repairs_frames import FrameRepairs
from wsproxy.conformance.repairs_messages import MessageDraft
from wsproxy.conformance.sequence import INTERRUPTED, Sequence
from wsproxy.conformance.whole_messages import MESSAGES, WholeMessages
from wsproxy.protocol.frame import RSV1, Frame, FramePiece
from wsproxy.protocol.opcodes import Opcode


class Owner(Protocol):
    """Who hands the data frames in, and does what is not a matter of one message."""

    @property
    def at_ns(self) -> int:
        """The time of what is being received."""

    def control(self, frame: Frame, known: int) -> None:
        """A control frame that waited behind a held message goes on; `known` is what `waits` was given."""

    def fail(self, code: int, reason: bytes, end: int, rules: tuple[str, ...]) -> None:
        """End the session towards the receiver; what follows up to `end` does not go on."""

    def heartbeat(self, payload: bytes) -> bool:
        """Whether this message is a heartbeat; then it is answered."""


class DataFrames:
    """Takes the data frames and pieces of one side.

    `hold` is the message held back, if any; `messages` mends whole ones, `sequence` takes what goes on.
    """

    __slots__ = (
        "_conditions",
        "_deferred_ns",
        "_hold_limit",
        "_inflating",
        "_outlet",
        "_owner",
        "_repairs",
        "hold",
        "messages",
        "sequence",
    )

    def __init__(self, conditions: Conditions, repairs: FrameRepairs, outlet: Outlet, owner: Owner) -> None:
        self._conditions = conditions
        self._outlet = outlet
        self._owner = owner
        self._repairs = repairs
        self.messages = WholeMessages(conditions, outlet, owner.heartbeat)
        self._hold_limit: int = conditions.sent_by("hold_limit")
        self._inflating: InflatingMessage | None = None
        self._deferred_ns = 0
        self.hold: Hold | None = None
        self.sequence = Sequence(conditions, repairs, outlet, owner.fail)

    @property
    def under_way(self) -> bool:
        """Whether a frame or a message is unfinished."""
        return self.hold is not None or self._inflating is not None or self.sequence.under_way

    @property
    def plain(self) -> bool:
        """Whether a message that is right by itself is right here."""
        return not self.under_way and not self.messages.carried

    @property
    def waits_since_ns(self) -> int | None:
        """Since when something waits for the rest of a message; None: nothing does."""
        if self.hold is not None:
            return self.hold.since_ns
        return self._deferred_ns if self.sequence.defers else None

    def frame(self, frame: Frame) -> None:
        """A data frame; of a large one, its beginning."""
        if self.hold is not None:
            self._add_to_hold(self.hold, frame)
        elif self._inflating is not None and frame.opcode in (0, self._inflating.opcode):
            self._inflate(self._inflating, frame)
        elif frame.opcode not in MESSAGES or (
            frame.opcode == self._interrupted and not self.sequence.promoted
        ):
            self.sequence.frame(frame)
        elif self._interrupted is None:
            self._begin(frame)
        elif frame.fin and frame.complete and not self.sequence.promoted:
            self._defer(frame)
        else:
            self._inflating = None
            self.sequence.finish()
            self._begin(frame)

    def piece(self, piece: FramePiece) -> None:
        """More of a large frame."""
        if self.hold is not None:
            self.hold.add_piece(piece)
            self._check_hold(self.hold)
        elif self._inflating is not None and self._inflating.mid_frame:
            self._inflate(self._inflating, piece)
        else:
            self.sequence.piece(piece)

    def waits(self, frame: Frame, known: int) -> bool:
        """Whether a control frame must wait behind a held message. A Close does not: it ends the message.

        `known` is kept with it: how many pings its sender had been sent when it came.
        """
        self.sequence.control(frame)
        if self.hold is None:
            return False
        if frame.opcode == Opcode.CLOSE:
            self.abandon()
            return False
        self.hold.add(frame, member=False, known=known)
        self._check_hold(self.hold)
        return True

    def abandon(self) -> None:
        """No more frames come: what is held unfinished does not go on.

        What has begun to go on stays unfinished: finished, it would look whole. RFC 6455 section 5.4 allows
        the Close that comes next. What was deferred until its end does not go on either.
        """
        if self.hold is not None and self.hold.json is not None:
            self.release()
        hold, self.hold = self.hold, None
        self._inflating = None
        for item in hold.items if hold is not None else ():
            if item.member or not item.complete:
                self._outlet.track.drop(item.end, ("message.unfinished",))
            else:
                self._again(item, item.frame)

    def release(self) -> None:
        """Hold no longer: what is held goes on as it came, if the receiver can make anything of it.

        Nor do whole messages wait any longer for one that goes no further: it ends here.
        """
        hold, self.hold = self.hold, None
        if hold is None:
            self._deferred_ns = self._owner.at_ns
            self.sequence.finish()
            return
        if hold.items[0].frame.rsv & RSV1 and self.messages.compression.agreed:
            inflater = self.messages.compression.stream()
            if inflater is None:
                self._owner.fail(TOO_BIG, b"", hold.items[-1].end, ("deflate.ended",))
                return
            self._inflating = InflatingMessage(hold.opcode, inflater, self.sequence, self._outlet.writer)
            self.sequence.watch_text(hold.opcode)
        for item in hold.items:
            if self._outlet.closed:
                return
            if item.member and self._inflating is not None:
                self._inflate(self._inflating, item.begun())
            elif item.member:
                self.sequence.frame(item.begun())
            else:
                self._again(item, item.begun())

    def _inflate(self, message: InflatingMessage, event: Frame | FramePiece) -> None:
        """More of a message that goes on inflated."""
        if isinstance(event, FramePiece):
            message.piece(event)
        else:
            message.frame(event)
        if message.ended:
            self._inflating = None
        if message.failed:
            self._owner.fail(INVALID_DATA, b"", message.end, ("deflate.damaged",))

    @property
    def _interrupted(self) -> int | None:
        """The opcode of the message that a new one would interrupt, if that is to be mended."""
        return self._outlet.open if self._conditions.repairs(INTERRUPTED) else None

    def _begin(self, frame: Frame) -> None:
        if self.messages.is_right(frame):
            self.sequence.frame(frame, checked=True)
        elif self.messages.wanted(frame):
            self.hold = Hold(frame, frame.opcode, self._owner.at_ns)
            self._check_hold(self.hold)
        else:
            self.sequence.frame(frame)

    def _defer(self, frame: Frame) -> None:
        """A whole message inside another one goes on behind it."""
        if not self.sequence.defers:
            self._deferred_ns = self._owner.at_ns
        hold = Hold(frame, frame.opcode, self._owner.at_ns)
        mended, rsv = self.messages.mend(hold), 0
        if mended is None:
            mended, rsv = MessageDraft(frame.opcode, frame.payload), frame.rsv & self._conditions.rsv_defined
            mended.parts = [frame.payload]
        if mended.fail is not None:
            self._fail(hold, mended)
        else:
            self.sequence.defer(hold.items[-1].end, self.messages.write(mended, frame, rsv))

    def _add_to_hold(self, hold: Hold, frame: Frame) -> None:
        if hold.json is not None and frame.rsv & RSV1:
            self.release()
            self.frame(frame)
            return
        if hold.belongs(frame):
            hold.add(frame, member=True)
        elif frame.fin or frame.opcode not in MESSAGES:
            hold.add(frame, member=False)
        else:
            self.abandon()
            self.frame(frame)
            return
        self._check_hold(hold)

    def _check_hold(self, hold: Hold) -> None:
        if hold.whole and not self.messages.goes_on(hold):
            if hold.is_broken_json:
                self.release()
            else:
                self.hold = None
                self._whole(hold)
        elif hold.size > self._hold_limit:
            self.release()

    def _again(self, item: HeldFrame, frame: Frame) -> None:
        if frame.opcode >= 0x8:
            self._owner.control(frame, item.known)
        else:
            self.frame(frame)

    def _whole(self, hold: Hold) -> None:
        """A message is there, whole."""
        mended = self.messages.mend(hold)
        if mended is not None and mended.fail is not None:
            self._fail(hold, mended)
            return
        first = hold.items[0]
        for item in hold.items:
            if not item.member:
                self._again(item, item.frame)
            elif mended is None:
                self.sequence.frame(item.frame, checked=True)
            elif item is first:
                self.sequence.last_opcode = mended.opcode
                rules = (*self._faults(item.frame), *mended.rules)
                self._outlet.track.replace(item.end, self.messages.write(mended, item.frame), rules)
            else:
                self._outlet.track.drop(item.end, (*self._faults(item.frame), *mended.rules))

    def _faults(self, frame: Frame) -> list[str]:
        """The rules that the frame itself departs from, which is mended with the message."""
        draft = Draft.of(frame)
        if frame.opcode and self.messages.compression.agreed:
            draft.rsv &= ~RSV1
        return self._repairs.apply(draft).rules

    def _fail(self, hold: Hold, mended: MessageDraft) -> None:
        self._owner.fail(mended.fail or INVALID_DATA, b"", hold.items[-1].end, tuple(mended.rules))
