"""Opening requests with odd keys, hosts, targets and values."""

from tests.wire.build import PING, PONG, TEXT, client_frame, frame, lines, noise, words
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, case, client, device, hasty, trickled
from tests.wire.handshakes import (
    CLOSED,
    CONNECTION,
    GET,
    HELLO,
    HOST,
    KEY,
    REQUEST,
    RESPONSE,
    SKYQ_FRAME,
    SWITCHING,
    UPGRADE,
    VERSION,
    asks,
    meets,
    request,
)

FOO_ACCEPT = b"Sec-WebSocket-Accept: BM0S0+ghftShuFVHQATK/DBiJq8="

NO_KEY_ACCEPT = b"Sec-WebSocket-Accept: Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="

KEYS = (
    case(
        "key-of-32-bytes",
        "handshake C46, handshake C19",
        "websockets/ws#1571",
        asks(
            lines(
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Key: JCMCrKJENqcrTU9erFxGoiP5P8JhjeocERQs9vgR/Y4=",
                VERSION,
            )
        ),
    ),
    case(
        "key-of-8-bytes-and-content-length-0",
        "handshake C47",
        "flutter-webrtc/dart-sip-ua#110",
        asks(
            lines(
                b"GET /ws HTTP/1.1",
                b"user-agent: Dart/2.10 (dart:io)",
                b"connection: Upgrade",
                b"cache-control: no-cache",
                b"accept-encoding: gzip",
                b"content-length: 0",
                b"sec-websocket-version: 13",
                b"host: skyq:9006",
                b"sec-websocket-key: qjaovfzeqzo=",
                b"upgrade: websocket",
            )
        ),
    ),
    case(
        "key-foo-of-micropython",
        "handshake C97",
        "Josverl/micropython-stubs#902",
        meets(
            lines(
                b"GET / HTTP/1.1", b"Host: echo.websocket.org", CONNECTION, UPGRADE, b"Sec-WebSocket-Key: foo"
            ),
            lines(SWITCHING, UPGRADE, CONNECTION, FOO_ACCEPT),
        ),
    ),
    case(
        "empty-key",
        "handshake C123",
        "snapview/tungstenite-rs#377",
        meets(
            lines(GET, HOST, UPGRADE, CONNECTION, b"Sec-WebSocket-Key: ", VERSION),
            lines(SWITCHING, UPGRADE, CONNECTION, NO_KEY_ACCEPT),
        ),
    ),
    case(
        "no-key",
        "handshake C149",
        "krohling/ArduinoWebsocketClient#12",
        meets(
            lines(GET, HOST, UPGRADE, CONNECTION, VERSION),
            lines(SWITCHING, UPGRADE, CONNECTION, NO_KEY_ACCEPT),
        ),
    ),
    case(
        "headless-device",
        "handshake C01, handshake C87",
        "aio-libs/aiohttp#3291",
        client(lines(GET, HOST, CONNECTION, UPGRADE)),
        device(SKYQ_FRAME),
        device(frame(TEXT, b"{}")),
        CLOSED,
    ),
    case(
        "headless-device-in-one-byte-segments",
        "handshake C01",
        "aio-libs/aiohttp#3291",
        client(lines(GET, HOST, CONNECTION, UPGRADE)),
        device(frame(TEXT, b"one by one"), segments=trickled(frame(TEXT, b"one by one"))),
        client(client_frame(PING, b"?")),
        device(frame(PONG, b"?")),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "http-upgrade-tunnel-without-frames",
        "handshake C127",
        "v2fly/v2ray-core#2727",
        client(lines(b"GET /tunnel HTTP/1.1", HOST, CONNECTION, UPGRADE)),
        device(lines(SWITCHING, UPGRADE, CONNECTION)),
        client(noise(700)),
        device(noise(900, start=5)),
        client(noise(100, start=9)),
    ),
)

