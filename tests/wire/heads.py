"""Heads of real peers and what they say, read tolerantly; `source` is the case in the corpus."""

from dataclasses import dataclass, field

from tests.wire.build import lines
from tests.wire.handshakes import (
    ACCEPT,
    CONNECTION,
    HOST,
    KEY,
    REQUEST,
    RESPONSE,
    SWITCHING,
    UPGRADE,
    VERSION,
)

type Values = dict[str, list[bytes]]


@dataclass(frozen=True, slots=True)
class RequestVector:
    """A request head: its first line in parts, some of its values, and whether it asks for a WebSocket."""

    name: str
    source: str
    raw: bytes
    method: bytes = b"GET"
    target: bytes = b"/as/system/status"
    version: bytes = b"HTTP/1.1"
    upgrade: bool = True
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResponseVector:
    """A response head: its status line in parts, some of its values, and whether it grants `REQUEST`."""

    name: str
    source: str
    raw: bytes
    version: bytes = b"HTTP/1.1"
    status: int | None = 101
    reason: bytes = b"Switching Protocols"
    upgrade: bool = True
    values: Values = field(default_factory=dict)
    subprotocol: str | None = None
    extensions: str | None = None


@dataclass(frozen=True, slots=True)
class HeadlessVector:
    """What a device sends that is no response head, and how many of its bytes are enough to tell."""

    name: str
    source: str
    data: bytes
    decided_after: int


def _request(*more: bytes, start: bytes = b"GET /as/system/status HTTP/1.1") -> bytes:
    return lines(start, HOST, UPGRADE, CONNECTION, KEY, VERSION, *more)


def _response(*more: bytes, start: bytes = SWITCHING) -> bytes:
    return lines(start, UPGRADE, CONNECTION, ACCEPT, *more)


