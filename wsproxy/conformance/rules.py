"""Every rule a peer can depart from, in one table: a stable id, where it stands, how much it matters, one
sentence.

An id never changes its meaning: recordings, reports and option files refer to it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.conformance.rule import Rule, Severity
from wsproxy.conformance.rules_deflate import DEFLATE_RULES
from wsproxy.conformance.rules_frames import FRAME_RULES
from wsproxy.conformance.rules_handshake import FIELD_RULES
from wsproxy.conformance.rules_receiver import RECEIVER_RULES
from wsproxy.conformance.rules_request import REQUEST_RULES
from wsproxy.conformance.rules_response import RESPONSE_RULES
from wsproxy.conformance.rules_session import SESSION_RULES
from wsproxy.conformance.rules_stream import STREAM_RULES

__all__ = ["RULES", "Rule", "Severity"]

_ROWS = (
    *FIELD_RULES,
    *REQUEST_RULES,
    *RESPONSE_RULES,
    *FRAME_RULES,
    *STREAM_RULES,
    *DEFLATE_RULES,
    *SESSION_RULES,
    *RECEIVER_RULES,
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ROWS})
"""Every rule by its id, in the order in which they are documented."""
