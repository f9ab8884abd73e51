"""What a recording holds, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from wsproxy.protocol.frame import Frame, Side, WireEvent
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import SessionEvent

if TYPE_CHECKING:
    from wsproxy.store.session_recorder import Changed, Found


class SessionState(StrEnum):
    """How far a session has come."""

    OPEN = "open"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    """Its recorder died before the session ended: what passed after that is not recorded."""


class ChangeKind(StrEnum):
    """What was done to a side's bytes on the way on."""

    REPLACED = "replaced"
    DROPPED = "dropped"
    INJECTED = "injected"


class TcpEnd(StrEnum):
    """How one side's TCP direction ended."""

    OPEN = "open"
    FIN = "fin"
    RST = "rst"


@dataclass(frozen=True, slots=True)
class SessionStart:
    """What is known of a session when its opening handshake is over.

    Addresses are `host:port`; `target` is the ws:// or wss:// URL asked for. Heads are the exact bytes
    received, interim 1xx responses included; `..._sent` is what went on in their place, None where that is
    the same. `client_tls` and `server_tls` are JSON, None without TLS. `redaction` is JSON as well: the rules
    by which secrets were replaced before anything was written, None without such.
    """

    started_at_ns: int
    client_address: str
    server_address: str
    target: str
    request_head: bytes
    response_head: bytes
    request_head_sent: bytes | None = None
    response_head_sent: bytes | None = None
    subprotocol: str | None = None
    extensions: str | None = None
    client_tls: str | None = None
    server_tls: str | None = None
    client_dialect: str = "rfc6455"
    server_dialect: str = "rfc6455"
    mode: str = "observe"
    redaction: str | None = None


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """How a session ended. Close code, reason and `closed_by` are those of the first Close frame, if there
    was one.
    """

    ended_at_ns: int
    close_code: int | None
    close_reason: str | None
    closed_by: Side | None
    client_end: TcpEnd
    server_end: TcpEnd


@dataclass(frozen=True, slots=True)
class SideCounts:
    """What one side has sent: `received_bytes` counts the bytes after its opening handshake.

    `last_at_ns` is the time of the last of them, or of the start. `tcp_end` says how its TCP direction ended;
    `tcp_end_id` stands among the ids of the session's events where it did, at `tcp_ended_at_ns`; both are
    None where that is not known, as in recordings of format 1.
    """

    frames: int = 0
    messages: int = 0
    received_bytes: int = 0
    last_at_ns: int = 0
    tcp_end: TcpEnd = TcpEnd.OPEN
    tcp_end_id: int | None = None
    tcp_ended_at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session of a recording; `id` is its number there. `end` is None unless it was seen to end.

    `last_at_ns` is the time of the last bytes recorded, or of the start.
    """

    id: int
    state: SessionState
    start: SessionStart
    end: SessionEnd | None
    client: SideCounts
    server: SideCounts
    last_at_ns: int

    def counts(self, side: Side) -> SideCounts:
        """What `side` has sent."""
        return self.client if side is Side.CLIENT else self.server


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One thing a side put on the wire, in the order in which both sides' were seen: ids grow with it."""

    id: int
    session_id: int
    side: Side
    at_ns: int
    event: WireEvent


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One frame. `frame` holds all its payload data, or the beginning of it where that came in pieces."""

    id: int
    session_id: int
    side: Side
    at_ns: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One assembled message; its id is that of its last frame, `at_ns` when that was complete."""

    id: int
    session_id: int
    side: Side
    at_ns: int
    message: Message


@dataclass(frozen=True, slots=True)
class StoredChange:
    """Bytes `start_offset` to `end_offset` of what `side` sent were replaced by `sent` on the way on.

    Offsets count from the end of the side's opening handshake. Nothing was sent for them if they were
    dropped; the range is empty if `sent` was injected in front of `start_offset`. `rules` are the ids of the
    rules it was done for.
    """

    id: int
    session_id: int
    side: Side
    at_ns: int
    kind: ChangeKind
    start_offset: int
    end_offset: int
    sent: bytes
    rules: tuple[str, ...] = ()


class ChangeRules(NamedTuple):
    """That something was done so to bytes of `side`, for the rules with these ids."""

    side: Side
    kind: ChangeKind
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A departure from a rule, seen while recording.

    `offset` is in the side's stream; None for the opening handshake.
    """

    id: int
    session_id: int
    side: Side
    at_ns: int
    rule_id: str
    detail: str
    offset: int | None
    repaired: bool


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One plain HTTP request and its response, a refused opening handshake among them.

    Heads are the exact bytes received where they are known, empty where none came. Bodies are without their
    transfer coding, and may be only the beginning: the lengths say how many bytes passed. `target` is the
    http:// or https:// URL asked for; addresses are `host:port`.
    """

    started_at_ns: int
    ended_at_ns: int
    client_address: str
    server_address: str
    target: str
    request_head: bytes
    request_body: bytes
    response_head: bytes
    response_body: bytes
    request_body_length: int
    response_body_length: int

    @property
    def size(self) -> int:
        """What its data amounts to, in bytes."""
        return sum(map(len, (self.request_head, self.request_body, self.response_head, self.response_body)))


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """One HTTP exchange of a recording; `id` is its number there."""

    id: int
    exchange: HttpExchange


class Observer(Protocol):
    """Sees sessions as they are recorded, in the recorder's thread: must be quick, and must not raise."""

    def session_started(self, session_id: int, start: SessionStart) -> None:
        """A session's opening handshake is over."""

    def events_received(
        self, session_id: int, side: Side, at_ns: int, events: Sequence[SessionEvent]
    ) -> None:
        """`side` sent what decodes to `events`."""

    def changes_made(self, session_id: int, changes: "Sequence[Changed]") -> None:
        """Of what was told last, these bytes went on otherwise."""

    def findings_made(self, session_id: int, findings: "Sequence[Found]") -> None:
        """Departures from rules, in what was told so far."""

    def session_ended(self, session_id: int, end: SessionEnd) -> None:
        """A session is over."""
