"""Devices whose response departs from the standard, or who want the request in a way of their own."""

from tests.devices.lenient import Head, accept_of
from tests.rescue.case import Case
from tests.rescue.tables.made import (
    GREETED,
    GREETED_FIRST,
    answering,
    device,
)
from tests.wire.build import lines

_WRONG_GUID = b"258EAFA5-E914-47DA-95CA-5AB9DC11B5AB"
_ACCEPT_OF_NOTHING = b"Sec-WebSocket-Accept: Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="
_BIG_FIELDS = tuple(b"X-Filler-%d: " % n + b"f" * 1000 for n in range(40))


def _lower(head: Head) -> bytes:
    key = head.get("Sec-WebSocket-Key") or b""
    return lines(
        b"HTTP/1.1 101",
        b"connection: upgrade",
        b"upgrade: websocket",
        b"sec-websocket-accept: " + accept_of(key),
    )


def _accept_twice(key: bytes) -> bytes:
    value = b"Sec-WebSocket-Accept: " + accept_of(key)
    return value + b"\r\n" + value


STATUS_LINES = (
    device(
        "no-reason",
        "handshake C23",
        "websockets#159",
        answer=answering(line=b"HTTP/1.1 101"),
    ),
    device(
        "no-reason-but-a-space",
        "handshake C23",
        "faye/websocket-driver-ruby#76",
        answer=answering(line=b"HTTP/1.1 101 "),
    ),
    device("reason-null", "handshake C25", "picows#64", answer=answering(line=b"HTTP/1.1 101 null")),
    device(
        "reason-of-kaazing",
        "handshake C26",
        "Ninja.WebSockets#9",
        answer=answering(line=b"HTTP/1.1 101 Web Socket Protocol Handshake"),
    ),
    device(
        "http-1-0",
        "handshake C27",
        "tokio-tungstenite#268",
        quick=True,
        answer=answering(line=b"HTTP/1.0 101 Switching Protocols"),
    ),
    device(
        "200-that-is-a-101",
        "handshake C115",
        "jetty#2946",
        quick=True,
        answer=answering(line=b"HTTP/1.1 200 OK"),
    ),
    device(
        "status-line-in-lower-case",
        "relay",
        "RFC 9112 section 4",
        answer=answering(line=b"http/1.1 101 switching protocols"),
    ),
    device(
        "two-spaces-in-the-status-line",
        "relay",
        "RFC 9112 section 4",
        answer=answering(line=b"HTTP/1.1  101 Switching Protocols"),
    ),
    device(
        "reason-in-latin-1",
        "handshake C86",
        "websocket-client#137",
        answer=answering(line=b"HTTP/1.1 101 Cambio de protocolo, se\xf1or"),
    ),
    device("line-end-before-the-101", "relay", "RFC 9112 section 2.2", answer=answering(before=b"\r\n")),
    device(
        "continue-and-early-hints-before-the-101",
        "relay",
        "RFC 9110 section 15.2",
        answer=answering(
            before=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        ),
    ),
    device("bare-lf", "handshake C38", "IXWebSocket#603", quick=True, answer=answering(eol=b"\n")),
    device(
        "no-response-head",
        "handshake C01, handshake C87",
        "aiohttp#3291",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=lambda _: b"",
    ),
)

