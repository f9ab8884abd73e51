"""What a player is told, and what it wants done."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wsproxy.replay.model import PlayedMessage
from wsproxy.store.model import TcpEnd


class Write(NamedTuple):
    """Send these bytes."""

    data: bytes


class Wait(NamedTuple):
    """Nothing to do until something is heard, or until that time (None: no such time)."""

    until_ns: int | None = None


class End(NamedTuple):
    """End this side's TCP direction in that way."""

    how: TcpEnd


class Done(NamedTuple):
    """The connection is over."""


class More(NamedTuple):
    """The next steps are needed: give them to `feed`."""


type Action = Write | Wait | End | Done | More


class Matches(Protocol):
    """How a live message is compared with a recorded one."""

    def matches(self, recorded: PlayedMessage, live: PlayedMessage) -> bool:
        """Whether the live message may stand for the recorded one."""


class Log(Protocol):
    """Takes note of what happens."""

    def played(self, at_ns: int, messages: Sequence[PlayedMessage]) -> None:
        """These were sent as recorded."""

    def heard(self, message: PlayedMessage, note: str = "", *, recorded: bool = False) -> None:
        """That was heard, in its recorded place or not; `note` says what is special about it."""

    def made(self, message: PlayedMessage, note: str) -> None:
        """That was sent although it is not recorded."""

    def mismatch(self, what: str, got: PlayedMessage, expected: PlayedMessage | None) -> None:
        """The live peer departs from the recording."""
