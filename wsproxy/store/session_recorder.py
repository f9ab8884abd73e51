"""What the event loop holds of a session being recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from wsproxy.conformance.finding import Finding
from wsproxy.protocol.frame import Side
from wsproxy.store.intake import Intake
from wsproxy.store.model import ChangeKind, HttpExchange, SessionStart, TcpEnd


@dataclass(frozen=True, slots=True)
class Opened:
    """The session begins; `repairs` says what was mended in its opening handshake, `early_bytes` how much the
    client sent before there was a response.
    """

    start: SessionStart
    repairs: tuple[Finding, ...] = ()
    early_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """`sent` went on in place of those bytes of what `side` sent (dropped: nothing did), for these rules."""

    kind: ChangeKind
    side: Side
    start_offset: int
    end_offset: int
    sent: bytes
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A departure from a rule was seen."""

    rule_id: str
    detail: str
    side: Side
    offset: int | None
    repaired: bool


@dataclass(frozen=True, slots=True)
class ReachedEnd:
    """A TCP direction ended; `close_notify`: whether TLS ended before it, None where nobody knows."""

    side: Side
    how: TcpEnd
    close_notify: bool | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""


type Operation = Opened | Changed | Found | ReachedEnd | Ended
type SessionItem = tuple[SessionRecorder, Side | Operation, bytes, int]
type Item = SessionItem | HttpExchange
"""What waits for the writer's thread: data and its side, or an operation (and no data), each with its time;
or a whole HTTP exchange.
"""


class SessionRecorder:
    """Takes what happens in one session, in the order in which it happens.

    Every call is cheap, never blocks, and is a no-op once the recorder has failed. Calls for all sessions of
    a recorder come from one thread. Times are nanoseconds since the epoch; offsets are bytes from the end of
    the side's opening handshake.
    """

    __slots__ = ("_intake", "session_id")

    def __init__(
        self,
        intake: Intake[Item],
        start: SessionStart,
        repairs: Sequence[Finding] = (),
        *,
        early_bytes: int = 0,
    ) -> None:
        self._intake = intake
        self.session_id: int | None = None
        """The session's number, once it is stored."""
        opened = Opened(start, tuple(repairs), early_bytes)
        self._do(opened, start.started_at_ns, len(start.request_head) + len(start.response_head))

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> None:
        """Record bytes received from `side`, after its opening handshake."""
        self._intake.put((self, side, data, at_ns), len(data))

    def change(self, changed: Changed, at_ns: int) -> None:
        """Record that something else went on."""
        self._do(changed, at_ns, len(changed.sent))

    def finding(
        self, rule_id: str, detail: str, side: Side, offset: int | None, at_ns: int, *, repaired: bool = False
    ) -> None:
        """Record a departure from a rule; `offset` is None for one in the opening handshake."""
        self._do(Found(rule_id, detail, side, offset, repaired), at_ns, len(detail))

    def receive_eof(self, side: Side, how: str, at_ns: int, *, close_notify: bool | None = None) -> None:
        """Record how the TCP direction from `side` ended: "fin" or "rst", and whether TLS had ended before it
        (None: no TLS, or nobody knows).
        """
        self._do(ReachedEnd(side, TcpEnd(how), close_notify), at_ns, 0)

    def end(self, ended_at_ns: int) -> None:
        """Record the end of the session; nothing may follow."""
        self._do(Ended(), ended_at_ns, 0)

    def _do(self, operation: Operation, at_ns: int, size: int) -> None:
        self._intake.put((self, operation, b"", at_ns), size)
