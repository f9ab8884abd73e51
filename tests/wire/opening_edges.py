"""What comes around an opening request: line ends, segments, early bytes, refusals before it."""

from tests.wire.build import TEXT, client_frame, lines
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, both, case, client, device, hasty, trickled
from tests.wire.handshakes import (
    CONNECTION,
    GET,
    HELLO,
    HOST,
    KEY,
    REQUEST,
    RESPONSE,
    TALK,
    UPGRADE,
    VERSION,
    asks,
    request,
)

LINE_ENDS = (
    case(
        "bare-lf-request",
        "relay",
        "docs/interception.md",
        asks(lines(GET, HOST, UPGRADE, CONNECTION, KEY, VERSION, eol=b"\n")),
    ),
    case(
        "mixed-line-ends-in-request",
        "handshake C39",
        "yesodweb/wai#13",
        asks(
            b"\r\n".join((GET, HOST + b"\nUpgrade: WebSocket", CONNECTION, KEY + b"\n" + VERSION))
            + b"\r\n\r\n"
        ),
    ),
    case("crlf-before-the-request", "relay", "RFC 7230 section 3.5", asks(b"\r\n" + REQUEST)),
    case("crlf-twice-before-the-request", "relay", "RFC 7230 section 3.5", asks(b"\r\n\r\n" + REQUEST)),
    case(
        "two-byte-first-segment",
        "relay",
        "docs/interception.md",
        client(REQUEST, segments=(2,)),
        device(RESPONSE),
        TALK,
    ),
    case(
        "one-byte-first-segment",
        "relay",
        "docs/interception.md",
        client(REQUEST, segments=(1,)),
        device(RESPONSE),
        TALK,
    ),
    case(
        "request-in-one-byte-segments",
        "relay",
        "docs/interception.md",
        client(REQUEST, segments=trickled(REQUEST)),
        device(RESPONSE),
        TALK,
    ),
    case(
        "crlf-alone-in-the-first-segment",
        "relay",
        "docs/interception.md",
        client(b"\r\n" + REQUEST, segments=(1, 1)),
        device(RESPONSE),
        TALK,
    ),
    case(
        "blank-line-in-a-segment-of-its-own",
        "handshake C98",
        "jerryscript-project/iotjs#1980",
        client(REQUEST, segments=(len(REQUEST) - 2, 1)),
        device(RESPONSE, segments=(len(RESPONSE) - 2, 1)),
        TALK,
    ),
)

EARLY_BYTES = (
    case(
        "frame-with-the-request",
        "handshake C71",
        "uNetworking/uWebSockets#213",
        hasty(REQUEST, client_frame(TEXT, b"too early"), RESPONSE),
        TALK,
    ),
    case(
        "frame-before-the-101",
        "handshake C71",
        "uNetworking/uWebSockets#213",
        client(REQUEST),
        both(client_frame(TEXT, b"too early"), RESPONSE),
        TALK,
    ),
    case(
        "crlf-after-the-request",
        "frames A06",
        "rawhat/stratus#9",
        hasty(REQUEST, b"\r\n", RESPONSE),
        device(HELLO),
        client(client_frame(TEXT, b"x")),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "crlf-before-the-first-client-frame",
        "frames A06",
        "rawhat/stratus#9",
        client(REQUEST),
        device(RESPONSE),
        client(b"\r\n", client_frame(TEXT, b"x")),
        device(HELLO),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
)

DIGEST = lines(
    b"HTTP/1.1 401 Unauthorized",
    b'WWW-Authenticate: Digest realm="camera", nonce="7f", qop="auth"',
    b"Content-Length: 0",
)

REQUIRED = (
    lines(b"HTTP/1.1 426 Upgrade Required", b"Sec-WebSocket-Version: 13", b"Content-Length: 4") + b"13?\n"
)

PAGE = lines(b"GET /index.html HTTP/1.1", HOST)

PAGE_ANSWER = lines(b"HTTP/1.1 200 OK", b"Content-Type: text/html", b"Content-Length: 6") + b"<html>"

WITH_CREDENTIALS = request(b'Authorization: Digest username="u", realm="camera"')

KEEP_ALIVE = (
    case(
        "page-then-upgrade",
        "relay",
        "plain HTTP on the same connection",
        client(PAGE),
        device(PAGE_ANSWER),
        client(REQUEST),
        device(RESPONSE),
        TALK,
        before=(len(PAGE), len(PAGE_ANSWER)),
    ),
    case(
        "digest-then-upgrade",
        "handshake C73",
        "http-party/node-http-proxy#890",
        client(REQUEST),
        device(DIGEST),
        client(WITH_CREDENTIALS),
        device(RESPONSE),
        TALK,
        before=(len(REQUEST), len(DIGEST)),
    ),
    case(
        "upgrade-required-then-upgrade",
        "handshake C114",
        "websockets/ws#2291",
        client(REQUEST),
        device(REQUIRED),
        client(REQUEST),
        device(RESPONSE),
        TALK,
        before=(len(REQUEST), len(REQUIRED)),
    ),
    case(
        "third-request-upgrades",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        device(DIGEST),
        client(REQUEST),
        device(REQUIRED),
        client(REQUEST),
        device(RESPONSE),
        TALK,
        before=(2 * len(REQUEST), len(DIGEST + REQUIRED)),
    ),
)

REFUSALS = (
    case(
        "400-without-fields",
        "handshake C06",
        "crossbario/autobahn-python#408",
        client(REQUEST),
        device(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        DEVICE_FIN,
        CLIENT_FIN,
        session=False,
    ),
    case(
        "400-with-a-page",
        "handshake C10",
        "tarasko/picows#115",
        client(REQUEST),
        device(
            lines(b"HTTP/1.1 400 Bad Request", b"Content-Length: 26") + b"No WebSocket UPGRADE header"[:26]
        ),
        CLIENT_FIN,
        DEVICE_FIN,
        session=False,
    ),
    case(
        "200-page-instead-of-upgrade",
        "handshake C07",
        "processone/ejabberd#510",
        client(REQUEST),
        device(lines(b"HTTP/1.1 200 OK", b"Content-Length: 36") + b"This web page is only informative..."),
        CLIENT_FIN,
        DEVICE_FIN,
        session=False,
    ),
    case(
        "301-elsewhere",
        "handshake C89",
        "crossbario/autobahn-python#1488",
        client(REQUEST),
        device(lines(b"HTTP/1.1 301 Moved Permanently", b"Location: /ws/", b"Content-Length: 0")),
        CLIENT_FIN,
        DEVICE_FIN,
        session=False,
    ),
    case(
        "status-line-of-nothing",
        "handshake C91",
        "coder/code-server#925",
        client(REQUEST),
        device(b"Error: HTTP/1.1 400 Bad Request"),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
)

CASES: tuple[Case, ...] = (
    *LINE_ENDS,
    *EARLY_BYTES,
    *KEEP_ALIVE,
    *REFUSALS,
)
