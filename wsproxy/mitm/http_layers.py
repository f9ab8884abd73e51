"""mitmproxy's HTTP layers, retyped so that opening handshakes pass through exactly and end in a session of
ours.

Nothing is patched: instances are given a subclass of their class just before their Start event, in whatever
stack mitmproxy has built. Relies on:

- `HttpLayer.event_to_child(child, event)` delivering each child's Start, nested children being `child_layer`;
- `HttpClient` storing the connection it creates in `child_layer` before that gets its Start;
- `HttpStream`: `check_invalid` (called with each message before any hook), `send_response` (decides on
  `flow.websocket`, then runs the response hook), `flow_done` (starts the layer that follows a 101) and
  `passthrough` (then passes events to it), `client_state`.
"""

from typing import Protocol

from mitmproxy import http, websocket
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator, Layer
from mitmproxy.proxy.layers import tls
from mitmproxy.proxy.layers.http import HttpClient, HttpLayer, HttpStream, SendHttp, validate_request
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from wsproxy.mitm.heads import RawHead, append_raw, carry_over, raw_head
from wsproxy.mitm.http1_layers import (
    ClientHalfClosed,
    FullClose,
    HalfClose,
    RawData,
    RawHttp1Client,
    RawHttp1Server,
    UpgradeBody,
)
from wsproxy.mitm.opening import HandshakeRepairs, repaired_head
from wsproxy.mitm.received import received
from wsproxy.mitm.tls_layers import PoliteClientTLSLayer, PoliteServerTLSLayer


class SessionOpener(Protocol):
    """What becomes of the opening handshakes that come by."""

    def open(self, context: Context, flow: http.HTTPFlow) -> Layer | None:
        """The layer that relays a session once its opening handshake is over; None if it must not pass."""

    def repairs(self) -> HandshakeRepairs | None:
        """What repairs the next opening handshake; None to leave it as it is."""


def retype(layer: Layer | None, opener: SessionOpener) -> None:
    """Give every layer of a stack that is about to start our subclass of its class."""
    while layer is not None:
        if subclass := _SUBCLASSES.get(type(layer)):
            layer.__class__ = subclass
        if isinstance(layer, UpgradeHttpLayer | UpgradeStream):
            layer.opener = opener
        layer = getattr(layer, "child_layer", None)


class UpgradeHttpClient(HttpClient):
    """Opens the connection to the server, and retypes what speaks HTTP on it."""

    _child: Layer

    @property
    def child_layer(self) -> Layer:
        """What speaks HTTP on the connection."""
        return self._child

    @child_layer.setter
    def child_layer(self, layer: Layer) -> None:
        if type(layer) is Http1Client:
            layer.__class__ = RawHttp1Client
        self._child = layer


class UpgradeHttpLayer(HttpLayer):
    """One client's HTTP connection, with all it asks for."""

    opener: SessionOpener

    def event_to_child(self, child: Layer, event: events.Event) -> CommandGenerator[None]:
        """Retype the child if it is about to start."""
        if isinstance(event, events.Start):
            retype(child, self.opener)
        yield from super().event_to_child(child, event)


