"""What holds for the frames of one side on their way to the other: the profile's switches, and both legs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wsproxy.conformance.legs import Legs
from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import RSV1, Frame, Side


@dataclass(slots=True)
class Draft:
    """A frame on its way on. A repair changes what departs; `rules` says which repairs did.

    `frame` is as received. `payload` may be a beginning only, like that of `frame`.
    """

    frame: Frame
    opcode: int
    fin: bool
    rsv: int
    key: bytes | None
    payload: bytes
    rules: list[str] = field(default_factory=list)
    dropped: bool = False

    @classmethod
    def of(cls, frame: Frame) -> "Draft":
        """The frame as it came."""
        return cls(frame, frame.opcode, frame.fin, frame.rsv, frame.masking_key, frame.payload)

    @property
    def is_control(self) -> bool:
        """Whether it goes on as a control frame."""
        return self.opcode >= 0x8


class Conditions:
    """What the repairs of one side's frames may ask: `side` sent them, the other one receives them.

    `new_key` makes masking keys. `rsv_defined` are the reserved bits that mean something to the receiver,
    `guessed` is how the sender writes lengths, if that had to be guessed.
    """

    __slots__ = (
        "_profile",
        "guessed",
        "legs",
        "new_key",
        "other_dialect",
        "rsv_defined",
        "side",
        "subprotocol",
    )

    def __init__(
        self, side: Side, profile: Profile, legs: Legs, new_key: Callable[[], bytes], *, other_dialect: bool
    ) -> None:
        self.side = side
        self.legs = legs
        self.new_key = new_key
        self.other_dialect = other_dialect
        self.subprotocol = (legs.of(side).subprotocol or "").lower()
        self.rsv_defined = _rsv_defined(legs, side)
        self.guessed: Dialect | None = None
        self._profile = profile

    def repairs(self, rule_id: str) -> bool:
        """Whether the rule's repair is on for what this side sends."""
        return self._profile.repairs(rule_id, self.side)

    def sent_by(self, option: str) -> Any:
        """The value of an option about what this side sends."""
        return self._profile.option(option, self.side)

    def taken_by(self, option: str) -> Any:
        """The value of an option about what the receiver can take."""
        return self._profile.option(option, self.side.other)

    @property
    def heartbeats(self) -> dict[bytes, bytes]:
        """The messages of this side that do not go on, and what each is answered with."""
        if not self.repairs("keepalive.heartbeat"):
            return {}
        return {
            each["message"].encode(): each.get("answer", "").encode() for each in self.sent_by("heartbeats")
        }

    @property
    def deflate(self) -> tuple[DeflateParameters | None, DeflateParameters | None]:
        """How this side compresses, and how the receiver expects it."""
        return self.legs.of(self.side).deflate, self.legs.of(self.side.other).deflate


def _rsv_defined(legs: Legs, side: Side) -> int:
    """An extension other than compression may give a meaning to any bit."""
    sent, taken = legs.of(side), legs.of(side.other)
    if sent.extensions and taken.extensions and sent.deflate is None and taken.deflate is None:
        return 0b111
    return RSV1 if sent.deflate is not None and taken.deflate is not None else 0