REQUESTS = (
    RequestVector(
        "usual", "RFC 6455 1.2", REQUEST, values={"host": [b"skyq:9006"], "upgrade": [b"websocket"]}
    ),
    RequestVector(
        "names-in-lower-case",
        "C01",
        lines(
            b"GET /as/system/status HTTP/1.1",
            b"host: skyq:9006",
            b"upgrade: WebSocket",
            b"connection: Upgrade",
            b"sec-websocket-key: xNtNd7KbRC0kZu14wayhRA==",
            b"sec-websocket-version: 13",
        ),
        values={"Upgrade": [b"WebSocket"], "Sec-WebSocket-Key": [b"xNtNd7KbRC0kZu14wayhRA=="]},
    ),
    RequestVector(
        "names-in-title-case",
        "C05",
        lines(b"GET / HTTP/1.1", b"Sec-Websocket-Key: 1u4hDlp0kUjbZafgII9lLw==", b"Upgrade: Websocket"),
        target=b"/",
        values={"sec-websocket-key": [b"1u4hDlp0kUjbZafgII9lLw=="]},
    ),
    RequestVector(
        "spaces-in-a-name",
        "C122",
        lines(
            b"GET / HTTP/1.1",
            b"Host: ws://192.168.0.9:81/",
            b"Upgrade: WebSocket",
            b"Sec - WebSocket - Protocol: arduino ",
            b"Sec - WebSocket - Protocol: arduino ",
        ),
        target=b"/",
        values={"Sec-WebSocket-Protocol": [b"arduino", b"arduino"], "host": [b"ws://192.168.0.9:81/"]},
    ),
    RequestVector(
        "space-before-the-colon",
        "tolerant reading",
        lines(b"GET / HTTP/1.1", b"Upgrade : websocket", b"Host\t:\tskyq"),
        target=b"/",
        values={"upgrade": [b"websocket"], "host": [b"skyq"]},
    ),
    RequestVector("bare-lf", "C39", REQUEST.replace(b"\r\n", b"\n"), values={"upgrade": [b"websocket"]}),
    RequestVector(
        "mixed-line-ends",
        "C39",
        b"GET /as/system/status HTTP/1.1\nUpgrade: WebSocket\r\nHost: a\nOrigin: b\r\r\n\r\n",
        values={"upgrade": [b"WebSocket"], "host": [b"a"], "origin": [b"b"]},
    ),
    RequestVector(
        "folds",
        "RFC 9112 5.2",
        _request(b"Cookie: a=1;\r\n\t b=2;\r\n  \r\n c=3"),
        values={"cookie": [b"a=1; b=2; c=3"], "upgrade": [b"websocket"]},
    ),
    RequestVector(
        "fold-before-any-field",
        "RFC 9112 2.2",
        lines(b"GET /as/system/status HTTP/1.1", b" Upgrade: websocket"),
        values={"upgrade": [b"websocket"]},
    ),
    RequestVector("leading-line-ends", "RFC 9112 2.2", b"\r\n\n" + REQUEST, values={"host": [b"skyq:9006"]}),
    RequestVector(
        "not-ascii",
        "C86",
        _request(b"User-Agent: NetType/MOB\xc4\xb0LE"),
        values={"user-agent": [b"NetType/MOB\xc4\xb0LE"]},
    ),
    RequestVector(
        "nul-bytes",
        "tolerant reading",
        _request(b"X-Name\0: a\0b"),
        values={"x-name": [b"a\0b"]},
    ),
    RequestVector(
        "no-colon",
        "tolerant reading",
        _request(b"what is this"),
        values={"": [b"what is this"], "host": [b"skyq:9006"]},
    ),
    RequestVector(
        "duplicates",
        "C142",
        _request(b"Upgrade: websocket", KEY),
        values={"upgrade": [b"websocket", b"websocket"], "sec-websocket-key": [KEY.split()[1]] * 2},
    ),
    RequestVector("no-key", "C127", lines(b"GET / HTTP/1.1", UPGRADE, CONNECTION), target=b"/"),
    RequestVector("no-upgrade-left", "C57", lines(b"GET / HTTP/1.1", KEY, VERSION), target=b"/"),
    RequestVector("http-1-0", "C27", _request(start=b"GET / HTTP/1.0"), target=b"/", version=b"HTTP/1.0"),
    RequestVector("absolute-target", "X07", _request(start=b"GET ws://a:1/b HTTP/1.1"), target=b"ws://a:1/b"),
    RequestVector(
        "spaces-in-the-target", "tolerant reading", _request(start=b"GET /a b  c HTTP/1.1"), target=b"/a b  c"
    ),
    RequestVector(
        "many-spaces",
        "tolerant reading",
        _request(start=b"GET  /a \t http/1.1 "),
        target=b"/a",
        version=b"http/1.1",
    ),
    RequestVector("no-version", "tolerant reading", _request(start=b"GET /a"), target=b"/a", version=b""),
    RequestVector("no-target", "tolerant reading", _request(start=b"GET HTTP/1.1"), target=b""),
    RequestVector("method-only", "tolerant reading", _request(start=b"GET"), target=b"", version=b""),
    RequestVector(
        "hixie-76",
        "C83",
        lines(
            b"GET / HTTP/1.1",
            b"Upgrade: WebSocket",
            b"Sec-WebSocket-Key1: 23 1 +V2 61z9 5 P[t B|34vE",
            b"Sec-WebSocket-Key2: 2  33 0w{z 55679 0",
        )
        + bytes.fromhex("8d075bf91934c649"),
        target=b"/",
        values={"sec-websocket-key2": [b"2  33 0w{z 55679 0"]},
    ),
    RequestVector(
        "upgrade-in-a-list",
        "tolerant reading",
        lines(b"GET / HTTP/1.1", b'Upgrade: h2c, "WebSocket/13"'),
        target=b"/",
    ),
    RequestVector("plain-http", "relay", lines(b"POST /a HTTP/1.1", HOST), b"POST", b"/a", upgrade=False),
    RequestVector(
        "other-upgrade", "relay", lines(b"GET / HTTP/1.1", b"Upgrade: h2c"), target=b"/", upgrade=False
    ),
    RequestVector("nothing", "tolerant reading", b"", b"", b"", b"", upgrade=False),
    RequestVector("blank-line", "tolerant reading", b"\r\n", b"", b"", b"", upgrade=False),
    RequestVector("cut-off", "tolerant reading", REQUEST[:-9], values={"host": [b"skyq:9006"]}),
)

