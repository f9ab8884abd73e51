"""Everything the two sides of a session depart from, as it comes or from a recording.

Time comes in as an argument. Ordinary frames cost one look-up; what is remembered does not grow with the
session.

Source: RFC 6455 sections 4 to 7.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from wsproxy.conformance.checker_side import SideState
from wsproxy.conformance.checks_frames import check_between_frames, check_frame, check_opaque, context_for
from wsproxy.conformance.checks_messages import check_payload, is_ordinary
from wsproxy.conformance.checks_request import check_request
from wsproxy.conformance.checks_response import check_response
from wsproxy.conformance.checks_window import window_seen
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.handshake import negotiate, parse_request_head, parse_response_head
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.session import SessionEvent

MOST_LISTED = 5
"""So many findings of a rule and a side are given; further ones are counted."""

WITNESSED = frozenset({"stream.before-response", "stream.no-close-notify"})
"""Rules about what is not among the bytes of a session: only who was there can tell."""

_ANSWER_NS = 2_000_000_000
_ENDS = {"fin": "FIN", "rst": "RST"}


class Checker:
    """Checks one session: its opening handshake, then what each side sends.

    `..._head_sent` is what went on in the place of a head, None for the same. `dialects` gives the dialect of
    a side that does not frame as the RFC says. `dropped` holds the frames that never reached the other side,
    as side and offset: nothing is expected in answer to them.

    `repeated` counts the findings, by rule id and side, that were not given because there had been
    `most_listed` of that rule already.
    """

    def __init__(
        self,
        request_head: bytes,
        response_head: bytes,
        *,
        request_head_sent: bytes | None = None,
        response_head_sent: bytes | None = None,
        dialects: Mapping[Side, Dialect] | None = None,
        dropped: Container[tuple[Side, int]] = (),
        most_listed: int = MOST_LISTED,
    ) -> None:
        self._request = parse_request_head(request_head)
        self._request_sent = parse_request_head(request_head_sent or request_head)
        self._response = parse_response_head(response_head)
        agreed = {
            Side.CLIENT: negotiate(parse_response_head(response_head_sent or response_head)).extensions,
            Side.SERVER: negotiate(self._response).extensions,
        }
        chosen = dialects or {}
        self._sides = {
            side: SideState(context_for(side, agreed[side]), chosen.get(side, RFC6455)) for side in Side
        }
        for side, state in self._sides.items():
            state.window = window_seen(side, agreed[side])
        self._dropped = dropped
        self._most = most_listed
        self._counts: Counter[tuple[str, Side]] = Counter()
        self._closed_by: dict[Side, int] = {}
        self._lacks_close = False

    @property
    def repeated(self) -> dict[tuple[str, Side], int]:
        """How many findings of a rule and a side were not given."""
        return {key: count - self._most for key, count in self._counts.items() if count > self._most}

    def handshake(self, early_bytes: int = 0) -> list[Finding]:
        """What the two heads of the opening handshake depart from.

        `early_bytes` is how many bytes the client sent behind its request before the response came.
        """
        found = [*check_request(self._request), *check_response(self._request_sent, self._response)]
        if early_bytes:
            detail = f"{early_bytes} bytes came behind the request, before there was a response"
            found.append(Finding("stream.before-response", detail, Side.CLIENT, 0))
        return self._given(found)

    def receive(self, side: Side, events: Sequence[SessionEvent], at_ns: int) -> list[Finding]:
        """What these events of that side depart from, as `Session.receive_data` gives them."""
        state = self._sides[side]
        found: list[Finding] = []
        for event in events:
            if type(event) is Frame:
                if state.window is not None:
                    state.window.frame(event)
                if not state.takes(event):
                    found += self._frame(state, event, at_ns)
            elif type(event) is Message:
                if state.window is not None and not state.lost:
                    found += state.window.message(event, side)
                if not state.lost and (state.split_json.on or not is_ordinary(event)):
                    found += check_payload(event, side, state.last)
                    found += state.split_json.receive(event, side)
            elif isinstance(event, FramePiece):
                state.in_frame = not event.last
                if state.window is not None:
                    state.window.piece(event)
            elif isinstance(event, OpaqueData) and event.between_frames:
                found += [] if state.lost else check_between_frames(event, side)
            elif isinstance(event, OpaqueData) and not state.lost:
                state.lost = True
                found += check_opaque(event, side)
        state.pings.heard_ns = at_ns
        for each in self._sides.values():
            found += each.pings.overdue(at_ns)
        return self._given(found) if found else found

    def skim(self, side: Side, events: Sequence[SessionEvent], at_ns: int) -> bool:
        """Whether these events are nothing but ordinary messages, each in one frame: quicker than `receive`,
        and then in place of it. The content of text is looked at only as far as the RFC cares.
        """
        if not self._sides[side].takes_all(events):
            return False
        for each in self._sides.values():
            if each.pings.waiting:
                return False
        self._sides[side].pings.heard_ns = at_ns
        return True

    def receive_eof(
        self, side: Side, how: str, at_ns: int, pending: bytes = b"", *, close_notify: bool | None = None
    ) -> list[Finding]:
        """The side's stream ended, with "fin" or "rst", and `pending` bytes of a frame under way.

        `close_notify` says whether TLS was ended as it must be; None: no TLS, or nobody knows.
        """
        state = self._sides[side]
        found = state.cut_short(pending)
        if close_notify is False:
            detail = f"TLS ended with {_ENDS.get(how, how)} alone, without a close_notify alert"
            found.append(Finding("stream.no-close-notify", detail, side, state.end))
        found += state.unfinished("the stream ended")
        state.ended = True
        if not self._closed_by and not self._lacks_close and state.closes:
            self._lacks_close = True
            detail = f"the connection ended ({_ENDS.get(how, how)}), and no side had sent a Close frame"
            found.append(Finding("close.missing", detail, side, state.end))
        return self._given(found)

    def end(self, at_ns: int) -> list[Finding]:
        """The session is over, or no more of it is known."""
        found = self._settle_pings(at_ns)
        if len(self._closed_by) == 1 and not self._lacks_close:
            ((closer, closed_ns),) = self._closed_by.items()
            other = self._sides[closer.other]
            if other.closes and not other.lost and (other.ended or at_ns - closed_ns >= _ANSWER_NS):
                ending = "ended the connection" if other.ended else "kept the connection open"
                detail = (
                    f"the {closer.other} {ending} without a Close frame in answer to that of the {closer}"
                )
                found.append(Finding("close.unanswered", detail, closer.other, other.end))
        return self._given(found)

    def _frame(self, state: SideState, frame: Frame, at_ns: int) -> list[Finding]:
        """A frame that is not one of the ordinary kind."""
        found = state.foreign(frame)
        if found or state.lost:
            state.lost = True
            state.pings.forget()
            return found
        found = check_frame(frame, state.context)
        self_closed = state.context.closed
        state.advance(frame)
        if frame.is_control and (frame.complete or frame.opcode == Opcode.PING):
            act = _CONTROL.get(frame.opcode)
            if act is not None and not self_closed:
                found += act(self, state, frame, at_ns)
        return found

    def _close(self, state: SideState, frame: Frame, at_ns: int) -> Iterable[Finding]:
        found = state.unfinished("this side's Close frame came")
        if (state.side, frame.offset) not in self._dropped:
            self._closed_by.setdefault(state.side, at_ns)
        return [*found, *self._settle_pings(at_ns)]

    def _ping(self, state: SideState, frame: Frame, at_ns: int) -> Iterable[Finding]:
        state.pings.pings(frame)
        other = self._sides[state.side.other]
        if self._closed_by or other.lost or (state.side, frame.offset) in self._dropped:
            return ()
        return other.pings.pinged(frame, at_ns, other.end)

    def _pong(self, state: SideState, frame: Frame, at_ns: int) -> Iterable[Finding]:
        return () if self._closed_by else state.pings.ponged(frame)

    def _settle_pings(self, at_ns: int) -> list[Finding]:
        return [finding for state in self._sides.values() for finding in state.pings.settle(at_ns)]

    def _given(self, found: list[Finding]) -> list[Finding]:
        """Those of them that are not too many of their kind; all are counted."""
        given = []
        for finding in found:
            key = finding.rule_id, finding.side
            self._counts[key] += 1
            if self._counts[key] <= self._most:
                given.append(finding)
        return given


type _Act = Callable[[Checker, SideState, Frame, int], Iterable[Finding]]

_CONTROL: Mapping[int, _Act] = {
    Opcode.CLOSE: Checker._close,
    Opcode.PING: Checker._ping,
    Opcode.PONG: Checker._pong,
}
