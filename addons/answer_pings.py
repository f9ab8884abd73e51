"""Answers the device's pings for a client that never does: `mitmdump -s addons/answer_pings.py`.

Some devices close a session when a ping goes unanswered (RFC 6455 section 5.5.2 says to answer each). The
pings still reach the client; if it answers after all, the device gets two pongs, which is allowed (section
5.5.3).
"""

from wsproxy.mitm.addon import wsproxy_addons
from wsproxy.mitm.hooks import ControlFrame, inject_frame
from wsproxy.protocol.frame import Side
from wsproxy.protocol.opcodes import Opcode


class AnswerPings:
    """Sends a pong with the payload data of each ping."""

    def wsproxy_control_frame(self, seen: ControlFrame) -> None:
        """Called for each control frame, after it has gone on."""
        if seen.side is Side.SERVER and seen.frame.opcode == Opcode.PING:
            inject_frame(seen.flow, Side.CLIENT, Opcode.PONG, seen.frame.payload)


addons = [*wsproxy_addons(), AnswerPings()]
