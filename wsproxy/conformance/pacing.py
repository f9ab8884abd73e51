"""When what goes on may reach a peer that cannot take all of it at once. Time comes in as an argument."""

from collections import deque

from wsproxy.conformance.keepalive import SECOND
from wsproxy.conformance.outgoing import Outgoing
from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.frame import Side

TOO_EARLY, NOT_ALONE = "stream.frame-too-early", "frame.not-alone"


def frame_gap_ns(profile: Profile, receiver: Side) -> int:
    """How long that side needs between two frames. Option `frame_gap`; cases W02 W03 W05 J06."""
    return _option_ns(profile, NOT_ALONE, "frame_gap", receiver)


def _option_ns(profile: Profile, rule_id: str, option: str, receiver: Side) -> int:
    on = profile.repairs(rule_id, receiver.other)
    return int(profile.option(option, receiver) * SECOND) if on else 0


class _Queue:
    """What one peer is to be sent: nothing before `next_ns`, then one frame every `gap_ns`."""

    __slots__ = ("_kept", "_limit", "_size", "delay_ns", "gap_ns", "next_ns")

    def __init__(self, delay_ns: int, gap_ns: int, limit: int) -> None:
        self.delay_ns = delay_ns
        self.gap_ns = gap_ns
        self.next_ns: int | None = None
        self._kept: deque[Outgoing] = deque()
        self._size = 0
        self._limit = limit

    def __bool__(self) -> bool:
        return bool(self._kept)

    def put(self, out: Outgoing) -> None:
        """Something more, in order."""
        self._kept.append(out)
        self._size += len(out.data) + 256

    def due(self, at_ns: int, *, all_of_it: bool) -> list[Outgoing]:
        """What may go on by now; more than its limit is not kept."""
        if self.next_ns is None:
            self.next_ns = at_ns + self.delay_ns
        passed: list[Outgoing] = []
        while self._kept and (all_of_it or self.next_ns <= at_ns or self._size > self._limit):
            out = self._kept.popleft()
            self._size -= len(out.data) + 256
            passed.append(out)
            if out.data:
                self.next_ns = max(self.next_ns, at_ns + self.gap_ns)
        return passed


class Pacing:
    """Keeps what is sent to a peer until it can take frames, and then gives it one at a time.

    Options `first_frame_delay` (cases A01 A02 C70) and `frame_gap`; at most `hold_limit` bytes are kept.
    """

    def __init__(self, profile: Profile) -> None:
        self._queues: dict[Side, _Queue] = {}
        for receiver in Side:
            delay_ns = _option_ns(profile, TOO_EARLY, "first_frame_delay", receiver)
            gap_ns = frame_gap_ns(profile, receiver)
            if delay_ns or gap_ns:
                limit = profile.option("hold_limit", receiver.other)
                self._queues[receiver] = _Queue(delay_ns, gap_ns, limit)

    @property
    def on(self) -> bool:
        """Whether anything may have to wait."""
        return bool(self._queues)

    @property
    def wake_at_ns(self) -> int | None:
        """When more of what is kept may go on."""
        return min((queue.next_ns or 0 for queue in self._queues.values() if queue), default=None)

    def keeps(self, sender: Side) -> bool:
        """Whether something of `sender` has not gone on yet."""
        return bool(self._queues.get(sender.other))

    def pass_on(self, out: list[Outgoing], at_ns: int, ended: Side | None = None) -> list[Outgoing]:
        """Of what was kept and what is new, what may go on: all that the side which has `ended` sent."""
        passed: list[Outgoing] = []
        for each in out:
            queue = self._queues.get(each.side.other)
            if queue is None:
                passed.append(each)
            else:
                queue.put(each)
        for receiver, queue in list(self._queues.items()):
            passed += queue.due(at_ns, all_of_it=ended is receiver.other)
            if not queue.gap_ns and (queue.next_ns or 0) <= at_ns:
                del self._queues[receiver]
        return passed
