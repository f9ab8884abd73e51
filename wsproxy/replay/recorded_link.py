"""A connection to a live device of which all that passes behind the heads is recorded."""

import time
from collections.abc import Callable

from wsproxy.protocol.frame import Side
from wsproxy.replay.live_session import LiveSession
from wsproxy.replay.reaching import DeviceLink
from wsproxy.store.model import TcpEnd
from wsproxy.store.session_recorder import Changed


class RecordedLink:
    """Sends on `link`, takes what came on it, and tells `live` of both. `clock` is that of `link`.

    `leave_out` is told what of that is no frame, before it is taken. Unless the client `ends`, that it hangs
    up after all is not its doing, and not recorded.
    """

    def __init__(
        self, link: DeviceLink, live: LiveSession, clock: Callable[[], int], *, ends: bool = True
    ) -> None:
        self._link = link
        self._live = live
        self._clock = clock
        self._ends = ends
        self._since_epoch_ns = time.time_ns() - clock()
        self.leave_out: Callable[[Changed], None] = lambda changed: None

    async def write(self, data: bytes) -> None:
        """Send, and wait until there is room for more."""
        self._receive_data(Side.CLIENT, data, self._clock())
        await self._link.write(data)

    async def end(self, how: TcpEnd) -> None:
        """End the client's direction in that way."""
        if self._ends:
            self._live.receive_eof(Side.CLIENT, how)
        await self._link.end(how)

    def take(self) -> tuple[bytes, int] | None:
        """The next chunk received, and when; None: nothing more so far."""
        taken = self._link.take()
        if taken is not None:
            data, at_ns = taken
            self._receive_data(Side.SERVER, data, at_ns)
        return taken

    def _receive_data(self, side: Side, data: bytes, at_ns: int) -> None:
        for changed in self._live.receive_data(side, data, at_ns + self._since_epoch_ns):
            self.leave_out(changed)

    def take_end(self) -> bool:
        """Whether the device has ended its direction, and all that it sent was taken."""
        if not (self._link.ended and self._link.idle):
            return False
        self._live.receive_eof(Side.SERVER, self._link.how)
        return True

    @property
    def idle(self) -> bool:
        """Whether there is nothing to take."""
        return self._link.idle

    @property
    def lost(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._link.lost

    async def wait(self, until_ns: int) -> None:
        """Wait until something changes, at the latest until that time."""
        await self._link.wait(until_ns)

    async def relieved(self) -> None:
        """Wait until not too much waits to be stored."""
        await self._live.relieved()

    def hear_out(self) -> None:
        """Take what came and is not played an answer to."""
        while self.take() is not None:
            pass
        self.take_end()
