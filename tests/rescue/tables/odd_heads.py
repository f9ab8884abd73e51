"""Heads with odd line ends, odd bytes around them or misspelt names, on either side."""

from tests.devices.device import switching
from tests.devices.lenient import Head, accept_of
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import (
    GREETED,
    GREETED_FIRST,
    answering,
    asking_with,
    client,
    device,
    goodbye,
    preceded_by,
)
from tests.wire.build import KEY

_HEADS, _RELAY = "RFC 9112 section 2", "relay"


def _indented(head: Head) -> bytes:
    return switching(head)[:-2].replace(b"\r\n", b"\r\n    ")[:-4] + b"\r\n"


def _asked_indented(host: bytes, path: bytes) -> bytes:
    return asking_with()(host, path)[:-2].replace(b"\r\n", b"\r\n    ") + b"\r\n"


def _without_blank_line(head: Head) -> bytes:
    return switching(head)[:-2]


def _with_a_tab_as_blank_line(head: Head) -> bytes:
    return switching(head)[:-2] + b"\t\r\n"


DEVICE_CASES: tuple[Case, ...] = (
    device("cr-alone", _RELAY, _HEADS, quick=True, answer=answering(eol=b"\r")),
    device("lf-cr", _RELAY, _HEADS, answer=answering(eol=b"\n\r")),
    device(
        "nul-behind-each-line",
        _RELAY,
        _HEADS,
        answer=lambda head: switching(head).replace(b"\r\n", b"\r\n\0"),
    ),
    device("indented-fields", _RELAY, "RFC 9112 section 5.2", answer=_indented),
    device(
        "no-blank-line",
        "handshake C87",
        "websocket-client#481",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=_without_blank_line,
    ),
    device("byte-order-mark-before-the-101", _RELAY, _HEADS, answer=answering(before=b"\xef\xbb\xbf")),
    device(
        "answer-to-a-connect-first",
        _RELAY,
        "RFC 9110 section 9.3.6",
        answer=answering(before=b"HTTP/1.0 200 Connection established\r\n\r\n"),
    ),
    device(
        "status-line-without-number",
        _RELAY,
        "RFC 9112 section 4",
        answer=answering(line=b"HTTP/1.1 Switching Protocols"),
    ),
    device(
        "200-with-an-accept-only",
        "handshake C115",
        "jetty#2946",
        answer=answering(line=b"HTTP/1.1 200 OK", upgrade=None, connection=None),
    ),
    device("upgrade-is-ws", _RELAY, "RFC 9110 section 7.8", answer=answering(upgrade=b"Upgrade: ws")),
    device(
        "accept-with-underscores",
        _RELAY,
        "RFC 9110 section 5.1",
        answer=answering(accept=lambda key: b"Sec_WebSocket_Accept: " + accept_of(key)),
    ),
    device(
        "101-twice", _RELAY, "RFC 6455 section 4.2.2", quick=True, answer=lambda head: switching(head) * 2
    ),
    device(
        "greeting-before-the-101",
        _RELAY,
        "RFC 6455 section 4.2.2",
        task=GREETED_FIRST,
        answer=lambda head: GREETED + switching(head),
    ),
    device(
        "space-in-the-version",
        _RELAY,
        "RFC 9112 section 4",
        quick=True,
        answer=answering(line=b"HTTP /1.1 101 Switching Protocols"),
    ),
    device(
        "number-glued-to-the-version",
        _RELAY,
        "RFC 9112 section 4",
        answer=answering(line=b"HTTP/1.1101 Switching Protocols"),
    ),
    device(
        "colon-behind-the-version",
        _RELAY,
        "RFC 9112 section 4",
        answer=answering(line=b"HTTP1.1: 101 Switching Protocols"),
    ),
    device("blank-line-of-a-tab", _RELAY, _HEADS, quick=True, answer=_with_a_tab_as_blank_line),
    device(
        "spaces-behind-the-101",
        _RELAY,
        "RFC 6455 section 4.2.2",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=answering(behind=b"  "),
    ),
    device(
        "hixie-75-fields-only",
        "handshake C17",
        "draft-hixie-thewebsocketprotocol-75 section 3.1",
        task=Task(says=("hello",), hears=("hello",), subprotocols=("sample",)),
        answer=answering(
            b"WebSocket-Origin: http://localhost",
            b"WebSocket-Location: ws://localhost/",
            b"WebSocket-Protocol: sample",
            upgrade=b"Upgrade: WebSocket",
            accept=None,
        ),
    ),
    device(
        "page-behind-the-101",
        "handshake C151",
        "RFC 9112 section 6.2",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=answering(b"Content-Length: 15", behind=b"<html>ok</html>"),
    ),
)

CLIENT_CASES: tuple[Case, ...] = (
    client("cr-alone-asked", _RELAY, _HEADS, request=asking_with(eol=b"\r")),
    client("indented-fields-asked", _RELAY, "RFC 9112 section 5.2", request=_asked_indented),
    client("byte-order-mark-before-the-request", _RELAY, _HEADS, request=asking_with(before=b"\xef\xbb\xbf")),
    client(
        "proxy-line-asked",
        _RELAY,
        _HEADS,
        request=asking_with(before=b"PROXY TCP4 127.0.0.1 127.0.0.1 50000 80\r\n"),
    ),
    client(
        "key-ends-the-head-early",
        "handshake C95",
        "websocket-client#895",
        quick=True,
        request=asking_with(key=b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\n"),
    ),
    client(
        "underscores-asked",
        _RELAY,
        "RFC 9110 section 5.1",
        request=asking_with(
            key=b"Sec_WebSocket_Key: AQIDBAUGBwgJCgsMDQ4PEA==", websocket_version=b"Sec_WebSocket_Version: 13"
        ),
    ),
    client("post-asked", _RELAY, "RFC 6455 section 4.1", quick=True, request=asking_with(method=b"POST")),
    client(
        "version-17",
        "handshake C114",
        "misultin#102",
        request=asking_with(websocket_version=b"Sec-WebSocket-Version: 17"),
    ),
    client(
        "upgrade-is-ws-asked", _RELAY, "RFC 9110 section 7.8", request=asking_with(upgrade=b"Upgrade: ws")
    ),
    client(
        "two-versions-of-http",
        _RELAY,
        "RFC 9112 section 3",
        request=asking_with(version=b"HTTP/1.1 HTTP/1.1"),
    ),
    client(
        "extensions-that-are-none",
        _RELAY,
        "RFC 6455 section 9.1",
        request=asking_with(b"Sec-WebSocket-Extensions: a/b; ="),
    ),
    client(
        "length-that-is-none", _RELAY, "RFC 9112 section 6.3", request=asking_with(b"Content-Length: none")
    ),
    client(
        "spaces-behind-the-request",
        _RELAY,
        "RFC 6455 section 4.1",
        request=lambda host, path: asking_with()(host, path) + b"  ",
    ),
    client(
        "line-feed-before-each-frame",
        _RELAY,
        "RFC 6455 section 5.2",
        quick=True,
        says=("hello", b"\x01\x02", "and more"),
        voice=preceded_by(b"\n", KEY),
        farewell=b"\n" + goodbye(),
    ),
)
