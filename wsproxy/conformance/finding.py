"""One observed departure from a rule."""

from dataclasses import dataclass

from wsproxy.conformance.rules import RULES, Rule
from wsproxy.protocol.frame import Side


@dataclass(frozen=True, slots=True)
class Finding:
    """What departed from a rule, and where.

    `offset` is that of the frame (or of the stray bytes) in its side's stream, in bytes from the end of the
    opening handshake; None: it is in the opening handshake. `detail` says what was seen, in words that stand
    without the rule's sentence.
    """

    rule_id: str
    detail: str
    side: Side
    offset: int | None

    @property
    def rule(self) -> Rule:
        """The rule departed from."""
        return RULES[self.rule_id]
