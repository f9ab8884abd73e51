"""Control frames of one side, and the keepalive between both.

Source: RFC 6455 section 5.5.
"""

from typing import Protocol

from wsproxy.conformance.conditions import Draft
from wsproxy.conformance.keepalive import Pings
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_frames import FrameRepairs
from wsproxy.protocol.frame import CONTROL_LIMIT, Frame, FramePiece
from wsproxy.protocol.opcodes import Opcode


class Owner(Protocol):
    """Whose control frames they are."""

    at_ns: int

    def closing(self) -> None:
        """A Close frame is about to go on: nothing goes on behind it."""

    def closed(self, payload: bytes) -> None:
        """A Close frame went on."""


class ControlFrames:
    """Takes the control frames of one side. `pings` are those it is sent.

    `others` are the pings the other side is sent, `back` the way out to this side: set both before any frame.
    """

    __slots__ = (
        "_end",
        "_known",
        "_large",
        "_outlet",
        "_owner",
        "_relayed",
        "_repairs",
        "back",
        "others",
        "pings",
    )

    def __init__(self, repairs: FrameRepairs, outlet: Outlet, pings: Pings, owner: Owner) -> None:
        self._repairs = repairs
        self._outlet = outlet
        self._owner = owner
        self._large: Frame | None = None
        self._relayed = False
        self._end = 0
        self._known = 0
        self.pings = pings
        self.others = pings
        self.back = outlet

    @property
    def under_way(self) -> bool:
        """Whether one is unfinished."""
        return self._large is not None

    def frame(self, frame: Frame, known: int) -> None:
        """A control frame; of one too large to be held, the beginning.

        `known` is how many pings this side had been sent when it came.
        """
        self._known = known
        self._end = frame.end_so_far
        if frame.complete:
            self._go_on(frame)
            return
        self._large = frame
        self._relayed = not self._repairs.on("control.too-long")
        if self._relayed:
            self._outlet.mid_frame = True
            self._outlet.track.relay(self._end)

    def piece(self, piece: FramePiece) -> None:
        """More of that one: what is over the limit is not kept."""
        frame, self._large = self._large, None
        self._end += len(piece.payload) + len(piece.trailer)
        if frame is None:
            return
        if self._relayed:
            self._outlet.track.relay(self._end)
            self._outlet.mid_frame = not piece.last
        room = max(0, CONTROL_LIMIT + 1 - len(frame.payload))
        frame = frame._replace(payload=frame.payload + piece.payload[:room])
        if not piece.last:
            self._large = frame
        elif not self._relayed:
            self._go_on(frame)

    def _go_on(self, frame: Frame) -> None:
        draft = self._repairs.apply(Draft.of(frame))
        if draft.dropped:
            self._outlet.track.drop(self._end, draft.rules)
        elif draft.opcode == Opcode.PING:
            self._ping(draft)
        elif draft.opcode == Opcode.PONG:
            self._pong(draft)
        elif draft.opcode == Opcode.CLOSE:
            self._owner.closing()
            self._outlet.control(draft, self._end)
            self._owner.closed(draft.payload)
        else:
            self._outlet.control(draft, self._end)

    def _ping(self, draft: Draft) -> None:
        """Cases P21 (a ping for a pong), P23 (a peer that must not see one)."""
        if self.pings.is_answer(draft.payload, self._known):
            draft.opcode = Opcode.PONG
            draft.rules.append("keepalive.ping-answered-with-ping")
            self._pong(draft)
        elif self.others.takes(draft.payload, self._owner.at_ns):
            self._outlet.control(draft, self._end)
        else:
            self._outlet.track.drop(self._end, (*draft.rules, "keepalive.ping-unanswered"))
            self.back.inject(Opcode.PONG, draft.payload, ("keepalive.ping-unanswered",))

    def _pong(self, draft: Draft) -> None:
        pong = self.pings.pong(draft.payload, self._known)
        draft.rules += pong.rules
        if pong.payload is None:
            self._outlet.track.drop(self._end, draft.rules)
        else:
            draft.payload = pong.payload
            self._outlet.control(draft, self._end)
