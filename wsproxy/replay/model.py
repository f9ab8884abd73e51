"""What is played back, and how it is to be played, as plain values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from wsproxy.protocol.frame import Side


class PlayedMessage(NamedTuple):
    """A data message, or a control frame, as recorded or as a live peer sent it.

    `number` says which of its side it is, from 1; control frames count apart from data messages. `payload` is
    decompressed, and at most as long as messages are kept (`length` is the whole length in bytes). `at_ns` is
    when it was complete. It ended `offset` bytes behind the side's opening handshake.
    """

    side: Side
    number: int
    opcode: int
    payload: bytes
    at_ns: int
    length: int
    offset: int = 0

    @property
    def control(self) -> bool:
        """Whether it is a control frame."""
        return self.opcode >= 0x8


class OnMismatch(StrEnum):
    """What a replayed device does about a message that the recording does not have in this place."""

    CLOSE = "close"
    """Close the connection with 1008 (policy violation) and a reason that says so."""
    SKIP = "skip"
    """Take it for the recorded message, and go on."""
    WAIT = "wait"
    """Ignore it, and wait for the recorded one."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How sessions are played.

    `speed` divides the recorded gaps, None: no gaps at all. `loop`: sessions are played again and again.
    `match` says how messages are compared, for `matchers.make_matcher`; `vary` are the JSON pointers of
    values that differ from run to run. `as_sent`: play what was sent on where that differs from what was
    received. `exact_handshake`: the recorded response head, with the recorded Accept.
    `strict`: recorded messages left unplayed count as failures.

    `allow_unplayed` are regular expressions: a message in which one is found may be left unplayed.
    `patience`: so many seconds may a peer be silent when it is its turn, None: for ever. `live_url`: where to
    hand over a connection whose request is not in the recording, empty: it is refused.
    """

    speed: float | None = 1.0
    loop: bool = False
    match: str = "exact"
    vary: tuple[str, ...] = ()
    strict: bool = False
    on_mismatch: OnMismatch = OnMismatch.CLOSE
    exact_handshake: bool = False
    as_sent: bool = False
    allow_unplayed: tuple[str, ...] = ()
    patience: float | None = None
    live_url: str = ""
