"""Rules for compression, once it was negotiated."""

from wsproxy.conformance.rule import Rule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_COMPRESSING = "RFC 7692 7.2.1"

DEFLATE_RULES = (
    Rule(
        "deflate.rsv1-on-control",
        "RFC 7692 6.1",
        _ERROR,
        "A control frame is marked as compressed.",
        "C9 00",
        (("websockets", "reserved bits must be 0"), ("wsproto", "error in extension")),
        repair=True,
    ),
    Rule(
        "deflate.rsv1-on-continuation",
        "RFC 7692 6.1",
        _ERROR,
        "RSV1 is set where no message begins.",
        "41 05 ..., C0 05 ...",
        (
            ("websockets", "RSV1 bit set in continuation frame"),
            ("wsproto", "error in extension"),
            ("ws", "Invalid WebSocket frame: RSV1 must be clear"),
        ),
        repair=True,
    ),
    Rule(
        "deflate.no-data",
        "RFC 7692 7.2.3.6",
        _ERROR,
        "A message is marked as compressed, and there is nothing in it to inflate.",
        "C1 00",
        (
            ("websockets", "decompression failed"),
            ("wsproto", "error in extension"),
            ("Chrome", "Invalid frame header"),
        ),
        repair=True,
    ),
    Rule(
        "deflate.tail-kept",
        _COMPRESSING,
        _ERROR,
        "The end 00 00 FF FF was left on a compressed message: the next one cannot be inflated.",
        "C1 0D ... 00 00 FF FF",
        (("websockets", "decompression failed"), ("okhttp", "EOFException")),
        repair=True,
    ),
    Rule(
        "deflate.final-block",
        "RFC 7692 7.2.3.4",
        _ERROR,
        "A compressed message ends with a final block, and nothing behind it: the next one is lost.",
        "C1 07 F3 ...",
        (("ws", "unexpected end of file"), ("bun", "")),
        repair=True,
    ),
    Rule(
        "deflate.context-kept",
        "RFC 7692 7.1.1",
        _ERROR,
        "A message refers to an earlier one, although no context takeover was agreed.",
        "server_no_context_takeover, and C1 05 ... with a distance into the message before",
        (("bun", "Received too big message, or other inflation error"),),
        repair=True,
    ),
    Rule(
        "deflate.plain-in-window",
        _COMPRESSING,
        _ERROR,
        "The sender keeps messages in its window that it sent uncompressed: receivers do not.",
        "C1 05 ..., 81 05 ..., C1 05 ... with a distance into the second",
        (("websockets", "decompression failed"),),
        repair=True,
    ),
    Rule(
        "deflate.frame-by-frame",
        "RFC 7692 6.1",
        _ERROR,
        "Each frame of a message is compressed by itself, as in an older extension.",
        "41 05 ..., C0 05 ...",
        (("Jetty", "Invalid RSV1 set on permessage-deflate CONTINUATION frame"),),
        repair=True,
    ),
    Rule(
        "deflate.tail-cut-inside",
        _COMPRESSING,
        _ERROR,
        "00 00 FF FF was taken off each fragment of a message, not only off its last one.",
        "41 7E 03 FB ..., 80 06 ...",
        (("netty", ""), ("websockets", "decompression failed")),
        repair=True,
    ),
    Rule(
        "deflate.window-exceeded",
        "RFC 7692 7.1.2",
        _ERROR,
        "A message refers back further than the agreed window reaches.",
        "server_max_window_bits=9, and a distance of over 512 bytes",
        (("zlib", "invalid distance too far back"),),
        repair=True,
    ),
    Rule(
        "deflate.damaged",
        "RFC 7692 7",
        _ERROR,
        "A message is marked as compressed, and cannot be inflated.",
        "C2 01 04",
        (
            ("websockets", "decompression failed"),
            ("wsproto", "error in extension"),
            ("IXWebSocket", "invalid distance too far back"),
        ),
        repair=True,
    ),
    Rule(
        "deflate.ended",
        "RFC 7692 6",
        _NOTE,
        "The message is as agreed, and goes on uncompressed: the other leg does not compress like this one.",
        "C1 05 ..., 81 0B ...",
        repair=True,
    ),
)
"""In the order in which they are documented."""
