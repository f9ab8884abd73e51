"""Back-pressure of one session: while anybody asks for it, its sockets are read no further."""

import asyncio
from collections.abc import Callable


class Gate:
    """Closed while there is a reason to read no more; `on_change` is called each time it opens or closes."""

    __slots__ = ("_done", "_opened", "_reasons", "on_change")

    def __init__(self) -> None:
        self._reasons: set[str] = set()
        self._opened = asyncio.Event()
        self._opened.set()
        self._done = False
        self.on_change: Callable[[], None] | None = None

    @property
    def closed(self) -> bool:
        """Whether anybody wants reading to stop."""
        return bool(self._reasons)

    def hold(self, reason: str, wanted: bool) -> None:
        """Begin (or end, where `wanted` is False) to hold reading back for `reason`."""
        if self._done:
            return
        was_closed = self.closed
        if wanted:
            self._reasons.add(reason)
        else:
            self._reasons.discard(reason)
        if self.closed is was_closed:
            return
        if was_closed:
            self._opened.set()
        else:
            self._opened.clear()
        if self.on_change is not None:
            self.on_change()

    def open_for_good(self) -> None:
        """Let everything through from now on: there is nothing left to hold back for."""
        for reason in list(self._reasons):
            self.hold(reason, False)
        self._done = True

    async def wait_open(self) -> None:
        """Return once nobody holds reading back."""
        await self._opened.wait()
