"""Whether one side answers the pings it is sent. Time comes in as an argument.

Source: RFC 6455 sections 5.5.2 and 5.5.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wsproxy.conformance.finding import Finding
from wsproxy.protocol.frame import Frame, Side

_SECOND = 1_000_000_000
PATIENCE_NS = 20 * _SECOND
"""After so long a ping counts as unanswered whatever else its receiver sends, as for most strict peers."""
_SILENCE_NS = 5 * _SECOND
_BUSY_NS = 2 * _SECOND
_MOST_OUTSTANDING = 64
_MOST_BYTES = 125


@dataclass(slots=True)
class _Ping:
    """A ping on its way to the side. `offset` is where the side's own stream stood, `wrong` the pong or ping
    that came instead of its answer: rule, what was seen, and where.
    """

    payload: bytes
    sent_at: int
    at_ns: int
    offset: int
    wrong: tuple[str, str, int] | None = None

    @property
    def ponged_wrong(self) -> bool:
        """Whether a pong came that was hardly meant for another ping."""
        return self.wrong is not None and self.wrong[0] == "keepalive.pong-payload-differs"


class PingsSeen:
    """The pings that `side` was sent and has not answered; at most 64 are remembered."""

    __slots__ = ("_outstanding", "_side", "heard_ns")

    def __init__(self, side: Side) -> None:
        self._side = side
        self._outstanding: list[_Ping] = []
        self.heard_ns = 0

    @property
    def waiting(self) -> bool:
        """Whether any is remembered."""
        return bool(self._outstanding)

    def pinged(self, frame: Frame, at_ns: int, offset: int) -> list[Finding]:
        """The side is sent this ping, when its own stream stands at `offset`."""
        found = [self._finding(ping) for ping in self._outstanding if ping.ponged_wrong]
        self._outstanding = [ping for ping in self._outstanding if not ping.ponged_wrong]
        if len(self._outstanding) >= _MOST_OUTSTANDING:
            # The oldest shows how long nothing was answered, the newest are what an answer may be to.
            del self._outstanding[1]
        self._outstanding.append(_Ping(frame.payload[:_MOST_BYTES], frame.offset, at_ns, offset))
        return found

    def ponged(self, frame: Frame) -> Iterator[Finding]:
        """The side sent this pong. One may answer several pings (RFC 6455 section 5.5.3)."""
        payload = frame.payload[:_MOST_BYTES]
        for index, ping in enumerate(self._outstanding):
            if ping.payload == payload:
                yield from self._crossed(ping)
                del self._outstanding[: index + 1]
                return
        waiting = next((ping for ping in self._outstanding if not ping.wrong), None)
        if waiting is None:
            yield self._unsolicited(frame.offset)
        else:
            # It may have crossed the ping: only when no right one follows is it a wrong answer.
            detail = f"the ping carried {_shown(waiting.payload)}, the pong {_shown(payload)}"
            waiting.wrong = ("keepalive.pong-payload-differs", detail, frame.offset)

    def pings(self, frame: Frame) -> None:
        """The side sent this ping: an answer, perhaps. Empty ones prove nothing."""
        for ping in self._outstanding:
            if ping.payload and ping.payload == frame.payload and not ping.wrong:
                detail = f"a ping came back as a ping ({_shown(ping.payload)})"
                ping.wrong = ("keepalive.ping-answered-with-ping", detail, frame.offset)

    def overdue(self, at_ns: int) -> list[Finding]:
        """What has gone unanswered for too long by now."""
        if not self._outstanding or at_ns - self._outstanding[0].at_ns < PATIENCE_NS:
            return []
        late = [ping for ping in self._outstanding if at_ns - ping.at_ns >= PATIENCE_NS]
        del self._outstanding[: len(late)]
        return [self._finding(ping) for ping in late]

    def settle(self, at_ns: int) -> list[Finding]:
        """No more is to be answered: what should have been by now, judged by what else the side sent."""
        left, self._outstanding = self._outstanding, []
        return [
            self._finding(ping)
            for ping in left
            if ping.ponged_wrong
            or at_ns - ping.at_ns >= _SILENCE_NS
            or self.heard_ns - ping.at_ns >= _BUSY_NS
        ]

    def forget(self) -> None:
        """Nothing can be said of this side's answers any more."""
        self._outstanding.clear()

    def _crossed(self, ping: _Ping) -> Iterator[Finding]:
        if ping.wrong and ping.ponged_wrong:
            yield self._unsolicited(ping.wrong[2])

    def _unsolicited(self, offset: int) -> Finding:
        return Finding("keepalive.pong-unsolicited", "no ping was waiting for this pong", self._side, offset)

    def _finding(self, ping: _Ping) -> Finding:
        if ping.wrong:
            rule_id, detail, offset = ping.wrong
            return Finding(rule_id, detail, self._side, offset)
        detail = (
            f"no pong for the {self._side.other}'s ping at offset {ping.sent_at} ({_shown(ping.payload)})"
        )
        return Finding("keepalive.ping-unanswered", detail, self._side, ping.offset)


def _shown(payload: bytes) -> str:
    if not payload:
        return "nothing"
    return payload[:16].hex(" ") + (" ..." if len(payload) > 16 else "")
