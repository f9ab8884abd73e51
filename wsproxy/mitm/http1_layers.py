"""mitmproxy's HTTP/1 connections, retyped: exact heads in and out, half-closes and raw bytes carried through.

Relies on `Http1Server`/`Http1Client` (mitmproxy.proxy.layers.http._http1): a state method per phase
(`read_headers`, `wait`, `passthrough`), `buf` read only through its methods, `send` writing a head as one
SendData, `make_pipe` and `mark_done` being called when a message is over.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import RequestHeaders, ResponseEndOfMessage, ResponseHeaders
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from wsproxy.mitm.head_buffer import HeadBuffer
from wsproxy.mitm.heads import head_to_send, keep_raw, raw_head
from wsproxy.mitm.opening import repaired_head
from wsproxy.mitm.received import received
from wsproxy.mitm.wire import hold_reading
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import RequestHead, parse_request_head, parse_response_head
from wsproxy.protocol.request_body import RequestBody

_EARLY_LIMIT = 64 << 10


@dataclass
class RawData(HttpEvent):
    """Bytes to send as they are, whatever the heads said about encodings."""

    data: bytes


@dataclass
class HalfClose(HttpEvent):
    """Send no more on this connection, go on receiving."""


@dataclass
class FullClose(HttpEvent):
    """Close this connection, even if only one direction of it is still open."""


@dataclass
class ClientHalfClosed(HttpEvent):
    """The client sends no more, and still waits for the response to its upgrade request."""


@dataclass
class UpgradeBody(HttpEvent):
    """Bytes of the body that the client sends with its upgrade request."""

    data: bytes


class _RawConnection(Http1Connection):
    """What both ends have in common."""

    buf: HeadBuffer

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, RawData):
            # What is half-closed takes nothing more; asyncio would raise.
            if self.conn.state & ConnectionState.CAN_WRITE:
                yield commands.SendData(self.conn, event.data)
        elif isinstance(event, HalfClose):
            yield commands.CloseTcpConnection(self.conn, half_close=True)
        elif isinstance(event, FullClose):
            yield commands.CloseConnection(self.conn)
        else:
            yield from super()._handle_event(event)

    def read_body(self, event: events.Event) -> CommandGenerator[None]:
        """Read the body, its trailers included."""
        self.buf.in_body = True
        yield from super().read_body(event)

    def make_pipe(self) -> CommandGenerator[None]:
        """Hand on what has come already, every byte of it: a frame may begin with CR or LF."""
        if not _switches(self.response):
            yield from super().make_pipe()
            return
        self.state = self.passthrough
        if data := bytes(self.buf.maybe_extract_at_most(len(self.buf)) or b""):
            yield from self.state(events.DataReceived(self.conn, data))


class RawHttp1Server(_RawConnection, Http1Server):
    """The connection with the client."""

    early_end: events.ConnectionClosed | None = None
    release_client: Callable[[], None] | None = None
    body: RequestBody | None = None

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.Start):
            self.buf = HeadBuffer(Side.CLIENT, lambda: None)
        yield from super()._handle_event(event)

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        """Keep the raw head of an upgrade request; tell of what is none and is refused."""
        self.buf.in_body = False
        for command in super().read_headers(event):
            came = command.event if isinstance(command, ReceiveHttp) else None
            if isinstance(command, commands.Log) and isinstance(event, events.DataReceived):
                command.level = logging.WARNING
                command.message = f"no HTTP request, and refused: {command.message}"
            if isinstance(came, RequestHeaders):
                received(came.request).head = self.buf.last
                if self.buf.head:
                    keep_raw(came.request, self.buf.head)
                    self.body = RequestBody(parse_request_head(self.buf.head))
                    received(came.request).announced = self.body
            yield command
        yield from self._pass_body()

    def _pass_body(self) -> CommandGenerator[None]:
        """Let the body of an upgrade request go on: unlike frames it cannot wait for the response."""
        if self.body is not None and self.state == self.wait:
            size = self.body.receive_data(bytes(self.buf))
            if size and (data := self.buf.maybe_extract_at_most(size)):
                yield ReceiveHttp(UpgradeBody(self.stream_id, bytes(data)))

    def send(self, event: HttpEvent) -> CommandGenerator[None]:
        """Send the raw head of the response; add nothing to a 101, even if it claims to be chunked."""
        if isinstance(event, ResponseEndOfMessage) and _switches(self.response):
            yield from self.mark_done(response=True)
            return
        if isinstance(event, ResponseHeaders) and _switches(event.response) and self.request is not None:
            # Line ends are a rest of the request.
            received(self.request).early = len(self.buf) if bytes(self.buf).strip(b"\r\n") else 0
        for command in super().send(event):
            if isinstance(event, ResponseHeaders) and isinstance(command, commands.SendData):
                head = raw_head(event.response)
                command.data = (
                    command.data if head is None else (head_to_send(event.response) or b"")[head.gone :]
                )
                if not command.data:
                    continue
            yield command

    def wait(self, event: events.Event) -> CommandGenerator[None]:
        """Let a client close its direction before the response has come, as it may without a proxy.

        What it sends meanwhile is kept, but only so much.
        """
        yield from self._pass_body()
        if len(self.buf) > _EARLY_LIMIT and self.release_client is None:
            self.release_client = hold_reading(self.context.client)
        waits = raw_head(self.request) is not None and bool(self.conn.state & ConnectionState.CAN_WRITE)
        if isinstance(event, events.ConnectionClosed) and waits and self.early_end is None:
            self.early_end = event
            # What came before the end goes on before it, too: it waits for the response.
            if not self.buf:
                yield ReceiveHttp(ClientHalfClosed(self.stream_id))
        else:
            yield from super().wait(event)

    def make_pipe(self) -> CommandGenerator[None]:
        """Hand on what has come already, the end of it too."""
        self._release_client()
        yield from super().make_pipe()
        if self.early_end is not None:
            yield from self.state(self.early_end)

    def mark_done(self, *, request: bool = False, response: bool = False) -> CommandGenerator[None]:
        """Go on to the next request, or close if the client has announced that there is none."""
        if response:
            self._release_client()
            self.body = None
        yield from super().mark_done(request=request, response=response)
        if self.early_end is not None and self.state == self.read_headers:
            yield from self.state(self.early_end)

    def _release_client(self) -> None:
        if self.release_client is not None:
            self.release_client()
            self.release_client = None


class RawHttp1Client(_RawConnection, Http1Client):
    """The connection with the server."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.Start):
            self.buf = HeadBuffer(Side.SERVER, self._upgrade_request)
        yield from super()._handle_event(event)

    def _upgrade_request(self) -> RequestHead | None:
        head = None if self.request is None else head_to_send(self.request)
        return None if head is None else parse_request_head(head)

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        """Keep the raw head of a response to an upgrade request; pass interim responses on at once, unless
        it is to be repaired.
        """
        self.buf.in_body = False
        cut_short = isinstance(event, events.ConnectionClosed) and bool(self.buf)
        if cut_short and raw_head(self.request) and self.request_done:
            self.buf.give_up()
            yield from self._read_response_head(events.DataReceived(self.conn, b""))
            yield from self.state(event)
        else:
            yield from self._read_response_head(event)

    def _read_response_head(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        for command in super().read_headers(event):
            came = command.event if isinstance(command, ReceiveHttp) else None
            if isinstance(came, ResponseHeaders):
                received(came.response).head = self.buf.last
                if self.buf.head is not None:
                    keep_raw(came.response, self.buf.head, self.buf.gone, broken=self.buf.broken)
                    received(came.response).announced = RequestBody(parse_response_head(self.buf.head))
            yield command
        if self.state != self.read_headers or not self.stream_id or self._repairs:
            return
        if interim := self.buf.take_interim():
            yield ReceiveHttp(RawData(self.stream_id, interim))

    @property
    def _repairs(self) -> bool:
        """Whether the response goes on repaired: then all of it waits, interim responses included."""
        repaired = repaired_head(self.request)
        return repaired is not None and repaired.frames

    def send(self, event: HttpEvent) -> CommandGenerator[None]:
        """Send the raw head of the request."""
        for command in super().send(event):
            if isinstance(event, RequestHeaders) and isinstance(command, commands.SendData):
                command.data = head_to_send(event.request) or command.data
            yield command


def _switches(response: http.Response | None) -> bool:
    return response is not None and response.status_code == 101 and raw_head(response) is not None
