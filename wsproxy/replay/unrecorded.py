"""What is said although it is not recorded, to a peer that says what is not recorded."""

from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.opcodes import Opcode, opcode_name
from wsproxy.replay.actions import Log, Write
from wsproxy.replay.model import PlayedMessage

_POLICY_VIOLATION = 1008
_REASON_SIZE = 120


class Unrecorded:
    """Makes the frames in which `side` answers what is not recorded, and notes them."""

    __slots__ = ("_log", "_masking_key", "_side")

    def __init__(self, side: Side, log: Log, masking_key: bytes | None) -> None:
        self._side = side
        self._log = log
        self._masking_key = masking_key

    def pong(self, ping: PlayedMessage, now_ns: int) -> Write:
        """Answer a Ping."""
        return self._make(Opcode.PONG, ping.payload, now_ns, "answers a Ping that is not recorded")

    def goodbye(self, close: PlayedMessage) -> Write:
        """Answer a Close."""
        return self._make(
            Opcode.CLOSE, close.payload[:2], close.at_ns, "answers a Close that is not recorded"
        )

    def objection(self, what: str, at_ns: int) -> Write:
        """Close the connection with a reason that says what the peer did."""
        payload = _POLICY_VIOLATION.to_bytes(2, "big") + what.encode()[:_REASON_SIZE]
        return self._make(Opcode.CLOSE, payload, at_ns, "because of the mismatch")

    def _make(self, opcode: Opcode, payload: bytes, now_ns: int, note: str) -> Write:
        self._log.made(PlayedMessage(self._side, 0, opcode, payload, now_ns, len(payload)), note)
        return Write(build_frame(opcode, payload, masking_key=self._masking_key).serialize())


def departure(live: PlayedMessage, expected: PlayedMessage | None) -> str:
    """In a line: what somebody said instead of what is recorded."""
    side = live.side.value
    if expected is None:
        return f"the {side} sent a message behind all that is recorded"
    if expected.opcode != live.opcode:
        recorded = opcode_name(expected.opcode)
        return f"the {side} sent a {opcode_name(live.opcode)} message where {recorded} is recorded"
    return f"the {side} sent another message than recorded"
