"""What strict peers make of a head: their own Sans-I/O code, in memory."""

import asyncio
from unittest.mock import Mock

import h11
from aiohttp.http import HttpRequestParser, HttpResponseParser
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.events import Request as AskedFor

from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.handshake import parse_request_head


def websockets_takes_request(head: bytes) -> str:
    """Empty, or why its server refuses."""
    protocol = ServerProtocol()
    protocol.receive_data(head)
    requests = [event for event in protocol.events_received() if isinstance(event, Request)]
    if not requests:
        return f"{protocol.parser} {protocol.close_expected()} {protocol.handshake_exc!r}"
    response = protocol.accept(requests[0])
    return "" if response.status_code == 101 else repr(response.body)


def wsproto_takes_request(head: bytes) -> str:
    """Empty, or why its server refuses."""
    connection = WSConnection(ConnectionType.SERVER)
    try:
        connection.receive_data(head)
    except Exception as error:
        return repr(error)
    return "" if any(isinstance(event, AskedFor) for event in connection.events()) else "no request"


def aiohttp_takes_request(head: bytes) -> str:
    """Empty, or why its parser refuses."""
    return _aiohttp(HttpRequestParser, head)


def aiohttp_takes_response(head: bytes) -> str:
    """Empty, or why its parser refuses."""
    return _aiohttp(HttpResponseParser, head)


class WebsocketsClient:
    """Its client: the request it sends, and what it says of a response."""

    def __init__(self, subprotocols: tuple[str, ...] = ()) -> None:
        offered = [Subprotocol(each) for each in subprotocols] or None
        self._protocol = ClientProtocol(parse_uri("ws://skyq:9006/as"), subprotocols=offered)
        self._protocol.send_request(self._protocol.connect())
        self.request = b"".join(self._protocol.data_to_send())

    def takes(self, head: bytes) -> str:
        """Empty, or why it refuses."""
        self._protocol.receive_data(head)
        return "" if self._protocol.handshake_exc is None else repr(self._protocol.handshake_exc)


class WsprotoClient:
    """Its client: the request it sends, and what it says of a response."""

    def __init__(self, subprotocols: tuple[str, ...] = ()) -> None:
        self._connection = WSConnection(ConnectionType.CLIENT)
        self.request = self._connection.send(AskedFor("skyq:9006", "/as", subprotocols=list(subprotocols)))

    def takes(self, head: bytes) -> str:
        """Empty, or why it refuses."""
        try:
            self._connection.receive_data(head)
        except Exception as error:
            return repr(error)
        events = list(self._connection.events())
        return "" if any(isinstance(event, AcceptConnection) for event in events) else repr(events)


def words_of(peer: str, request: bytes, response: bytes | None = None) -> str:
    """What a library says of a request, or of the response to it."""
    if peer == "websockets":
        return _words_of_websockets(request, response)
    if peer == "h11":
        connection = h11.Connection(h11.SERVER if response is None else h11.CLIENT)
        try:
            if response is not None:
                connection.send(h11.Request(method="GET", target="/", headers=[("Host", "skyq")]))
            connection.receive_data(request if response is None else response)
            return repr(connection.next_event())
        except h11.RemoteProtocolError as error:
            return str(error)
    return (
        _aiohttp(HttpRequestParser, request) if response is None else _aiohttp(HttpResponseParser, response)
    )


def _words_of_websockets(request: bytes, response: bytes | None) -> str:
    error: BaseException | None
    if response is None:
        server = ServerProtocol()
        server.receive_data(request)
        for event in server.events_received():
            assert isinstance(event, Request)
            server.accept(event)
        error = server.handshake_exc
    else:
        asked = parse_request_head(request)
        deflate = DeflateParameters.from_extension_header(
            (asked.get("sec-websocket-extensions") or b"").decode()
        )
        offers = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
        if deflate and deflate.server_no_context_takeover:
            offers = [ClientPerMessageDeflateFactory(server_no_context_takeover=True)]
        client = ClientProtocol(
            parse_uri("ws://skyq:9006/as"),
            extensions=offers if deflate else None,
            subprotocols=[Subprotocol(each) for each in asked.tokens("sec-websocket-protocol")] or None,
        )
        client.key = (asked.get("sec-websocket-key") or b"").decode("latin-1")
        client.receive_data(response)
        error = client.handshake_exc
    words = ""
    while error is not None:
        words, error = f"{words} {error}", error.__cause__
    return words


CLIENTS = (WebsocketsClient, WsprotoClient)
SERVERS = (websockets_takes_request, wsproto_takes_request, aiohttp_takes_request)


def _aiohttp(parser: type, head: bytes) -> str:
    loop = asyncio.new_event_loop()
    try:
        messages, upgraded, _ = parser(Mock(), loop, 1 << 16).feed_data(head)
    except Exception as error:
        return repr(error)
    finally:
        loop.close()
    return "" if upgraded and len(messages) == 1 else f"{messages} {upgraded}"
