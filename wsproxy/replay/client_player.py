"""A replayed client's turn: as recorded, whatever the device says instead of what it said then. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.opcodes import OPCODE_NAMES
from wsproxy.replay.actions import Action, Log, Matches
from wsproxy.replay.hearing import Heard
from wsproxy.replay.model import PlayedMessage, ReplayOptions
from wsproxy.replay.near import similarity
from wsproxy.replay.player import Player
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.variation import Variation

_AHEAD = 16
_MOST_EXTRAS = 16
_LIKE, _ALIKE = 0.8, 0.4


class ClientPlayer(Player):
    """Plays the client. A message that is not the one recorded in its place

    - stands for it if the two are much alike;
    - means that those between were left out, if it is one of the next that were recorded;
    - is one more than recorded otherwise, until nothing better comes (`settle`).

    `ended`: the client has ended its direction before the handshake was over.
    """

    def __init__(
        self,
        options: ReplayOptions,
        matcher: Matches,
        log: Log,
        *,
        recorded_ns: int,
        began_ns: int,
        variation: Variation | None = None,
        masking_key: bytes = bytes(4),
        ended: bool = False,
    ) -> None:
        super().__init__(
            options,
            matcher,
            log,
            recorded_ns=recorded_ns,
            began_ns=began_ns,
            side=Side.CLIENT,
            variation=variation,
            masking_key=masking_key,
        )
        self._own_end = ended
        self._left_out: set[int] = set()
        self._extras: deque[PlayedMessage] = deque(maxlen=_MOST_EXTRAS)
        self._heard_messages = self._heard_controls = 0
        self.over = False
        """Whether nothing is left but to close the connection."""

    @property
    def awaited(self) -> Step | None:
        """What is to come or to be done next; None: nothing more, as far as is known."""
        return None if self._abandoned else self._script.current

    def recorded_gap_ns(self, step: Step) -> int:
        """How long after what came before it was recorded."""
        return self._pace.gap_ns(step.at_ns)

    def settle(self) -> bool:
        """Take what came in place of what is awaited for it; False if nothing did."""
        step = self.awaited
        if not self._extras or not isinstance(step, Expect):
            return False
        self._stand_for(step, self._extras.popleft())
        return True

    def stop(self) -> None:
        """Play no more; what is still to be done is to end the connection."""
        self._abandon()

    def hang_up(self) -> None:
        """Wait no longer for the device to end the connection."""
        if self._own_end or self._peer_ended:
            self.over = True
        self._abandon()

    @property
    def came(self) -> str:
        """What came so far, in words."""
        data = f"{self._heard_messages:,} message{'' if self._heard_messages == 1 else 's'} came"
        return f"{data}, {self._received:,} bytes in all"

    @property
    def heard(self) -> tuple[int, int]:
        """How many messages and control frames came so far, and how many bytes."""
        return self._heard_messages + self._heard_controls, self._received

    def hear(self, heard: Iterable[Heard], received: int) -> None:
        """Take what the device said."""
        came = list(heard)
        controls = sum(isinstance(each, PlayedMessage) and each.control for each in came)
        self._heard_controls += controls
        self._heard_messages += sum(isinstance(each, PlayedMessage) for each in came) - controls
        super().hear(came, received)

    def _may_be_awaited(self, step: Play) -> bool:
        # A frame is recorded when it is complete, and of bytes that only look like frames nobody knows.
        first = next(iter(FrameDecoder().receive_data(step.data)), None)
        only_looks_like = isinstance(first, Frame) and first.opcode not in OPCODE_NAMES
        return only_looks_like or super()._may_be_awaited(step)

    def _expect(self, step: Expect, now_ns: int) -> Action | None:
        if step.event_id in self._left_out:
            self._left_out.remove(step.event_id)
            return self._pass(step)
        return super()._expect(step, now_ns)

    def _pass(self, step: Step, live: PlayedMessage | None = None) -> Action | None:
        if live is not None and not live.control:
            self._extras.clear()
        return super()._pass(step, live)

    def _stand_for(self, step: Expect, live: PlayedMessage) -> Action | None:
        self._variation.capture(step.message, live)
        return self._pass(step, live)

    def _mismatch(self, live: PlayedMessage, step: Expect | None) -> Action | None:
        if step is None or step.message.control:
            self._log.heard(live, "not recorded")
            return None
        likeness = similarity(step.message, live)
        skipped = self._before(live) if likeness < _LIKE else ()
        if skipped:
            self._left_out.update(skipped)
            self._inbox.appendleft(live)
        elif likeness >= _ALIKE:
            self._log.heard(live, "not as recorded", recorded=True)
            return self._stand_for(step, live)
        else:
            self._log.heard(live, "not recorded here")
            self._extras.append(live)
        return None

    def _before(self, live: PlayedMessage) -> Sequence[int]:
        """The events of the recorded messages in front of the one that this is; none if it is none of the
        next.
        """
        events: list[int] = []
        upcoming = (
            each for each in self._script.left if isinstance(each, Expect) and not each.message.control
        )
        for step in islice(upcoming, _AHEAD):
            if events and self._matcher.matches(step.message, live):
                return events
            events.append(step.event_id)
        return ()
