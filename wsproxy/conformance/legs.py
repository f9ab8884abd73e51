"""What was agreed on each leg: between the client and wsproxy, and between wsproxy and the server."""

from dataclasses import dataclass, field

from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import Negotiated


@dataclass(frozen=True, slots=True)
class Legs:
    """The outcome of the opening handshake on either leg; they differ where it was repaired."""

    client: Negotiated = field(default_factory=Negotiated)
    server: Negotiated = field(default_factory=Negotiated)

    @classmethod
    def alike(cls, negotiated: Negotiated) -> "Legs":
        """Both legs agreed on the same."""
        return cls(negotiated, negotiated)

    def of(self, side: Side) -> Negotiated:
        """The leg that ends at this side."""
        return self.client if side is Side.CLIENT else self.server
