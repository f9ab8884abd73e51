"""What one side put on the wire, as immutable values that can be written again byte for byte.

`Frame`, `FramePiece` and `OpaqueData` are named tuples, not dataclasses: a recording proxy makes hundreds of
thousands of them a second, and a named tuple is built several times faster than a frozen dataclass.

Source: RFC 6455 section 5.2.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from wsproxy.protocol.masking import apply_mask

RSV1 = 0b100
"""In the `rsv` of a frame: the first reserved bit, which says that a message is compressed (RFC 7692)."""

CONTROL_LIMIT = 125
"""The most payload data of a control frame, in bytes (section 5.5)."""

LEAST_EXTENDED: Mapping[int, int] = MappingProxyType({126: 126, 127: 1 << 16})
"""By the 7-bit length: the least length, in bytes, that has to be written so (section 5.2)."""


class Side(StrEnum):
    """Who sent it."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> "Side":
        """The side that receives what this one sends."""
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class Frame(NamedTuple):
    """One frame, or the beginning of one whose payload data follows in `FramePiece`s.

    `offset` is where the frame starts, in bytes from the end of its side's opening handshake. `header` is
    every byte before the payload data as received: first byte, length in the form the peer chose, masking
    key. `payload` is unmasked. `length` is the announced payload length in bytes, None where the dialect
    announces none. `trailer` is what follows the payload data in dialects that end a frame with a mark.
    """

    offset: int
    header: bytes
    fin: bool
    rsv: int
    opcode: int
    masking_key: bytes | None
    length: int | None
    payload: bytes
    trailer: bytes = b""

    @property
    def complete(self) -> bool:
        """Whether `payload` is all of it; when False, pieces follow."""
        return bool(self.trailer) if self.length is None else self.length == len(self.payload)

    @property
    def end(self) -> int:
        """Where the next frame starts, in bytes as `offset`; without a length, where `payload` ends."""
        length = len(self.payload) if self.length is None else self.length
        return self.offset + len(self.header) + length + len(self.trailer)

    @property
    def end_so_far(self) -> int:
        """Where what is here of it ends, in bytes as `offset`: before its pieces."""
        return self.offset + len(self.header) + len(self.payload) + len(self.trailer)

    @property
    def masked(self) -> bool:
        """Whether the frame carries a masking key."""
        return self.masking_key is not None

    @property
    def is_control(self) -> bool:
        """Whether the opcode is a control opcode, registered or not (RFC 6455 section 5.5)."""
        return self.opcode >= 0x8

    def serialize(self) -> bytes:
        """The bytes this frame (or this beginning of it) had on the wire."""
        payload = apply_mask(self.payload, self.masking_key) if self.masking_key else self.payload
        return self.header + payload + self.trailer


class FramePiece(NamedTuple):
    """The next payload data of the incomplete `Frame` before it; `last` ends the frame.

    `position` is the piece's place in the frame's payload data, `masking_key` the key of the frame.
    """

    position: int
    payload: bytes
    last: bool
    masking_key: bytes | None = None
    trailer: bytes = b""

    def serialize(self) -> bytes:
        """The bytes this piece had on the wire."""
        if not self.masking_key:
            return self.payload + self.trailer
        return apply_mask(self.payload, self.masking_key, self.position) + self.trailer


NO_FRAME = "no frame: "
"""How the reason begins of bytes that a repair took out; the rule follows, unless it is that of the bytes
in front of them.
"""


class OpaqueData(NamedTuple):
    """Bytes that are part of no frame: those after the point where frames could no longer be told apart, and
    those `between_frames`, which a repair took out.
    """

    offset: int
    data: bytes
    reason: str

    @property
    def between_frames(self) -> bool:
        """Whether frames go on behind these bytes."""
        return self.reason.startswith(NO_FRAME)

    def serialize(self) -> bytes:
        """The bytes themselves."""
        return self.data


type WireEvent = Frame | FramePiece | OpaqueData
