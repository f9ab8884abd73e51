"""Upgrade requests that announce a body, which a GET for a WebSocket does not have (RFC 6455 section 4.1)."""

from tests.wire.build import TEXT, client_frame, lines
from tests.wire.conversation import Case, case, client, device, hasty, trickled
from tests.wire.handshakes import ANSWER, CLOSED, HELLO, RESPONSE, TALK, request

WITH_LENGTH = request(b"content-length: 5")
CHUNKED = request(b"Transfer-Encoding: chunked")
CHUNKS = b"5;odd=1\r\nhello\r\n1 \r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n"
EXPECTING = request(b"Expect: 100-continue", b"Content-Length: 5")
CONTINUE = lines(b"HTTP/1.1 100 Continue")
REFUSED = lines(b"HTTP/1.1 401 Unauthorized", b"Content-Length: 0")

CASES: tuple[Case, ...] = (
    case(
        "body-of-a-length",
        "relay",
        "RFC 9112 section 6",
        client(WITH_LENGTH, b"hello"),
        device(RESPONSE),
        TALK,
    ),
    case(
        "body-in-its-own-segments",
        "relay",
        "RFC 9112 section 6",
        client(WITH_LENGTH),
        client(b"hello", segments=trickled(b"hello")),
        device(RESPONSE),
        TALK,
    ),
    case(
        "frame-behind-a-body",
        "relay",
        "RFC 9112 section 6",
        hasty(WITH_LENGTH + b"hello", client_frame(TEXT, b"early"), RESPONSE),
        TALK,
    ),
    case(
        "body-announced-but-none-sent",
        "relay",
        "RFC 9112 section 6",
        client(WITH_LENGTH),
        device(RESPONSE),
        TALK,
    ),
    case(
        "length-that-is-no-number",
        "relay",
        "RFC 9112 section 6.3",
        client(request(b"Content-Length: none")),
        device(RESPONSE),
        TALK,
    ),
    case(
        "empty-chunked-body",
        "relay",
        "RFC 9112 section 7.1",
        client(CHUNKED),
        client(b"0\r\n\r\n"),
        device(RESPONSE),
        TALK,
    ),
    case(
        "chunked-body-in-one-byte-segments",
        "relay",
        "RFC 9112 section 7.1",
        client(CHUNKED),
        client(CHUNKS, segments=trickled(CHUNKS)),
        device(RESPONSE),
        TALK,
    ),
    case(
        "frame-in-place-of-chunks",
        "relay",
        "RFC 9112 section 7.1",
        hasty(CHUNKED, ANSWER, RESPONSE),
        device(HELLO),
        CLOSED,
    ),
    case(
        "expects-100-and-gets-it",
        "relay",
        "RFC 9110 section 10.1.1",
        client(EXPECTING),
        device(CONTINUE),
        client(b"hello"),
        device(RESPONSE),
        TALK,
    ),
    case(
        "expects-100-and-gets-101",
        "relay",
        "RFC 9110 section 10.1.1",
        client(EXPECTING),
        device(RESPONSE),
        TALK,
    ),
    case(
        "refused-with-a-body-then-upgraded-with-one",
        "relay",
        "RFC 9112 section 6",
        client(WITH_LENGTH, b"hello"),
        device(REFUSED),
        client(CHUNKED, CHUNKS),
        device(RESPONSE),
        TALK,
        before=(len(WITH_LENGTH) + 5, len(REFUSED)),
    ),
    case(
        "expectation-refused-then-upgraded",
        "relay",
        "RFC 9110 section 10.1.1",
        client(EXPECTING),
        device(REFUSED),
        client(EXPECTING),
        device(CONTINUE),
        client(b"hello"),
        device(RESPONSE),
        TALK,
        before=(len(EXPECTING), len(REFUSED)),
    ),
)
