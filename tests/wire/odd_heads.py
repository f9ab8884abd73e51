"""Heads with odd line ends, and with odd bytes around them."""

from tests.wire.build import TEXT, frame
from tests.wire.conversation import Case, case, client, device, trickled
from tests.wire.handshakes import REQUEST, RESPONSE, TALK, answers, asks

_GREETING = frame(TEXT, b"good morning")

CASES: tuple[Case, ...] = (
    case("cr-alone-in-the-request", "relay", "RFC 9112 section 2.2", asks(REQUEST.replace(b"\r\n", b"\r"))),
    case(
        "cr-alone-in-the-101-byte-by-byte",
        "relay",
        "RFC 9112 section 2.2",
        client(REQUEST),
        device(RESPONSE.replace(b"\r\n", b"\r"), segments=trickled(RESPONSE)),
        TALK,
    ),
    case("lf-cr-in-the-101", "relay", "RFC 9112 section 2.2", answers(RESPONSE.replace(b"\r\n", b"\n\r"))),
    case(
        "nul-behind-each-line", "relay", "RFC 9112 section 2.2", answers(RESPONSE.replace(b"\r\n", b"\r\n\0"))
    ),
    case(
        "indented-101",
        "relay",
        "RFC 9112 section 5.2",
        answers(RESPONSE[:-2].replace(b"\r\n", b"\r\n  ") + b"\r\n"),
    ),
    case(
        "frame-in-place-of-the-blank-line",
        "relay",
        "RFC 9112 section 2.1",
        client(REQUEST),
        device(RESPONSE[:-2], _GREETING),
        TALK,
    ),
    case(
        "byte-order-mark-before-the-request", "relay", "RFC 9112 section 2.2", asks(b"\xef\xbb\xbf" + REQUEST)
    ),
    case(
        "byte-order-mark-before-the-101", "relay", "RFC 9112 section 2.2", answers(b"\xef\xbb\xbf" + RESPONSE)
    ),
    case(
        "answer-to-a-connect-before-the-101",
        "relay",
        "RFC 9110 section 9.3.6",
        answers(b"HTTP/1.0 200 Connection established\r\n\r\n" + RESPONSE),
    ),
    case("101-twice", "relay", "RFC 6455 section 4.2.2", answers(RESPONSE + RESPONSE)),
    case("greeting-before-the-101", "relay", "RFC 6455 section 4.2.2", answers(_GREETING + RESPONSE)),
)
