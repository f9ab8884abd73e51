"""Which rule each of the known wrong ways to compress departs from.

Source: RFC 7692 sections 6 and 7.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.inflate import DeflateFault

DAMAGED = "deflate.damaged"
WINDOW_EXCEEDED = "deflate.window-exceeded"
UNMARKED = "deflate.rsv1-missing"

_RULES: Mapping[str, str] = MappingProxyType(
    {
        DeflateFault.NO_DATA: "deflate.no-data",
        DeflateFault.TAIL_KEPT: "deflate.tail-kept",
        DeflateFault.FINAL_BLOCK: "deflate.final-block",
        DeflateFault.CONTEXT_KEPT: "deflate.context-kept",
        DeflateFault.PLAIN_IN_WINDOW: "deflate.plain-in-window",
        DeflateFault.EACH_FRAME: "deflate.frame-by-frame",
        DeflateFault.INNER_TAIL: "deflate.tail-cut-inside",
        DeflateFault.PARTIAL_FLUSH: "deflate.partial-flush",
        DeflateFault.WRAPPED: "deflate.wrapped",
        DeflateFault.NOT_COMPRESSED: "deflate.not-compressed",
        DeflateFault.UNMARKED: UNMARKED,
    }
)

DEFLATE_FAULTS = (*_RULES.values(), WINDOW_EXCEEDED, DAMAGED)
"""Every rule that a compressed message may depart from by what is in it."""


def is_deflate_fault(said: str) -> bool:
    """Whether this is one of the ways that have a rule of their own."""
    return said in _RULES


def deflate_rule(said: str) -> str:
    """The rule for one part of `Inflated.error`, which are divided by "; "."""
    return _RULES.get(said, DAMAGED)


def stands_alone(side: Side, agreed: DeflateParameters) -> bool:
    """Whether no message of that side may refer to one before it."""
    client = side is Side.CLIENT
    return agreed.client_no_context_takeover if client else agreed.server_no_context_takeover


def window_bits(side: Side, agreed: DeflateParameters) -> int:
    """How far that side may refer back: two to the power of that, in bytes."""
    return agreed.client_max_window_bits if side is Side.CLIENT else agreed.server_max_window_bits
