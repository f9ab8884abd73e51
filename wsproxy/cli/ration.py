"""How much of what passes is shown live: what can be read, and what may wait for a slow terminal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wsproxy.protocol.session import SessionEvent

OVERHEAD = 100
"""What a thing that waits costs beside its data, in bytes."""

_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How much is shown: frames in a second (0: all), and frames and bytes that may wait for a slow
    terminal.
    """

    frames_per_second: int = 60
    waiting_frames: int = 2000
    waiting_bytes: int = 16 << 20


class Taken(NamedTuple):
    """Events to show: `used` of those given are dealt with, `things` of `size` bytes are shown."""

    events: "Sequence[SessionEvent]"
    used: int
    things: int
    size: int


class Ration:
    """What may be shown now by these limits. Not for several threads at once."""

    __slots__ = ("_began", "_clock", "_limits", "_shown", "_waiting_bytes", "_waiting_frames")

    def __init__(self, limits: LiveLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._began = clock()
        self._shown = self._waiting_frames = self._waiting_bytes = 0

    def room(self) -> int:
        """How many frames may be shown now."""
        limits, now = self._limits, self._clock()
        if now - self._began >= _WINDOW_S:
            self._began, self._shown = now, 0
        if self._waiting_bytes > limits.waiting_bytes:
            return 0
        room = limits.waiting_frames - self._waiting_frames
        if limits.frames_per_second:
            room = min(room, limits.frames_per_second - self._shown)
        return max(0, room)

    def use(self, things: int, size: int) -> None:
        """So many things of `size` bytes will be shown, and wait until then."""
        self._shown += things
        self._waiting_frames += things
        self._waiting_bytes += size

    def free(self, things: int, size: int) -> None:
        """They wait no more."""
        self._waiting_frames -= things
        self._waiting_bytes -= size


def take(events: "Sequence[SessionEvent]", room: int) -> Taken:
    """The events until `room` things are among them; the middle of a large frame shows nothing, and is
    none.
    """
    from wsproxy.protocol.frame import FramePiece, OpaqueData
    from wsproxy.protocol.message import Message

    taken: list[SessionEvent] = []
    count = size = 0
    for index, event in enumerate(events):
        if isinstance(event, FramePiece) and not event.last:
            continue
        if not isinstance(event, Message):
            if count == room:
                return Taken(taken, index, count, size)
            count += 1
        size += OVERHEAD + len(event.data if isinstance(event, OpaqueData) else event.payload)
        taken.append(event)
    return Taken(taken, len(events), count, size)
