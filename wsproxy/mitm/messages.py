"""A session's messages as mitmproxy and its addons know them, and only so many of them."""

from dataclasses import dataclass

from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode as FlowOpcode

from wsproxy.mitm.hooks import ControlFrame
from wsproxy.protocol.frame import Side
from wsproxy.protocol.message import MESSAGE_LIMIT, Message
from wsproxy.protocol.opcodes import Opcode

_COST = 200


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """How long a message may be to be shown whole or held, and how many a flow keeps; sizes in bytes.

    `patience_s`: a held message is given up when nothing more of it comes for so many seconds.
    """

    message_size: int = MESSAGE_LIMIT
    patience_s: float = 2.0
    kept: int = 1000
    kept_size: int = 16 << 20


type Seen = WebSocketMessage | ControlFrame
"""What addons get to see of what passes."""


def to_flow_message(side: Side, message: Message, at_ns: int) -> WebSocketMessage:
    """The message for addons to see. mitmproxy has no reserved opcodes: those show as binary."""
    opcode = FlowOpcode.TEXT if message.opcode == Opcode.TEXT else FlowOpcode.BINARY
    return WebSocketMessage(opcode, side is Side.CLIENT, message.payload, at_ns / 1e9)


def cost(seen: Seen) -> int:
    """About how much memory it takes, in bytes."""
    return len(seen.content if isinstance(seen, WebSocketMessage) else seen.frame.payload) + _COST


class KeptMessages:
    """Appends to a flow's messages, and lets the oldest go; the latest is always there."""

    def __init__(self, data: WebSocketData, limits: MessageLimits) -> None:
        self._messages = data.messages
        self._limits = limits
        self._costs: list[int] = []
        self._size = 0

    def append(self, message: WebSocketMessage) -> None:
        """Keep `message`."""
        size = cost(message)
        self._messages.append(message)
        self._costs.append(size)
        self._size += size
        surplus = 0
        while surplus < len(self._costs) - 1 and self._over(len(self._costs) - surplus):
            self._size -= self._costs[surplus]
            surplus += 1
        del self._messages[:surplus], self._costs[:surplus]

    def _over(self, count: int) -> bool:
        return count > self._limits.kept or self._size > self._limits.kept_size
