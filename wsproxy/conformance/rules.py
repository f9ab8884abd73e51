"""Every rule a peer can depart from, in one table: a stable id, where it stands, how much it matters, one
sentence.

An id never changes its meaning: recordings, reports and option files refer to it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.conformance.rule import Rule, Severity
from wsproxy.conformance.rules_handshake import FIELD_RULES
from wsproxy.conformance.rules_request import REQUEST_RULES
from wsproxy.conformance.rules_response import RESPONSE_RULES

__all__ = ["RULES", "Rule", "Severity"]

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_FRAMING = "RFC 6455 5.2"
_TABLE = (
    ("frame-rsv-bits", _FRAMING, _ERROR, "A reserved bit is set that no negotiated extension defines."),
    ("frame-reserved-opcode", _FRAMING, _ERROR, "The opcode is reserved: it has no registered meaning."),
    ("frame-client-unmasked", "RFC 6455 5.1", _ERROR, "A client sent a frame without masking it."),
    ("frame-server-masked", "RFC 6455 5.1", _ERROR, "A server masked a frame it sent."),
    ("frame-masking-key-zero", "RFC 6455 5.3", _NOTE, "The masking key is zero and changes nothing."),
    ("frame-length-not-minimal", _FRAMING, _ERROR, "The length is written in more bytes than it needs."),
    (
        "frame-length-top-bit",
        _FRAMING,
        _ERROR,
        "The top bit of a 64-bit length is set: no length is that big.",
    ),
    ("frame-rsv1-on-control", "RFC 7692 6.1", _ERROR, "A control frame is marked as compressed."),
    ("frame-rsv1-on-continuation", "RFC 7692 6.1", _ERROR, "RSV1 is set where no message begins."),
    ("control-fragmented", "RFC 6455 5.5", _ERROR, "A control frame is fragmented: its FIN bit is not set."),
    ("control-too-long", "RFC 6455 5.5", _ERROR, "A control frame has more than 125 bytes of payload data."),
    ("close-payload-one-byte", "RFC 6455 5.5.1", _ERROR, "A Close frame is too short for its close code."),
    ("close-code-reserved", "RFC 6455 7.4.1", _ERROR, "The close code is one that never goes on the wire."),
    ("close-code-invalid", "RFC 6455 7.4.2", _ERROR, "The close code is outside the range 1000 to 4999."),
    ("close-code-unassigned", "RFC 6455 7.4.2", _WARNING, "The close code is reserved and not assigned."),
    ("close-reason-not-utf8", "RFC 6455 5.5.1", _ERROR, "The close reason is not UTF-8."),
    ("message-text-not-utf8", "RFC 6455 8.1", _ERROR, "A text message is not UTF-8."),
    (
        "message-orphan-continuation",
        "RFC 6455 5.4",
        _ERROR,
        "A continuation frame has no message to continue.",
    ),
    ("message-interrupted", "RFC 6455 5.4", _ERROR, "A message began before the one under way had ended."),
    (
        "message-compression",
        "RFC 7692 7",
        _ERROR,
        "A message is not compressed as agreed, or cannot be inflated.",
    ),
    ("stream-frame-after-close", "RFC 6455 5.5.1", _ERROR, "A frame followed the Close frame of its side."),
    ("stream-cut-short", _FRAMING, _WARNING, "The bytes end in the middle of a frame."),
    ("stream-opaque", _FRAMING, _ERROR, "From here on, frames can no longer be told apart."),
    ("stream-http-bytes", _FRAMING, _ERROR, "HTTP stands where a frame should begin."),
    ("stream-tls-bytes", _FRAMING, _ERROR, "A TLS record stands where a frame should begin."),
    ("stream-chunk-size", _FRAMING, _ERROR, "The frames are wrapped in HTTP chunks."),
    ("stream-stray-line-end", _FRAMING, _ERROR, "A stray line end stands where a frame should begin."),
    ("stream-stray-zero", _FRAMING, _ERROR, "A stray zero byte stands where a frame should begin."),
    ("stream-bare-text", _FRAMING, _ERROR, "Text stands where a frame should begin, without a frame."),
)

_ROWS = (*(Rule(*row) for row in _TABLE), *FIELD_RULES, *REQUEST_RULES, *RESPONSE_RULES)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ROWS})
"""Every rule by its id, in the order in which they are documented."""
