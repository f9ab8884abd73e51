"""What strict peers make of a head: their own Sans-I/O code, in memory."""

import asyncio
from unittest.mock import Mock

from aiohttp.http import HttpRequestParser, HttpResponseParser
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.events import Request as AskedFor


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