FIELDS = (
    device(
        "no-upgrade",
        "handshake C147, handshake C90",
        "NPMplus#3038",
        quick=True,
        answer=answering(upgrade=None),
    ),
    device(
        "no-connection",
        "handshake C15",
        "arduinoWebSockets#586",
        quick=True,
        answer=answering(connection=None),
    ),
    device(
        "no-accept",
        "handshake C17, handshake C115",
        "faye-websocket-ruby#37",
        quick=True,
        answer=answering(accept=None),
    ),
    device(
        "a-101-and-nothing-else",
        "relay",
        "RFC 6455 section 4.1",
        answer=answering(upgrade=None, connection=None, accept=None),
    ),
    device(
        "empty-accept",
        "handshake C83",
        "mojo#185",
        answer=answering(accept=b"Sec-WebSocket-Accept:"),
    ),
    device(
        "accept-from-another-guid",
        "handshake C13",
        "cheetahclaws#91",
        quick=True,
        answer=answering(accept=lambda key: b"Sec-WebSocket-Accept: " + accept_of(key, _WRONG_GUID)),
    ),
    device(
        "accept-of-no-key",
        "handshake C123",
        "tungstenite#377",
        answer=answering(accept=_ACCEPT_OF_NOTHING),
    ),
    device(
        "accept-behind-heroku",
        "handshake C14",
        "arduinoWebSockets#604",
        answer=answering(b"Via: 1.1 vegur", accept=b"Sec-Websocket-Accept: QEFMhxzLTip8aJkbmocIGNEeOB8="),
    ),
    device("accept-twice", "handshake C118", "Proxyman#1635", answer=answering(accept=_accept_twice)),
    device(
        "connection-in-lower-case",
        "handshake C11",
        "helidon#8646",
        answer=answering(connection=b"Connection: upgrade"),
    ),
    device(
        "connection-keep-alive-upgrade",
        "handshake C93",
        "bun#33727",
        answer=answering(connection=b"Connection: keep-alive, Upgrade"),
    ),
    device(
        "connection-keep-alive-only",
        "handshake C34",
        "amqtt#230",
        answer=answering(connection=b"Connection: keep-alive"),
    ),
    device(
        "upgrade-capitalized-by-iis",
        "handshake C94",
        "libwebsockets#244",
        answer=answering(upgrade=b"Upgrade: Websocket"),
    ),
    device(
        "upgrade-with-a-version",
        "relay",
        "RFC 9110 section 7.8",
        answer=answering(upgrade=b"Upgrade: websocket/13"),
    ),
    device(
        "names-in-lower-case",
        "handshake C42, handshake C23",
        "LabVIEW-WebSockets-API#7",
        answer=_lower,
    ),
    device(
        "no-space-after-the-colon",
        "handshake C109",
        "websocketpp#301",
        answer=answering(accept=lambda key: b"Sec-WebSocket-Accept:" + accept_of(key)),
    ),
    device(
        "space-before-the-colon",
        "relay",
        "RFC 9112 section 5.1",
        quick=True,
        answer=answering(accept=lambda key: b"Sec-WebSocket-Accept : " + accept_of(key)),
    ),
    device(
        "folded-field",
        "relay",
        "RFC 9112 section 5.2",
        answer=answering(accept=lambda key: b"Sec-WebSocket-Accept:\r\n " + accept_of(key)),
    ),
    device(
        "line-without-a-colon",
        "relay",
        "RFC 9112 section 5",
        quick=True,
        answer=answering(b"this line is no field"),
    ),
    device("nul-in-a-field", "relay", "RFC 9110 section 5.5", answer=answering(b"X-Device: box\x00\x00")),
    device(
        "date-in-latin-1",
        "handshake C86",
        "websocket-client#137",
        answer=answering(b"Date: S\xe1. 13 Dic. 2014 10:00:00 GMT"),
    ),
    device("empty-server-field", "handshake C135", "qt/qtwebsockets#3", answer=answering(b"Server: ")),
    device(
        "101-of-40-kib",
        "handshake C85",
        "beast#1460",
        normalize="[options.client]\nfew_fields = true",
        answer=answering(*_BIG_FIELDS),
    ),
    device("content-length-0", "handshake C83", "mojo#185", answer=answering(b"Content-Length: 0")),
    device(
        "content-length-5",
        "handshake C151",
        "RFC 9112 section 6.1",
        task=GREETED_FIRST,
        greeting=GREETED,
        glued=True,
        answer=answering(b"Content-Length: 5"),
    ),
    device(
        "chunked-in-name-only",
        "frames T03",
        "creationix/http-parser-js#63",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        glued=True,
        answer=answering(b"Transfer-Encoding: chunked"),
    ),
)

CASES: tuple[Case, ...] = (*STATUS_LINES, *FIELDS)
