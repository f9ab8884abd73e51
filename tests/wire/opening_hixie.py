"""The opening handshake of hixie-76, with its bytes behind both heads."""

from tests.wire.build import lines, noise
from tests.wire.conversation import Case, case, client, device
from tests.wire.handshakes import CONNECTION

HIXIE_REQUEST = lines(
    b"GET /demo HTTP/1.1",
    b"Host: example.com",
    CONNECTION,
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
    b"Sec-WebSocket-Protocol: sample",
    b"Upgrade: WebSocket",
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5",
    b"Origin: http://example.com",
)

HIXIE_RESPONSE = lines(
    b"HTTP/1.1 101 WebSocket Protocol Handshake",
    b"Upgrade: WebSocket",
    CONNECTION,
    b"Sec-WebSocket-Origin: http://example.com",
    b"Sec-WebSocket-Location: ws://example.com/demo",
    b"Sec-WebSocket-Protocol: sample",
)

HIXIE_TALK = (
    client(b"\x00hello\xff"),
    device(b"\x00from the tv\xff\x00twice\xff"),
    client(b"\xff\x00"),
    device(b"\xff\x00"),
)

HIXIE = (
    case(
        "hixie-76",
        "frames D01, frames D03",
        "websockets/ws#2150",
        client(HIXIE_REQUEST, b"^n:ds[4U"),
        device(HIXIE_RESPONSE, b"8jKS'y:G*Co,Wxa-"),
        HIXIE_TALK,
    ),
    case(
        "hixie-76-body-in-its-own-segment",
        "frames D02",
        "zaphoyd/websocketpp#517",
        client(HIXIE_REQUEST, b"^n:ds[4U", segments=(len(HIXIE_REQUEST),)),
        device(HIXIE_RESPONSE),
        device(b"8jKS'y:G*Co,Wxa-"),
        HIXIE_TALK,
    ),
    case(
        "hixie-76-safari",
        "handshake C83, handshake C113",
        "TooTallNate/Java-WebSocket#63",
        client(
            lines(
                b"GET / HTTP/1.1",
                b"Upgrade: WebSocket",
                CONNECTION,
                b"Host: 127.0.0.1:8887",
                b"Origin: null",
                b"Sec-WebSocket-Key1: 23 1 +V2 61z9 5 P[t B|34vE",
                b"Sec-WebSocket-Key2: 2  33 0w{z 55679 0",
            ),
            bytes.fromhex("8d07195bf934c649"),
        ),
        device(HIXIE_RESPONSE, noise(16)),
        HIXIE_TALK,
    ),
    case(
        "hixie-76-key-begins-with-space",
        "handshake C113",
        "disconnect/apache-websocket#2",
        client(HIXIE_REQUEST.replace(b"Key1: 4", b"Key1:  !0 4"), b"^n:ds[4U"),
        device(HIXIE_RESPONSE, noise(16)),
        HIXIE_TALK,
    ),
    case(
        "hixie-76-crlf-after-challenge",
        "frames A09",
        "eclipse-ee4j/grizzly#855",
        client(HIXIE_REQUEST, b"^n:ds[4U"),
        device(HIXIE_RESPONSE, noise(16), b"\r\n"),
        HIXIE_TALK,
    ),
)

CASES: tuple[Case, ...] = (*HIXIE,)
