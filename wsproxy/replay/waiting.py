"""How long a replayed client waits for its device, and what it says when that was in vain. Pure."""

from wsproxy.protocol.opcodes import opcode_name
from wsproxy.replay.client_player import ClientPlayer
from wsproxy.replay.script import Expect, ExpectBytes, ExpectEnd, Step
from wsproxy.store.model import SideCounts

_NS = 1_000_000_000
_LINGER_S = 1.0
_MOST_PIECES = 6
"""Something that comes in pieces is waited for this many times as long, after which it never ends."""
_MORE_MESSAGES, _MORE_BYTES = 10_000, 64 << 20
_EXCERPT = 60


class Patience:
    """Waits `timeout_s` for each thing, beyond the time it took when recorded."""

    def __init__(self, timeout_s: float, now_ns: int) -> None:
        self._timeout_s = timeout_s
        self._step: Step | Patience | None = self
        self._gap_ns = 0
        self.began_ns = self._since_ns = now_ns
        self._limit_s = timeout_s

    @property
    def until_ns(self) -> int:
        """When it is over."""
        return self.began_ns + self._gap_ns + int(self._limit_s * _NS)

    def begin(self, now_ns: int) -> None:
        """A part of it came: wait anew, but not for ever."""
        if now_ns < self._since_ns + self._gap_ns + int(_MOST_PIECES * self._timeout_s * _NS):
            self.began_ns = now_ns

    def for_step(self, player: ClientPlayer, now_ns: int) -> None:
        """Wait for what the player awaits now; after all was played, not long for the device to hang up."""
        step = player.awaited
        if step is not self._step:
            self.began_ns = self._since_ns = now_ns
            self._gap_ns = 0 if step is None else player.recorded_gap_ns(step)
            self._step = step
        self._limit_s = self._timeout_s if step is not None else min(self._timeout_s, _LINGER_S)

    def give_up(self, player: ClientPlayer, now_ns: int) -> str | None:
        """Do without what is awaited; what to tell about it, None if nothing is lost."""
        step = player.awaited
        self.began_ns = self._since_ns = now_ns
        if step is None:
            player.hang_up()
            return None
        if player.settle():
            return None
        player.stop()
        return f"{_described(step)} did not come within {self._timeout_s:g} s; {player.came}"


def too_much(player: ClientPlayer, recorded: SideCounts) -> str | None:
    """What to tell about a device that says far more than it did when recorded, and may never end."""
    messages, received = player.heard
    if (
        messages > 2 * recorded.frames + _MORE_MESSAGES
        or received > 2 * recorded.received_bytes + _MORE_BYTES
    ):
        came = f"{messages:,} messages, {received:,} bytes"
        return f"the device says far more than recorded: given up after {came}"
    return None


def _described(step: Step) -> str:
    match step:
        case Expect(message):
            text = message.payload[:_EXCERPT].decode("utf-8", "backslashreplace")
            shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
            what = "message" if not message.control else "control frame"
            name = opcode_name(message.opcode)
            return f"{what} {message.number} of the device ({name}, {message.length:,} bytes: {shown})"
        case ExpectBytes(offset):
            return f"byte {offset:,} of the device"
        case ExpectEnd():
            return "the end of what the device sends"
    return "the time to send"