RESPONSES = (
    ResponseVector("usual", "RFC 6455 1.2", RESPONSE, values={"upgrade": [b"websocket"]}),
    ResponseVector("no-reason", "C23", _response(start=b"HTTP/1.1 101"), reason=b""),
    ResponseVector("no-reason-but-a-space", "C23", _response(start=b"HTTP/1.1 101 "), reason=b""),
    ResponseVector("reason-null", "C25", _response(start=b"HTTP/1.1 101 null"), reason=b"null"),
    ResponseVector(
        "reason-of-kaazing",
        "C26",
        _response(start=b"HTTP/1.1 101 Web Socket Protocol Handshake"),
        reason=b"Web Socket Protocol Handshake",
    ),
    ResponseVector("http-1-0", "C27", _response(start=b"HTTP/1.0 101 Ok"), b"HTTP/1.0", reason=b"Ok"),
    ResponseVector(
        "http-in-lower-case",
        "tolerant reading",
        _response(start=b"http/1.1  101\tOk"),
        b"http/1.1",
        reason=b"Ok",
    ),
    ResponseVector(
        "no-version", "tolerant reading", _response(start=b"HTTP/ 101 Ok"), b"HTTP/", reason=b"Ok"
    ),
    ResponseVector(
        "space-in-the-version",
        "tolerant reading",
        _response(start=b"HTTP /1.1 101 Ok"),
        b"HTTP /1.1",
        reason=b"Ok",
    ),
    ResponseVector(
        "blank-line-of-white-space", "tolerant reading", lines(SWITCHING, UPGRADE, ACCEPT)[:-2] + b" \t\r\n"
    ),
    ResponseVector("reason-not-ascii", "C86", _response(start=b"HTTP/1.1 101 S\xe1"), reason=b"S\xe1"),
    ResponseVector(
        "bare-lf",
        "C38",
        b"HTTP/1.1 101 Web Socket Protocol Handshake\nUpgrade: websocket\nConnection: Upgrade\n"
        b"Sec-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n",
        reason=b"Web Socket Protocol Handshake",
        values={"sec-websocket-accept": [b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]},
    ),
    ResponseVector(
        "no-space-after-the-colon",
        "C109",
        lines(SWITCHING, b"Upgrade:websocket", b"Sec-WebSocket-Accept:ne1Cn3Pig3Bqgn6+CUWjDKC8/LE="),
        values={"sec-websocket-accept": [b"ne1Cn3Pig3Bqgn6+CUWjDKC8/LE="]},
    ),
    ResponseVector(
        "names-in-lower-case",
        "C42",
        lines(SWITCHING, b"upgrade: websocket", b"sec-websocket-protocol: rtsp.onvif.org"),
        subprotocol="rtsp.onvif.org",
    ),
    ResponseVector("no-upgrade-field", "C147", lines(SWITCHING, b"Connection: upgrade", ACCEPT)),
    ResponseVector("no-connection-field", "C15", lines(SWITCHING, UPGRADE, ACCEPT)),
    ResponseVector("no-accept", "C127", lines(SWITCHING, UPGRADE, CONNECTION)),
    ResponseVector("200-with-upgrade", "C115", _response(start=b"HTTP/1.1 200 OK"), status=200, reason=b"OK"),
    ResponseVector(
        "200-page",
        "C07",
        lines(b"HTTP/1.1 200 OK", b"Content-Length: 0"),
        status=200,
        reason=b"OK",
        upgrade=False,
    ),
    ResponseVector(
        "426-with-upgrade",
        "C34",
        lines(b"HTTP/1.1 426 Upgrade Required", UPGRADE),
        status=426,
        reason=b"Upgrade Required",
        upgrade=False,
    ),
    ResponseVector("101-to-something-else", "relay", lines(SWITCHING, b"Upgrade: h2c"), upgrade=False),
    ResponseVector("empty-extensions", "C45", _response(b"Sec-WebSocket-Extensions: ")),
    ResponseVector("empty-subprotocol", "C77", _response(b"Sec-WebSocket-Protocol:", b"Server:")),
    ResponseVector(
        "subprotocol-not-ascii",
        "C86",
        _response(b"Sec-WebSocket-Protocol: \xe5"),
        subprotocol="\\xe5",
    ),
    ResponseVector(
        "extensions-in-two-fields",
        "RFC 6455 9.1",
        _response(b"Sec-WebSocket-Extensions: foo", b"sec-websocket-extensions: permessage-deflate"),
        extensions="foo, permessage-deflate",
    ),
    ResponseVector("leading-line-ends", "DESIGN 5", b"\r\n\r\n" + RESPONSE),
    ResponseVector("interim-before-101", "DESIGN 5", b"HTTP/1.1 100 Continue\r\n\r\n" + RESPONSE),
    ResponseVector(
        "two-interims-and-line-ends",
        "DESIGN 5",
        b"\r\nHTTP/1.1 103 Early Hints\nLink: </a>\n\n\nHTTP/1.1 102 Processing\r\n\r\n" + RESPONSE,
        values={"link": [], "upgrade": [b"websocket"]},
    ),
    ResponseVector(
        "interim-alone",
        "DESIGN 5",
        b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n",
        status=100,
        reason=b"Continue",
        upgrade=False,
    ),
    ResponseVector(
        "interim-cut-off",
        "DESIGN 5",
        b"HTTP/1.1 100 Continue\r\n",
        status=100,
        reason=b"Continue",
        upgrade=False,
    ),
    ResponseVector(
        "error-before-the-version",
        "C91",
        lines(b"Error: HTTP/1.1 400 Bad Request"),
        status=400,
        reason=b"Bad Request",
        upgrade=False,
    ),
    ResponseVector("icy", "tolerant reading", lines(b"ICY 200 OK"), b"ICY", 200, b"OK", upgrade=False),
    ResponseVector(
        "four-digit-status", "C126", lines(b"HTTP/1.1 1011 x"), b"", None, b"HTTP/1.1 1011 x", upgrade=False
    ),
    ResponseVector(
        "words-only", "tolerant reading", lines(b"HTTP/1.1 what"), b"", None, b"HTTP/1.1 what", upgrade=False
    ),
    ResponseVector("nothing", "C87", b"", b"", None, b"", upgrade=False),
)

