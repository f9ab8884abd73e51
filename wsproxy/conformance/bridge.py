"""Between a side that speaks hixie-76 and one that speaks the protocol of the RFC: the response.

Source: draft-hixie-thewebsocketprotocol-76 sections 4.1 and 5.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wsproxy.conformance.checks_response import check_response
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.hixie76 import (
    answer_challenge,
    hixie76_response,
    is_hixie76_request,
    is_hixie76_response,
    response_of_the_rfc,
)
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import HIXIE76
from wsproxy.protocol.handshake import RequestHead, ResponseHead, parse_response_head


@dataclass(frozen=True, slots=True)
class Bridge:
    """Between a side that speaks hixie-76 and one that speaks the RFC's protocol; else it does nothing."""

    received: RequestHead
    sent: RequestHead
    response: ResponseHead

    @property
    def old_client(self) -> bool:
        """The client's request was translated."""
        return is_hixie76_request(self.received) and not is_hixie76_request(self.sent)

    @property
    def old_server(self) -> bool:
        """The server was asked in its old way, and answered so."""
        return is_hixie76_request(self.sent) and is_hixie76_response(self.response)

    @property
    def stands(self) -> bool:
        """Whether each side gets an answer in the protocol it asked in, or can be given one."""
        return is_hixie76_request(self.sent) == is_hixie76_response(self.response)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was bridged on the server's side."""
        old = self.old_server and not is_hixie76_request(self.received)
        return tuple(check_response(self.received, self.response)) if old else ()

    @property
    def dialects(self) -> Mapping[Side, Dialect]:
        """Who frames in the old way."""
        sides = {Side.CLIENT: is_hixie76_request(self.received), Side.SERVER: self.old_server}
        return {side: HIXIE76 for side, old in sides.items() if old}

    def enter(self, head: bytes) -> bytes:
        """The server's response as one of the RFC."""
        return response_of_the_rfc(self.response) if self.old_server else head

    def leave(self, head: bytes, *, secure: bool) -> bytes:
        """The repaired response as the client expects it."""
        answer = answer_challenge(self.received) if is_hixie76_request(self.received) else None
        if answer is None:
            return head
        return hixie76_response(parse_response_head(head), self.received, answer, secure=secure)
