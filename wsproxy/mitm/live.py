"""One session while it lasts: what its layer, its splice and the addon share."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy.events import MessageInjected
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from wsproxy.mitm.encode import Encoder
from wsproxy.mitm.follow import Close
from wsproxy.mitm.hooks import ControlFrame
from wsproxy.mitm.messages import KeptMessages, MessageLimits, Seen, to_flow_message
from wsproxy.mitm.pressure import Backlog, Gate
from wsproxy.mitm.tap import Tap
from wsproxy.mitm.tls_layers import close_notify
from wsproxy.mitm.wire import Wire
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.message import Message
from wsproxy.store.model import ChangeKind, TcpEnd
from wsproxy.store.session_recorder import Changed

type Clock = Callable[[], int]
"""Nanoseconds since the epoch."""

_ABNORMAL_CLOSURE = 1006


class Passed(MessageInjected[list[Seen]]):
    """Something has passed that addons are to see. (HttpLayer takes such events to their session.)"""


class LegLost(MessageInjected[Side]):
    """This side's connection is gone."""


@dataclass(frozen=True, slots=True)
class SessionParts:
    """What a session is made of: who sees it, how messages are written, what is kept of them. `sees_close`:
    `note_close` is called for its Close frames.
    """

    tap: Tap
    encoder: Encoder
    limits: MessageLimits
    shows_messages: bool
    sees_close: bool
    on_end: Callable[["LiveSession"], None]
    clock: Clock = time.time_ns


class LiveSession:
    """A session from the end of its opening handshake until both its connections are closed."""

    def __init__(self, flow: http.HTTPFlow, handler: ProxyConnectionHandler, parts: SessionParts) -> None:
        assert flow.websocket is not None
        self.flow = flow
        self.data: WebSocketData = flow.websocket
        self.tap = parts.tap
        self.encoder = parts.encoder
        self.shows_messages = parts.shows_messages
        self.clock = parts.clock
        self.gate = Gate()
        self.backlog = Backlog(self.gate)
        self._connections: dict[Side, Connection] = {
            Side.CLIENT: flow.client_conn,
            Side.SERVER: flow.server_conn,
        }
        self._sees_close = parts.sees_close
        self._kept = KeptMessages(self.data, parts.limits)
        self._on_end = parts.on_end
        self._over = False
        self.wire = Wire(handler, flow.client_conn, flow.server_conn, self.gate, self._leg_lost)
        self.wire.never_time_out()

    def connection(self, side: Side) -> Connection:
        """mitmproxy's connection with that side."""
        return self._connections[side]

    def side_of(self, connection: Connection) -> Side:
        """Whose connection it is."""
        return Side.CLIENT if connection == self.flow.client_conn else Side.SERVER

    def receive_data(self, side: Side, data: bytes) -> list[Seen]:
        """Show the tap what `side` sent; what addons are to see of it, if anybody follows the session."""
        at_ns = self.clock()
        seen = self.tap.receive_data(side, data, at_ns)
        if self.tap.followers:
            self.note_close(side, self.tap.followers[side].close)
        return [self.to_see(side, event, at_ns) for event in seen] if seen else []

    def to_see(self, side: Side, event: Message | Frame, at_ns: int) -> Seen:
        """The event in the form addons know."""
        if isinstance(event, Frame):
            return ControlFrame(self.flow, side, event)
        return to_flow_message(side, event, at_ns)

    def note_close(self, side: Side, close: Close | None) -> None:
        """Show the first Close frame of the session in its flow."""
        if close is not None and self.data.close_code is None:
            self.data.close_code, self.data.close_reason = close.code, close.reason
            self.data.closed_by_client = side is Side.CLIENT

    def keep(self, message: WebSocketMessage) -> None:
        """Add a message to the flow, and let old ones go."""
        self._kept.append(message)

    def change(self, kind: ChangeKind, side: Side, start: int, end: int, sent: bytes) -> None:
        """Record that `sent` went on in place of those bytes of `side`'s stream."""
        self.tap.change(Changed(kind, side, start, end, sent), self.clock())

    def direction_ended(self, side: Side) -> None:
        """Record that `side` sends no more."""
        how = TcpEnd.RST if self.wire.was_reset(side) else TcpEnd.FIN
        notified = close_notify(self.connection(side))
        self.tap.receive_eof(side, how, self.clock(), close_notify=notified)

    def finish(self, ended_by: Side | None) -> None:
        """The session is over; later calls have no effect."""
        if self._over:
            return
        self._over = True
        self.gate.open_for_good()
        self.backlog.over()
        at_ns = self.clock()
        self.tap.end(at_ns)
        self.data.timestamp_end = at_ns / 1e9
        if self.data.closed_by_client is None and ended_by is not None:
            self.data.closed_by_client = ended_by is Side.CLIENT
        if self.data.close_code is None and self._sees_close:
            self.data.close_code = _ABNORMAL_CLOSURE
        self._on_end(self)

    def _leg_lost(self, side: Side) -> None:
        if not self._over:
            self.wire.submit(LegLost(self.flow, side))
