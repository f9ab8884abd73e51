"""Clients whose request is odd in its lines, or who do not wait for the response."""

from tests.devices.habits import Voice, hixie76, hixie76_close, octets
from tests.devices.lenient import Head, Hixie76Reader
from tests.rescue.case import Case
from tests.rescue.tables.made import asking_with, client
from tests.wire.build import TEXT, client_frame, lines

_ANY = ()


def _everything_twice(host: bytes, path: bytes) -> bytes:
    asked = asking_with()(host, path)
    _, _, fields = asked.partition(b"\r\n")
    more = [line for line in fields.rstrip().split(b"\r\n") if not line.startswith(b"Host")]
    return asked[:-2] + b"\r\n".join(more) + b"\r\n\r\n"


def _mixed_ends(host: bytes, path: bytes) -> bytes:
    return asking_with()(host, path).replace(b"Upgrade\r\n", b"Upgrade\n", 1)


_HIXIE_BODY = b"^n:ds[4U"


def _hixie_request(host: bytes, path: bytes) -> bytes:
    head = lines(
        b"GET " + path + b" HTTP/1.1",
        b"Host: " + host,
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
        b"Upgrade: WebSocket",
        b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5",
        b"Origin: http://example.com",
    )
    return head + _HIXIE_BODY


def _hixie_answered(head: Head) -> str:
    return "" if head.raw.endswith(b"8jKS'y:G*Co,Wxa-") else "the challenge is not answered"


def _once_said() -> Voice:
    """Everything but the first message: that went with the request."""
    waiting = iter((b"",))
    return lambda message: next(waiting, client_frame(TEXT, octets(message)))


LINES = (
    client(
        "http-1-0-request",
        "handshake C129",
        "crystal#5327",
        quick=True,
        request=asking_with(version=b"HTTP/1.0"),
    ),
    client(
        "version-in-lower-case", "relay", "RFC 9112 section 2.3", request=asking_with(version=b"http/1.1")
    ),
    client("method-in-lower-case", "relay", "RFC 9110 section 9.1", request=asking_with(method=b"get")),
    client(
        "request-target-is-a-url",
        "frames X07",
        "mitmproxy/mitmproxy#3867",
        quick=True,
        request=asking_with(target=b"ws://%h%s"),
    ),
    client("bare-lf-request", "relay", "RFC 9112 section 2.2", quick=True, request=asking_with(eol=b"\n")),
    client("mixed-line-ends", "handshake C39", "wai#13", request=_mixed_ends),
    client(
        "line-ends-before-the-request",
        "relay",
        "RFC 9112 section 2.2",
        request=asking_with(before=b"\r\n\r\n"),
    ),
    client("no-host", "handshake C75", "nim-websock#32", quick=True, request=asking_with(host=None)),
    client(
        "host-is-a-url",
        "handshake C122",
        "arduinoWebSockets#487",
        request=asking_with(host=b"Host: ws://%s/"),
    ),
    client("everything-twice", "handshake C142", "ws.q#1", request=_everything_twice),
    client(
        "spaces-inside-names",
        "handshake C122",
        "arduinoWebSockets#487",
        request=asking_with(b"Sec - WebSocket - Protocol: arduino "),
    ),
    client(
        "space-before-the-colon-asked",
        "relay",
        "RFC 9112 section 5.1",
        request=asking_with(connection=b"Connection : Upgrade"),
    ),
    client(
        "no-space-after-the-colon-asked",
        "handshake C37",
        "nginx-push-stream-module#61",
        request=asking_with(upgrade=b"Upgrade:WebSocket"),
    ),
    client(
        "folded-field-asked",
        "relay",
        "RFC 9112 section 5.2",
        request=asking_with(b"X-Device: charger\r\n of the second floor"),
    ),
    client(
        "line-without-a-colon-asked",
        "relay",
        "RFC 9112 section 5",
        quick=True,
        request=asking_with(b"this line is no field"),
    ),
    client(
        "nul-in-a-field-asked", "relay", "RFC 9110 section 5.5", request=asking_with(b"User-Agent: box\x00")
    ),
    client(
        "user-agent-in-latin-1",
        "handshake C86",
        "uvicorn#968",
        request=asking_with(b"User-Agent: NetType/MOB\xc4\xb0LE"),
    ),
    client(
        "empty-extensions-asked",
        "handshake C45, handshake C94",
        "SuperWebSocket#35",
        request=asking_with(b"Sec-WebSocket-Extensions: "),
    ),
    client(
        "nonsense-extensions-asked",
        "handshake C110",
        "undici#5714",
        request=asking_with(
            b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits = 77; level=9"
        ),
    ),
    client(
        "subprotocol-asked-twice",
        "handshake C142",
        "RFC 6455 section 4.1",
        request=asking_with(b"Sec-WebSocket-Protocol: ocpp1.6, ocpp1.6"),
    ),
    client(
        "subprotocol-in-latin-1",
        "handshake C86",
        "autopush#606",
        request=asking_with(b"Sec-WebSocket-Protocol: \xe5"),
    ),
    client(
        "authorization-ends-the-head-early",
        "handshake C95",
        "websocket-client#895",
        request=asking_with(b"Authorization: Basic YWRtaW46YWRtaW4=\n"),
    ),
    client(
        "chunked-body-announced",
        "relay",
        "RFC 9112 section 6.1",
        request=asking_with(b"Transfer-Encoding: chunked"),
    ),
    client(
        "chunked-body",
        "relay",
        "RFC 9112 section 7.1",
        request=asking_with(b"Transfer-Encoding: chunked"),
        quick=True,
        early=b"5\r\nhello\r\n0\r\n\r\n",
    ),
    client(
        "body-of-a-length",
        "relay",
        "RFC 9112 section 6.2",
        request=asking_with(b"Content-Length: 5"),
        early=b"hello",
    ),
)

EARLY = (
    client("line-end-after-the-request", "frames A06", "rawhat/stratus#9", quick=True, early=b"\r\n"),
    client(
        "frame-with-the-request",
        "handshake C71",
        "uWebSockets#213",
        says=("early", "hello"),
        voice=_once_said,
        early=client_frame(TEXT, b"early"),
    ),
    client(
        "hixie-76-client",
        "frames D01, frames D02, handshake C83",
        "websockets/ws#2150",
        says=("hello",),
        codes=_ANY,
        normalize='[rules]\n"handshake.request.hixie76" = true',
        body=16,
        request=_hixie_request,
        wants=_hixie_answered,
        voice=hixie76,
        close=hixie76_close,
        reader=Hixie76Reader,
        farewell=b"\xff\x00",
    ),
)

CASES: tuple[Case, ...] = (*LINES, *EARLY)
