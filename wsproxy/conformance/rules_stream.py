"""Rules for where frames begin and end in a stream, and for bytes that are none."""

from wsproxy.conformance.rule import Rule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_FRAMING = "RFC 6455 5.2"

STREAM_RULES = (
    Rule(
        "stream.before-response",
        "RFC 6455 4.1",
        _ERROR,
        "The client sent frames before the server had agreed to take any.",
        "81 85 ... behind the request",
        (("uWebSockets", ""),),
    ),
    Rule(
        "stream.no-close-notify",
        "RFC 8446 6.1",
        _WARNING,
        "The TLS connection ended without close_notify: nobody can tell the end from an attack.",
        "FIN, and no alert before it",
        (
            ("rustls", "peer closed connection without sending TLS close_notify"),
            ("OpenSSL", "unexpected eof while reading"),
        ),
    ),
    Rule(
        "stream.cut-short",
        _FRAMING,
        _WARNING,
        "The bytes end in the middle of a frame.",
        "81 05 48 65, and the end",
        repair=True,
    ),
    Rule(
        "stream.opaque",
        _FRAMING,
        _ERROR,
        "From here on, frames can no longer be told apart.",
        "a length that cannot be read",
        (("Chrome", "Invalid frame header"),),
        repair=True,
    ),
    Rule(
        "stream.resync",
        _FRAMING,
        _ERROR,
        "What stands here can be no frame; the next one that can be told comes later.",
        "74 65 6D 70 22 3A 32 31 7D 81 05 ...",
        (
            ("Chrome", "One or more reserved bits are on: reserved1 = 1, reserved2 = 1, reserved3 = 1"),
            ("Java-WebSocket", "bad rsv 2"),
        ),
        repair=True,
        heuristic=True,
    ),
    Rule(
        "stream.http-bytes",
        _FRAMING,
        _ERROR,
        "HTTP stands where a frame should begin.",
        "HTTP/1.1 500 Internal Server Error",
        (
            ("websockets", "reserved bits must be 0"),
            ("wsproto", "Invalid attempt to fragment control frame"),
            ("Chrome", "Invalid frame header"),
        ),
        repair=True,
    ),
    Rule(
        "stream.handshake-bytes",
        _FRAMING,
        _ERROR,
        "What belongs to the opening handshake stands where a frame should begin.",
        r"X-Last: y\r\n\r\n, or a second 101",
        (
            ("websockets", "reserved bits must be 0"),
            ("wsproto", "Invalid attempt to fragment control frame"),
            ("Chrome", "One or more reserved bits are on"),
        ),
        repair=True,
    ),
    Rule(
        "stream.tls-bytes",
        _FRAMING,
        _ERROR,
        "A TLS record stands where a frame should begin.",
        "16 03 03 00 2A",
        (("websockets", "invalid opcode"), ("wsproto", "Invalid opcode 0x6")),
        repair=True,
    ),
    Rule(
        "stream.chunk-size",
        _FRAMING,
        _ERROR,
        "The frames are wrapped in HTTP chunks.",
        r"5\r\n, 81 03 31 3A 3A, \r\n",
        (
            ("websockets", "invalid opcode"),
            ("wsproto", "Invalid opcode 0x5"),
            ("Chrome", "One or more reserved bits are on"),
        ),
        repair=True,
    ),
    Rule(
        "stream.stray-line-end",
        _FRAMING,
        _ERROR,
        "A stray line end stands where a frame should begin.",
        "0D 0A 81 05 ...",
        (("websockets", "invalid opcode"), ("wsproto", "Invalid opcode 0xd")),
        repair=True,
    ),
    Rule(
        "stream.stray-zero",
        _FRAMING,
        _ERROR,
        "A stray zero byte stands where a frame should begin.",
        "00 81 05 ...",
        (("websockets", "incorrect masking"), ("wsproto", "client received unexpected masked frame")),
        repair=True,
    ),
    Rule(
        "stream.byte-order-mark",
        _FRAMING,
        _ERROR,
        "A byte order mark stands where a frame should begin, as of a script saved with one.",
        "EF BB BF 81 05 ...",
        (("websockets", "invalid opcode"), ("wsproto", "Invalid opcode 0xf")),
        repair=True,
    ),
    Rule(
        "stream.bare-text",
        _FRAMING,
        _ERROR,
        "Text stands where a frame should begin, without a frame.",
        '{"state": "on"}',
        (
            ("websockets", "invalid opcode"),
            ("wsproto", "Invalid opcode 0xb"),
            ("Chrome", "One or more reserved bits are on"),
        ),
        repair=True,
    ),
)
"""How a stream begins and ends, then what may stand between its frames."""