ORIGINS_AND_HOSTS = (
    case(
        "origin-file",
        "handshake C74, handshake C121",
        "Links2004/arduinoWebSockets#182",
        asks(request(b"Origin: file://", b"Sec-WebSocket-Protocol: arduino")),
    ),
    case(
        "host-without-port",
        "handshake C75",
        "rawhat/stratus#15",
        asks(lines(GET, b"Host: 127.0.0.1", UPGRADE, CONNECTION, KEY, VERSION)),
    ),
    case(
        "host-of-somebody-else",
        "relay",
        "the Host field belongs to the client",
        asks(lines(GET, b"Host: tv.example:8001", UPGRADE, CONNECTION, KEY, VERSION)),
    ),
    case("no-host", "handshake C75", "nim-websock#32", asks(lines(GET, UPGRADE, CONNECTION, KEY, VERSION))),
    case(
        "request-target-is-a-url",
        "frames X07",
        "mitmproxy/mitmproxy#3867",
        asks(request(start=b"GET ws://skyq:9006/as/system/status HTTP/1.1")),
    ),
    case(
        "double-slash-target",
        "handshake C135",
        "warmcat/libwebsockets#453",
        asks(request(b"Sec-WebSocket-Extensions: ", start=b"GET // HTTP/1.1")),
    ),
    case(
        "http-1-0-request",
        "handshake C129",
        "crystal-lang/crystal#5327",
        asks(request(start=b"GET /as/system/status HTTP/1.0")),
    ),
)

VALUES = (
    case(
        "empty-extensions-offer",
        "handshake C45, handshake C94",
        "kerryjiang/SuperWebSocket#35",
        asks(request(b"Sec-WebSocket-Extensions: ", b"Sec-WebSocket-Protocol:")),
    ),
    case(
        "non-ascii-user-agent",
        "handshake C86",
        "encode/uvicorn#968",
        asks(request(b"User-Agent: MicroMessenger NetType/MOB\xc4\xb0LE")),
    ),
    case(
        "latin-1-subprotocol",
        "handshake C86",
        "mozilla-services/autopush#606",
        asks(request(b"Sec-WebSocket-Protocol: p\xe5")),
    ),
    case(
        "request-of-20-kib",
        "handshake C85",
        "hoaproject/Websocket#72",
        asks(request(*(b"Cookie: c%d=" % i + words(1000) for i in range(20)))),
    ),
    case(
        "one-field-of-12-kib",
        "handshake C85",
        "jomjol/AI-on-the-edge-device#432",
        asks(request(b"Cookie: " + words(12000))),
    ),
    case(
        "folded-field",
        "relay",
        "RFC 7230 section 3.2.4, obs-fold",
        asks(request(b"X-Long: begins here\r\n and goes on\r\n\tand on")),
    ),
    case("line-without-colon", "relay", "a field that is none", asks(request(b"this is no field"))),
    case(
        "bearer-comma-subprotocol",
        "handshake C141",
        "tmc/grpc-websocket-proxy#13",
        asks(request(b"Sec-WebSocket-Protocol: Bearer,token")),
    ),
    case(
        "five-thousand-fields",
        "handshake C85",
        "espressif/esp32-xbee#24",
        asks(request(*[b"a:b"] * 5000)),
    ),
    case(
        "nul-in-fields",
        "relay",
        "fields that are none",
        asks(request(b"X-Nul: a\0b", b"\x01\x02: \x7f", b": no name", b"::")),
    ),
    case(
        "method-in-lower-case",
        "relay",
        "a request line that is none",
        asks(request(start=b"get / HTTP/1.1")),
    ),
    case(
        "version-in-lower-case",
        "relay",
        "a request line that is none",
        asks(request(start=b"GET / http/1.1")),
    ),
    case(
        "spaces-in-the-target",
        "relay",
        "a request line that is none",
        asks(request(start=b"GET /a b c HTTP/1.1")),
    ),
    case(
        "tabs-in-the-request-line",
        "relay",
        "a request line that is none",
        asks(request(start=b"GET\t/a\tHTTP/1.1")),
    ),
    case(
        "no-version",
        "relay",
        "a request line that is none",
        asks(request(start=b"GET /")),
    ),
    case(
        "target-in-utf-8",
        "relay",
        "a request line that is none",
        asks(request(start="GET /grüße HTTP/1.1".encode())),
    ),
    case(
        "authorization-ends-the-head-early",
        "handshake C95",
        "websocket-client/websocket-client#895",
        hasty(REQUEST[:-2] + b"Authorization: Basic YWRtaW46YWRtaW4=\n\r\n", b"\r\n", RESPONSE),
        device(HELLO),
    ),
)

CASES: tuple[Case, ...] = (
    *KEYS,
    *ORIGINS_AND_HOSTS,
    *VALUES,
)
