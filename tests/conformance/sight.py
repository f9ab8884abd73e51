"""A session and what its checker finds in it."""

from collections.abc import Iterable
from itertools import count

from tests.conformance.test_normalizer_cases import events
from tests.wire.build import TEXT, deflated, frame
from tests.wire.conversation import Case
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.conformance.checker import Checker
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.rules import Severity
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader
from wsproxy.protocol.session import Session

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND = 1_000_000_000
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate"
SMALL = OFFER + b"; server_max_window_bits=9; client_max_window_bits=10"
DEFLATE = DeflateParameters.from_extension_header("permessage-deflate")
FRAGMENT = frame(TEXT, b"one", fin=False)
DEFLATED = deflated(b"hello hello hello")[0]


class Sight:
    """A session and its checker; `found` is everything given so far."""

    def __init__(
        self, asked: bytes = REQUEST, answered: bytes = RESPONSE, dropped: Iterable[tuple[Side, int]] = ()
    ) -> None:
        self.session = Session()
        self.session.handshake(asked, answered)
        self.checker = Checker(asked, answered, dropped=set(dropped))
        self.found = self.checker.handshake()

    def send(self, side: Side, data: bytes, at_s: float = 0) -> list[str]:
        at_ns = int(at_s * SECOND)
        return self.add(self.checker.receive(side, self.session.receive_data(side, data, at_ns), at_ns))

    def eof(self, side: Side, at_s: float = 0, how: str = "fin") -> list[str]:
        at_ns = int(at_s * SECOND)
        self.add(self.checker.receive(side, self.session.receive_eof(side, at_ns), at_ns))
        return self.add(self.checker.receive_eof(side, how, at_ns, self.session.pending(side)))

    def end(self, at_s: float = 0) -> list[str]:
        return self.add(self.checker.end(int(at_s * SECOND)))

    def add(self, found: list[Finding]) -> list[str]:
        self.found += found
        return [finding.rule_id for finding in found]


def rules_of(findings: Iterable[Finding], *, above: Severity | None = None) -> list[str]:
    return [finding.rule_id for finding in findings if finding.rule.severity is not above]


def sight_of(case: Case, *, end_after_s: float) -> Sight:
    """A collected session, a step a second, and ended so long after its last one."""
    readers = {side: HeadReader(side) for side in Side}
    following: list[tuple[Side, bytes | None]] = []
    for side, data in events(case):
        reader = readers[side]
        if data is not None and reader.head is None and reader.reason is None:
            data = reader.rest if reader.receive_data(data) is not None or reader.reason is not None else b""
        following.append((side, data))
    sight = Sight(readers[CLIENT].head or b"", readers[SERVER].head or b"")
    for (side, data), at_s in zip(following, count(), strict=False):
        if data is None:
            sight.eof(side, at_s)
        elif data:
            sight.send(side, data, at_s)
    sight.end(len(following) + end_after_s)
    return sight
