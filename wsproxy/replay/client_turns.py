"""The turns of a replayed client and a live device, once the opening handshake is over."""

from collections.abc import Callable, Sequence

from wsproxy.replay.actions import Done, End, More, Wait, Write
from wsproxy.replay.client_player import ClientPlayer
from wsproxy.replay.hearing import INBOX, Hearing, listen
from wsproxy.replay.recorded_link import RecordedLink
from wsproxy.replay.script import Step
from wsproxy.replay.waiting import Patience, too_much
from wsproxy.store.model import SideCounts


class ClientTurns:
    """Does what `player` wants on `link`, and lets it hear what the device says.

    `more` gives the next steps, `recorded` is how much the device said when recorded.
    """

    def __init__(
        self,
        player: ClientPlayer,
        hearing: Hearing,
        link: RecordedLink,
        more: Callable[[], Sequence[Step]],
        *,
        recorded: SideCounts,
        timeout_s: float,
        clock: Callable[[], int],
    ) -> None:
        self._player = player
        self._hearing = hearing
        self._link = link
        self._more = more
        self._recorded = recorded
        self._clock = clock
        self._patience = Patience(timeout_s, clock())

    async def play(self) -> str | None:
        """To the end; why it was given up, None if it was not."""
        player, link = self._player, self._link
        stopped: str | None = None
        while True:
            if self._hear():
                self._patience.begin(self._clock())
            if (why := too_much(player, self._recorded)) is not None:
                return stopped or why
            match player.next(self._clock()):
                case Write(data):
                    if data:
                        await link.write(data)
                    await link.relieved()
                case Wait(until_ns):
                    why = await self._wait(until_ns)
                    stopped = stopped or why
                case End(how):
                    await link.end(how)
                case More():
                    player.feed(self._more())
                case Done():
                    return stopped
            if player.over:
                return stopped

    def _hear(self) -> bool:
        """Take what came; whether that is part of something of which more is to come."""
        partly = listen(self._hearing, self._link.take, self._player)
        if self._link.take_end():
            self._player.peer_ended(gone=self._link.lost)
        return partly

    async def _wait(self, until_ns: int | None) -> str | None:
        """Wait for the device, or for the time to go on; why to give up, once it is time for that."""
        player, patience = self._player, self._patience
        if not self._link.idle and player.waiting < INBOX:
            return None
        if until_ns is None:
            patience.for_step(player, self._clock())
            if self._clock() >= patience.until_ns:
                return patience.give_up(player, self._clock())
            until_ns = patience.until_ns
        await self._link.wait(until_ns)
        return None
