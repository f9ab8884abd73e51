"""Back-pressure of one session: while anybody asks for it, its sockets are read no further; where
messages wait for addons, the end of a direction waits, too.
"""

import asyncio
from collections.abc import Callable

_BACKLOG_HIGH = 4 << 20
_BACKLOG_LOW = 2 << 20


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


class Backlog:
    """What of a session waits for its turn, in bytes: too much of it closes the gate.

    What is added first is done first.
    """

    __slots__ = ("_added", "_done", "_gate", "_over", "_waiters")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._added = self._done = 0
        self._over = False
        self._waiters: list[tuple[int, asyncio.Event]] = []

    def add(self, size: int) -> None:
        """So much more waits."""
        self._added += size
        if self._added - self._done > _BACKLOG_HIGH:
            self._gate.hold("hooks", True)

    def done(self, size: int) -> None:
        """So much of it has had its turn."""
        self._done += size
        if self._added - self._done < _BACKLOG_LOW:
            self._gate.hold("hooks", False)
        self._wake()

    def over(self) -> None:
        """Nobody needs to wait any more."""
        self._over = True
        self._wake()

    async def passed(self) -> None:
        """Return once all that waits at this moment has had its turn; before that, cancelling has no effect.

        Whatever cancels the reading of a connection while it waits here means to end it, and so do we.
        """
        wanted, turn = self._added, asyncio.Event()
        if self._over or self._done >= wanted:
            return
        self._waiters.append((wanted, turn))
        cancelled: asyncio.CancelledError | None = None
        while not turn.is_set():
            try:
                await turn.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _wake(self) -> None:
        for wanted, turn in self._waiters:
            if self._over or self._done >= wanted:
                turn.set()
        self._waiters = [(wanted, turn) for wanted, turn in self._waiters if not turn.is_set()]
