"""Messages, made in a word."""

from wsproxy.protocol.frame import Side
from wsproxy.replay.model import PlayedMessage


def message(
    payload: bytes | str, opcode: int | None = None, *, number: int = 1, side: Side = Side.CLIENT
) -> PlayedMessage:
    """A message with that payload: text if it is given as such, else binary."""
    data = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    if opcode is None:
        opcode = 1 if isinstance(payload, str) else 2
    return PlayedMessage(side, number, opcode, data, 0, len(data))