HEADLESS = (
    HeadlessVector("sky-q-to-nc", "C01", bytes.fromhex("817e06a7") + b'{"a":1}', 1),
    HeadlessVector("close-at-once", "C87", bytes.fromhex("880203e8"), 1),
    HeadlessVector("ping-at-once", "C87", bytes.fromhex("8900"), 1),
    HeadlessVector("binary-at-once", "C87", bytes.fromhex("8203ffffff"), 1),
    HeadlessVector("hixie-76-text", "D01", b"\0hello\xff", 1),
    HeadlessVector("line-end-before-a-frame", "A05", b"\r\n\x81\x00", 3),
    HeadlessVector("pong-without-fin", "C07", b"\n\x00", 2),
    HeadlessVector("json", "F03", b'{"name":"ms.channel.connect"}', 1),
    HeadlessVector("chunk-size", "T01", b"5\r\n\x81\x031::\r\n", 1),
    HeadlessVector("html", "C119", b"<html>", 1),
    HeadlessVector("tls-alert", "F10", bytes.fromhex("15030300020228"), 1),
    HeadlessVector("compressed-fragment", "Z07", bytes.fromhex("410548cdc9c907"), 2),
    HeadlessVector("words-and-line-end", "tolerant reading", b"Login incorrect\r\n", 17),
    HeadlessVector("words-without-end", "tolerant reading", b"a" * 200, 129),
    HeadlessVector("one-word", "tolerant reading", b"HT\n", 3),
)