class UpgradeStream(HttpStream):
    """One request and its response; for an opening handshake, all of the session after it."""

    opener: SessionOpener
    repairs: HandshakeRepairs | None = None
    raw_request: RawHead | None = None
    raw_response: RawHead | None = None
    body = b""
    asked = False
    """Whether the request has been sent to the server."""

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        """Have the body of an upgrade request follow its head at once, whatever addons are doing."""
        if isinstance(event, UpgradeBody):
            received(self.flow.request).receive_data(event.data)
            self.body += event.data
            yield from self._send_body()
        else:
            yield from super().handle_event(event)

    def _send_body(self) -> CommandGenerator[None]:
        if self.asked and self.body:
            body, self.body = self.body, b""
            append_raw(self.flow.request, body)
            repaired = repaired_head(self.flow.request)
            if repaired is None or not repaired.drops_body:
                yield SendHttp(RawData(self.stream_id, body), self.context.server)

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, RawData):
            yield SendHttp(event, self.context.client)
        elif isinstance(event, ClientHalfClosed):
            if self.context.server.connected:
                yield SendHttp(HalfClose(self.stream_id), self.context.server)
        else:
            if isinstance(event, RequestData):
                received(self.flow.request).receive_data(event.data)
            elif isinstance(event, ResponseData) and self.flow.response is not None:
                received(self.flow.response).receive_data(event.data)
            yield from self._see_to_heads(super()._handle_event(event))

    def _see_to_heads(self, generated: CommandGenerator[None]) -> CommandGenerator[None]:
        """See to it that heads go on as they came, or repaired, whatever addons have put in their place."""
        reply = None
        while True:
            try:
                command = generated.send(reply)
            except StopIteration:
                return
            sent = command.event if isinstance(command, SendHttp) else None
            if isinstance(sent, RequestHeaders):
                self._send_request(sent.request)
            elif isinstance(sent, ResponseHeaders):
                self._send_response(sent.response)
            reply = yield command
            if isinstance(sent, RequestHeaders):
                self.asked = True
                yield from self._send_body()

    def _send_request(self, request: http.Request) -> None:
        carry_over(self.raw_request, request)
        self.repairs = self.opener.repairs()
        if self.repairs is not None:
            self.repairs.request(request)

    def _send_response(self, response: http.Response) -> None:
        carry_over(self.raw_response, response)
        if self.repairs is not None and self.raw_response is not None:
            self.repairs.response(self.flow.request, response, secure=self.context.client.tls)

    def check_invalid(self, request: bool) -> CommandGenerator[bool]:
        """Let odd header fields of an opening handshake pass; the rest of mitmproxy's checks stay."""
        if request:
            self.raw_request = raw_head(self.flow.request)
        else:
            self.raw_response = raw_head(self.flow.response)
        if (self.raw_request if request else self.raw_response) is None:
            return (yield from super().check_invalid(request))
        if request and validate_request(self.mode, self.flow.request, False):
            return (yield from super().check_invalid(True))
        return False

    @property
    def _is_session(self) -> bool:
        response = self.flow.response
        switches = response is not None and response.status_code == 101 and self.raw_response is not None
        return switches and bool(self.context.options.websocket)

    def send_response(self, already_streamed: bool = False) -> CommandGenerator[None]:
        """Mark the flow as a WebSocket before the response hook, however odd its handshake is."""
        if self._is_session:
            self.flow.websocket = websocket.WebSocketData()
        yield from super().send_response(already_streamed)

    def flow_done(self) -> CommandGenerator[None]:
        """Start the session after its opening handshake."""
        if not self._is_session:
            yield from super().flow_done()
            return
        session = self.opener.open(self.context, self.flow)
        if session is None:
            yield commands.CloseConnection(self.context.server)
            yield commands.CloseConnection(self.context.client)
            self.client_state = self.server_state = self.state_errored
            return
        self.child_layer = session
        self._handle_event = self.passthrough  # type: ignore[method-assign]
        yield from session.handle_event(events.Start())
        # Only now: it makes the client's connection hand on what it has, and somebody must take that.
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def passthrough(self, event: events.Event) -> CommandGenerator[None]:
        """Carry events to the layer inside and its commands out, half-closes included."""
        assert self.child_layer is not None
        if isinstance(event, RawData | ClientHalfClosed):
            return
        for command in self.child_layer.handle_event(self._inward(event)):
            if isinstance(command, commands.ConnectionCommand) and self._over_http(command.connection):
                yield from self._outward(command)
            else:
                yield command

    def _inward(self, event: events.Event) -> events.Event:
        match event:
            case RequestData():
                return events.DataReceived(self.context.client, event.data)
            case ResponseData():
                return events.DataReceived(self.context.server, event.data)
            case RequestEndOfMessage():
                return events.ConnectionClosed(self.context.client)
            case ResponseEndOfMessage():
                return events.ConnectionClosed(self.context.server)
        return event

    def _over_http(self, connection: Connection) -> bool:
        """Whether one of this layer's HTTP connections carries it; not so to a server behind a CONNECT."""
        assert self.flow.response is not None
        to_server = connection == self.context.server and self.flow.response.status_code == 101
        return connection == self.context.client or to_server

    def _outward(self, command: commands.ConnectionCommand) -> CommandGenerator[None]:
        connection = command.connection
        if isinstance(command, commands.SendData):
            yield SendHttp(RawData(self.stream_id, command.data), connection)
        elif isinstance(command, commands.CloseTcpConnection) and command.half_close:
            yield SendHttp(HalfClose(self.stream_id), connection)
        elif isinstance(command, commands.CloseConnection):
            yield SendHttp(FullClose(self.stream_id), connection)
        else:
            yield command


_SUBCLASSES: dict[type[Layer], type[Layer]] = {
    HttpLayer: UpgradeHttpLayer,
    HttpStream: UpgradeStream,
    HttpClient: UpgradeHttpClient,
    Http1Client: RawHttp1Client,
    Http1Server: RawHttp1Server,
    tls.ClientTLSLayer: PoliteClientTLSLayer,
    tls.ServerTLSLayer: PoliteServerTLSLayer,
}
