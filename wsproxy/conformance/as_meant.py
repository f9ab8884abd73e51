"""Frames of a peer whose first byte means something else than the RFC says, read as it means them.

Source: RFC 6455 sections 5.2 and 5.4; draft-hybi-06 section 4.2 (case D05).
"""

from wsproxy.conformance.conditions import Conditions
from wsproxy.protocol.frame import Frame
from wsproxy.protocol.opcodes import Opcode

FIN_MISSING = "message.fin-missing"


class AsMeant:
    """Reads the frames of one side so: option `opcodes`, and rule `message.fin-missing`."""

    __slots__ = ("_always_fin", "_opcodes", "on")

    def __init__(self, conditions: Conditions) -> None:
        self._opcodes = {int(key): value for key, value in conditions.sent_by("opcodes").items()}
        self._always_fin = conditions.repairs(FIN_MISSING)
        self.on = bool(self._opcodes) or self._always_fin

    def read(self, frame: Frame) -> Frame:
        """The frame as it was meant; its header is as it came."""
        opcode = self._opcodes.get(frame.opcode, frame.opcode)
        fin = frame.fin or (self._always_fin and opcode in (Opcode.TEXT, Opcode.BINARY))
        return frame._replace(opcode=opcode, fin=fin)
