"""Response heads of real devices: status lines, field names, fields left out."""

from tests.wire.build import (
    lines,
)
from tests.wire.conversation import Case, case, client, device
from tests.wire.handshakes import (
    ACCEPT,
    ANSWER,
    CLOSED,
    CONNECTION,
    HELLO,
    REQUEST,
    RESPONSE,
    SWITCHING,
    TALK,
    UPGRADE,
    answers,
    response,
)

STATUS_LINES = (
    case(
        "no-reason",
        "handshake C23",
        "python-websockets/websockets#159",
        answers(response(start=b"HTTP/1.1 101")),
    ),
    case(
        "no-reason-but-a-space",
        "handshake C23",
        "flygoast/libuwsc#8",
        answers(
            lines(
                b"HTTP/1.1 101 ",
                UPGRADE,
                b"Connection: upgrade",
                b"Sec-WebSocket-Accept: BP2DC5lXawTktU4OTmiVuGB5FCI=",
                b"Date: Fri, 23 Nov 2018 06:50:48 GMT",
            )
        ),
    ),
    case("reason-null", "handshake C25", "tarasko/picows#64", answers(response(start=b"HTTP/1.1 101 null"))),
    case(
        "reason-of-kaazing",
        "handshake C26",
        "Ninja.WebSockets#9",
        answers(response(start=b"HTTP/1.1 101 Web Socket Protocol Handshake")),
    ),
    case(
        "reason-in-latin-1",
        "handshake C86",
        "websocket-client/websocket-client#137",
        answers(response(start=b"HTTP/1.1 101 Cambio de protocolo \xe1")),
    ),
    case(
        "http-1-0",
        "handshake C27",
        "snapview/tokio-tungstenite#268",
        answers(response(start=b"HTTP/1.0 101 Switching Protocols")),
    ),
    case(
        "200-that-is-a-101",
        "handshake C115",
        "eclipse/jetty.project#2946",
        answers(response(start=b"HTTP/1.1 200 OK")),
    ),
    case(
        "200-that-is-a-101-glued",
        "handshake C115, handshake C70",
        "eclipse/jetty.project#2946",
        client(REQUEST),
        device(response(start=b"HTTP/1.1 200 OK"), HELLO),
        client(ANSWER),
        CLOSED,
    ),
    case(
        "status-line-in-lower-case",
        "relay",
        "a status line that is none",
        answers(response(start=b"http/1.1 101 s")),
    ),
    case(
        "status-line-of-shoutcast",
        "relay",
        "a status line that is none",
        answers(response(start=b"ICY 101 Switching")),
    ),
    case(
        "two-spaces-in-the-status-line",
        "relay",
        "a status line that is none",
        answers(response(start=b"HTTP/1.1  101  S")),
    ),
    case(
        "a-thousand-times-100",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        device(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, RESPONSE),
        TALK,
    ),
    case(
        "100-continue-before-101",
        "relay",
        "docs/interception.md",
        answers(b"HTTP/1.1 100 Continue\r\n\r\n" + RESPONSE),
    ),
    case(
        "103-and-102-before-101",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        device(b"HTTP/1.1 103 Early Hints\r\nLink: </a.js>; rel=preload\r\n\r\n"),
        device(b"HTTP/1.1 102 Processing\n\n", RESPONSE, HELLO),
        client(ANSWER),
        CLOSED,
    ),
)

FIELD_NAMES = (
    case(
        "connection-in-lower-case",
        "handshake C11",
        "helidon-io/helidon#8646",
        answers(lines(SWITCHING, UPGRADE, b"Connection: upgrade", ACCEPT)),
    ),
    case(
        "all-names-in-lower-case",
        "handshake C42, handshake C23",
        "amphp/http-server#129",
        answers(
            lines(
                b"HTTP/1.1 101",
                *(
                    field.split(b":")[0].lower() + b":" + field.split(b":", 1)[1]
                    for field in (UPGRADE, CONNECTION, ACCEPT)
                ),
            )
        ),
    ),
    case(
        "sec-websocket-accept-title-cased",
        "handshake C42",
        "websockets/ws#1512",
        answers(
            lines(
                SWITCHING,
                UPGRADE,
                CONNECTION,
                ACCEPT.replace(b"WebS", b"Webs"),
                b"Sec-Websocket-Protocol: ocpp2.0",
                b"Via: 1.1 vegur",
            )
        ),
    ),
    case(
        "upgrade-value-capitalized-by-iis",
        "handshake C94, handshake C93",
        "warmcat/libwebsockets#244",
        answers(
            lines(
                SWITCHING,
                b"Cache-Control: private",
                b"Upgrade: Websocket",
                b"Server: Microsoft-IIS/8.0",
                b"X-AspNet-Version: 4.0.30319",
                ACCEPT,
                CONNECTION,
                b"X-Powered-By: ASP.NET",
            )
        ),
    ),
    case(
        "connection-keep-alive-upgrade-answered",
        "handshake C93",
        "oven-sh/bun#33727",
        answers(lines(SWITCHING, UPGRADE, b"Connection: keep-alive, Upgrade", ACCEPT)),
    ),
    case(
        "accept-without-space",
        "handshake C109",
        "zaphoyd/websocketpp#301",
        answers(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept:ne1Cn3Pig3Bqgn6+CUWjDKC8/LE=")),
    ),
    case(
        "names-with-spaces-before-the-colon",
        "relay",
        "RFC 7230 section 3.2.4",
        answers(lines(SWITCHING, b"Upgrade : websocket", b"Connection : Upgrade", ACCEPT)),
    ),
    case(
        "folded-response-field",
        "relay",
        "RFC 7230 section 3.2.4, obs-fold",
        answers(response(b"X-Long: begins here\r\n   and goes on")),
    ),
    case(
        "response-line-without-colon", "relay", "a field that is none", answers(response(b"this is no field"))
    ),
    case(
        "nul-in-response-fields",
        "relay",
        "fields that are none",
        answers(response(b"X-Nul: a\0b", b"\x01\x02: \x7f", b": no name", b"X-A: b\rX-C: d")),
    ),
    case(
        "response-in-cyrillic",
        "handshake C86",
        "denoland/deno#32594",
        answers(response("X-Имя: значение".encode())),
    ),
)

MISSING = (
    case(
        "no-connection",
        "handshake C15",
        "Links2004/arduinoWebSockets#586",
        answers(lines(SWITCHING, UPGRADE, ACCEPT)),
    ),
    case(
        "no-accept",
        "handshake C17, handshake C115",
        "lemmingzshadow/php-websocket#39",
        answers(lines(SWITCHING, UPGRADE, CONNECTION)),
    ),
    case(
        "no-upgrade",
        "handshake C147, handshake C90",
        "ZoeyVid/NPMplus#3038",
        answers(lines(SWITCHING, b"Connection: upgrade", ACCEPT, b"Sec-WebSocket-Protocol: binary")),
    ),
    case("a-101-and-nothing-else", "relay", "no field at all", answers(SWITCHING + b"\r\n\r\n")),
)

CASES: tuple[Case, ...] = (
    *STATUS_LINES,
    *FIELD_NAMES,
    *MISSING,
)
