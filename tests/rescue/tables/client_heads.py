"""Clients whose request departs from the standard."""

from collections.abc import Callable
from typing import Any

from tests.devices.lenient import Head, accept_of
from tests.devices.weak_client import is_101
from tests.rescue.case import Case
from tests.rescue.tables.made import asking_with, client

_LOWER = {
    "host": b"host: %s",
    "upgrade": b"upgrade: websocket",
    "connection": b"connection: Upgrade",
    "key": b"sec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA==",
    "websocket_version": b"sec-websocket-version: 13",
}
_ANY = ()
_UUID = b"0b9bc0ad-a3a5-4fd8-8ed2-6f3d9c5ea7b2"


def _answered(key: bytes) -> Callable[[Head], str]:
    """A client that checks the Accept for the key it sent, whatever that is."""
    return lambda head: (
        "" if head.get("Sec-WebSocket-Accept") == accept_of(key) else "Accept does not fit its key"
    )


def keyed(key: bytes) -> dict[str, Any]:
    return {"request": asking_with(key=b"Sec-WebSocket-Key: " + key), "wants": _answered(key)}


KEYS = (
    client(
        "key-is-a-uuid", "handshake C19, handshake C97", "Theldus/wsServer#118", quick=True, **keyed(_UUID)
    ),
    client(
        "key-foo-of-micropython",
        "handshake C97",
        "micropython-stubs#902",
        quick=True,
        **keyed(b"foo"),
    ),
    client(
        "key-of-32-bytes",
        "handshake C46",
        "ws#1571",
        **keyed(b"JCMCrKJENqcrTU9erFxGoiP5P8JhjeocERQs9vgR/Y4="),
    ),
    client(
        "key-of-8-bytes-and-content-length-0",
        "handshake C47",
        "dart-sip-ua#110",
        request=asking_with(b"content-length: 0", **(_LOWER | {"key": b"sec-websocket-key: qjaovfzeqzo="})),
        wants=_answered(b"qjaovfzeqzo="),
    ),
    client(
        "no-key",
        "handshake C149",
        "krohling/ArduinoWebsocketClient#12",
        quick=True,
        request=asking_with(key=None),
        wants=is_101,
    ),
    client(
        "empty-key",
        "handshake C123",
        "tungstenite#377",
        request=asking_with(key=b"Sec-WebSocket-Key: "),
        wants=is_101,
    ),
    client(
        "key-without-padding", "handshake C19", "Theldus/wsServer#119", **keyed(b"AQIDBAUGBwgJCgsMDQ4PEA")
    ),
)

VERSIONS = (
    client(
        "no-version",
        "handshake C107",
        "resiprocate#173",
        quick=True,
        request=asking_with(websocket_version=None),
    ),
    client(
        "version-8",
        "handshake C114",
        "misultin#102",
        quick=True,
        request=asking_with(websocket_version=b"Sec-WebSocket-Version: 8"),
    ),
    client(
        "version-7-of-firefox-6",
        "handshake C114",
        "misultin#102",
        request=asking_with(
            b"Sec-WebSocket-Origin: http://localhost/",
            websocket_version=b"Sec-WebSocket-Version: 7",
            connection=b"Connection: keep-alive, Upgrade",
        ),
    ),
    client(
        "two-versions",
        "handshake C114",
        "RFC 6455 section 4.1",
        request=asking_with(websocket_version=b"Sec-WebSocket-Version: 13, 8"),
    ),
)

UPGRADES = (
    client(
        "no-upgrade-field",
        "handshake C90",
        "socket.io#1846",
        quick=True,
        request=asking_with(upgrade=None),
    ),
    client(
        "no-connection-field",
        "handshake C29",
        "lbbrhzn/ocpp#1933",
        quick=True,
        request=asking_with(connection=None),
    ),
    client(
        "connection-keep-alive-only-asked",
        "handshake C34",
        "amqtt#230",
        quick=True,
        request=asking_with(connection=b"Connection: keep-alive"),
    ),
    client(
        "upgrade-and-connection-stripped",
        "handshake C57, handshake C90",
        "manaflow#1220",
        normalize='[rules]\n"handshake.request.stripped" = true',
        request=asking_with(upgrade=None, connection=None),
    ),
    client(
        "upgrade-with-a-version-asked",
        "relay",
        "RFC 9110 section 7.8",
        request=asking_with(upgrade=b"Upgrade: websocket/13"),
    ),
    client(
        "upgrade-misspelt-by-aiohttp-3-4",
        "handshake C01, handshake C10",
        "aiohttp#3291",
        request=asking_with(upgrade=b"Upgrade: Websocket"),
    ),
    client(
        "names-in-lower-case-asked",
        "handshake C153, handshake C155",
        "h11#31",
        request=asking_with(**_LOWER),
    ),
    client(
        "connection-list-without-space",
        "handshake C33",
        "nodejs-websocket#46",
        request=asking_with(connection=b"Connection: Upgrade,Keep-Alive"),
    ),
)

CASES: tuple[Case, ...] = (*KEYS, *VERSIONS, *UPGRADES)
