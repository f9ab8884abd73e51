"""What devices put right behind a 101, and bodies that a 101 cannot have."""

from tests.wire.build import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    close,
    frame,
    lines,
    noise,
)
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, DEVICE_RST, Case, case, client, device, hasty
from tests.wire.handshakes import (
    ACCEPT,
    ANSWER,
    CLOSED,
    CONNECTION,
    HELLO,
    REQUEST,
    RESPONSE,
    SWITCHING,
    UPGRADE,
    answers,
    request,
    response,
)

LINE_ENDS = (
    case(
        "bare-lf-101",
        "handshake C38",
        "ollyxar/websockets#6",
        answers(
            lines(
                b"HTTP/1.1 101 Web Socket Protocol Handshake",
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                eol=b"\n",
            )
        ),
    ),
    case(
        "bare-lf-101-glued",
        "handshake C38, handshake C70",
        "frak/treefrog#186",
        client(REQUEST),
        device(lines(SWITCHING, UPGRADE, CONNECTION, ACCEPT, eol=b"\n"), HELLO),
        client(ANSWER),
        CLOSED,
    ),
    case(
        "mixed-line-ends-in-101",
        "handshake C38",
        "nanoframework/System.Net.WebSockets#147",
        answers(SWITCHING + b"\n" + UPGRADE + b"\r\n" + CONNECTION + b"\n" + ACCEPT + b"\n\r\n"),
    ),
    case("crlf-before-the-101", "relay", "RFC 7230 section 3.5", answers(b"\r\n" + RESPONSE)),
)


def glued(name: str, cites: str, thread: str, behind: bytes, *, apart: bool = False) -> Case:
    """`behind` follows the 101, in its segment or `apart`; then the talk goes on."""
    first = (device(RESPONSE), device(behind)) if apart else (device(RESPONSE, behind),)
    return case(
        name, cites, thread, client(REQUEST), first, device(HELLO), client(ANSWER), CLIENT_FIN, DEVICE_FIN
    )


SERVER_ID = bytes.fromhex("81117b22") + b'server_id":123}'

BEHIND = (
    glued("frame-glued-to-101", "handshake C70, frames A02, frames A01", "circuits/circuits#261", SERVER_ID),
    glued(
        "three-frames-glued-to-101",
        "handshake C70, frames A02",
        "espressif/esp-protocols#396",
        SERVER_ID + frame(PING) + frame(BINARY, noise(300)),
    ),
    glued("half-a-frame-glued-to-101", "handshake C70", "netty/netty#1331", SERVER_ID[:3]),
    glued("64-kib-glued-to-101", "handshake C70", "privkeyio/libnostr-z#134", frame(BINARY, noise(65536))),
    glued("crlf-behind-101", "frames A05", "python-websockets/websockets#177", b"\r\n"),
    glued("crlf-behind-101-apart", "frames A05", "python-websockets/websockets#177", b"\r\n", apart=True),
    glued("frame-that-begins-like-a-line-end", "relay", "docs/interception.md", b"\n\x03pon\r\x00"),
    glued("nul-behind-101", "frames A07, frames A03", "warmcat/libwebsockets#2774", b"\x00"),
    glued("nul-behind-101-apart", "frames A03", "cyrus-great/phpwebsocket#15", b"\x00", apart=True),
    case(
        "close-glued-to-101-and-hang-up",
        "handshake C134",
        "chrisballinger/LgTvWebOSSwift#4",
        client(REQUEST),
        device(RESPONSE, frame(CLOSE, close(1008, b"invalid origin"))),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "101-and-hang-up",
        "frames E17",
        "hassanfayyaz19/pts-controller",
        client(REQUEST),
        device(RESPONSE),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "101-and-reset",
        "frames E05",
        "crossbario/autobahn-python#887",
        client(REQUEST),
        device(RESPONSE),
        DEVICE_RST,
    ),
)

CHUNKED = b"Transfer-Encoding: chunked"

FRAMED_BODIES = (
    case(
        "chunked-and-really-so",
        "handshake C151, frames T01",
        "phusion/passenger-nodejs-websocket-demo#2",
        client(REQUEST),
        device(response(CHUNKED)),
        device(b"5\r\n", frame(TEXT, b"1::"), b"\r\n"),
        device(b"5\r\n", frame(TEXT, b"2::"), b"\r\n0\r\n\r\n"),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "chunked-and-really-so-glued",
        "handshake C151, frames T02",
        "aio-libs/aiohttp#3798",
        client(REQUEST),
        device(response(CHUNKED), b"5\r\n", frame(TEXT, b"1::"), b"\r\n"),
        client(ANSWER),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "chunked-in-name-only",
        "handshake C151, frames T03",
        "koush/AndroidAsync#317",
        answers(response(CHUNKED)),
    ),
    case(
        "chunked-in-name-only-glued",
        "frames T03",
        "creationix/http-parser-js#63",
        client(REQUEST),
        device(response(CHUNKED), bytes.fromhex("810568656c6c6f")),
        client(ANSWER),
        CLOSED,
    ),
    case(
        "stray-last-chunk",
        "frames T03",
        "mirage/ocaml-cohttp#1141",
        client(REQUEST),
        device(response(CHUNKED), HELLO, bytes.fromhex("300d0a0d0a")),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "content-length-0-on-101",
        "handshake C83",
        "mojolicious/mojo#185",
        answers(response(b"Content-Length: 0")),
    ),
    case(
        "content-length-0-on-101-glued",
        "handshake C83",
        "mojolicious/mojo#185",
        client(REQUEST),
        device(response(b"Content-Length: 0"), HELLO),
        client(ANSWER),
        CLOSED,
    ),
    case(
        "content-length-5-on-101",
        "handshake C151",
        "envoyproxy/envoy#11458",
        answers(response(b"Content-Length: 5")),
    ),
    case(
        "content-length-twice-and-nonsense",
        "handshake C151",
        "envoyproxy/envoy#11458",
        answers(response(b"Content-Length: 5", b"Content-Length: many", CHUNKED)),
    ),
    case(
        "content-length-on-200-as-101",
        "handshake C115",
        "eclipse/jetty.project#2946",
        answers(response(b"Content-Length: 0", start=b"HTTP/1.1 200 OK")),
    ),
    case(
        "content-length-0-on-the-request-glued",
        "handshake C47",
        "flutter-webrtc/dart-sip-ua#110",
        hasty(request(b"content-length: 0"), ANSWER, RESPONSE + HELLO),
        CLOSED,
    ),
)

CASES: tuple[Case, ...] = (
    *LINE_ENDS,
    *BEHIND,
    *FRAMED_BODIES,
)
