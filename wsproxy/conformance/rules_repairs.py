"""Rules that only a repair knows of: what one peer needs and the RFC does not ask for.

The same columns as the table in rules.py. No id here is one of those there.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.conformance.rules import Rule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_TABLE = (
    ("frame.payload-unmasked", "RFC 6455 5.3", _ERROR, "A masking key is there, but was not applied."),
    ("frame.draft-opcode", "draft-hybi-06 4.2", _ERROR, "The opcodes are those of an early draft."),
    ("frame.dialect", "RFC 6455 5.2", _ERROR, "The two sides frame in different dialects."),
    ("frame.too-large", "RFC 6455 5.4", _NOTE, "The frame is larger than its receiver takes."),
    ("frame.key-not-zero", "RFC 6455 5.3", _NOTE, "The receiver unmasks wrongly; only a key of zero works."),
    (
        "control.inside-message",
        "RFC 6455 5.4",
        _NOTE,
        "The receiver takes no control frame inside a message.",
    ),
    ("message.fragmented", "RFC 6455 5.4", _NOTE, "The receiver takes no fragments."),
    ("message.wrong-opcode", "RFC 6455 5.6", _WARNING, "Text was sent as binary, or the other way round."),
    ("keepalive.heartbeat", "RFC 6455 5.5.2", _NOTE, "A heartbeat was sent as a message."),
    ("deflate.ended", "RFC 7692 5", _NOTE, "A compressed message goes on uncompressed."),
    ("close.empty", "RFC 6455 5.5.1", _NOTE, "The receiver takes no Close frame without a close code."),
    ("close.unknown-code", "RFC 6455 7.4.2", _NOTE, "The receiver does not know this close code."),
    ("keepalive.ping-not-wanted", "RFC 6455 5.5.2", _NOTE, "The receiver cannot take pings."),
    ("keepalive.ping-interval", "RFC 6455 5.5.2", _NOTE, "The receiver hangs up unless it is pinged."),
    ("stream.frame-too-early", "RFC 6455 4.1", _NOTE, "The receiver loses frames right after the response."),
)

REPAIR_RULES: Mapping[str, Rule] = MappingProxyType({row[0]: Rule(*row) for row in _TABLE})
"""These rules by their id."""
