"""One connection's turn in a script: what to send next, what to wait for, what departs from the recording.

Pure: what is heard and what time it is come in as arguments, what is to be done comes out as actions.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from wsproxy.protocol.frame import Side
from wsproxy.protocol.opcodes import Opcode
from wsproxy.replay.actions import Action, Done, End, Log, Matches, More, Wait, Write
from wsproxy.replay.batch import Batch
from wsproxy.replay.cursor import Cursor
from wsproxy.replay.hearing import Heard
from wsproxy.replay.model import OnMismatch, PlayedMessage, ReplayOptions
from wsproxy.replay.pings import Pings
from wsproxy.replay.script import Expect, ExpectBytes, ExpectEnd, Play, PlayEnd, Step
from wsproxy.replay.timing import Grace, Pace
from wsproxy.replay.unrecorded import Unrecorded, departure
from wsproxy.replay.variation import Unvaried
from wsproxy.store.model import TcpEnd


class Player:
    """Plays one side's steps to a live peer, in turn order and time.

    `began_ns` is the live time, `recorded_ns` the recorded time, of the end of the opening handshake.
    `masking_key` is for frames that are made.
    """

    def __init__(
        self,
        options: ReplayOptions,
        matcher: Matches,
        log: Log,
        *,
        recorded_ns: int,
        began_ns: int,
        side: Side = Side.SERVER,
        variation: Unvaried | None = None,
        masking_key: bytes | None = None,
    ) -> None:
        self._options = options
        self._matcher = matcher
        self._log = log
        self._pace = Pace(options.speed, recorded_ns, began_ns)
        self._unrecorded = Unrecorded(side, log, masking_key)
        self._variation = variation or Unvaried()
        self._script = Cursor()
        self._batch = Batch()
        self._inbox: deque[PlayedMessage] = deque()
        self._received = 0
        self._peer_ended = self._gone = False
        self._grace = Grace()
        self._pings = Pings()
        self._close_heard = False
        self._abandoned = False
        self._own_end = False
        self._early: Play | None = None

    def feed(self, steps: Sequence[Step]) -> None:
        """Give the next steps; none: there are no more."""
        self._script.feed(steps)

    def hear(self, heard: Iterable[Heard], received: int) -> None:
        """Take what the live peer said, and how many bytes it has sent by now."""
        self._received = received
        self._inbox.extend(each for each in heard if isinstance(each, PlayedMessage))

    def peer_ended(self, *, gone: bool = False) -> None:
        """The live peer has ended its TCP direction; `gone`: and cannot be sent anything either."""
        self._peer_ended = True
        self._gone |= gone

    @property
    def waiting(self) -> int:
        """How many messages were heard and not looked at yet."""
        return len(self._inbox)

    @property
    def first_waiting(self) -> PlayedMessage | None:
        """The first data message of these."""
        return next((message for message in self._inbox if not message.control), None)

    @property
    def left(self) -> Sequence[Step]:
        """The steps not taken, of those that were given."""
        return self._script.left

    def next(self, now_ns: int) -> Action:
        """What to do now."""
        return self._batch.next(self._actions(now_ns))

    def _actions(self, now_ns: int) -> Iterator[Action]:
        while True:
            step = self._script.current
            if self._abandoned or self._script.complete:
                action = self._after_all(now_ns)
            else:
                action = More() if step is None else self._take(step, now_ns)
            if action is not None:
                yield action

    def _take(self, step: Step, now_ns: int) -> Action | None:
        match step:
            case Play():
                return self._play(step, now_ns)
            case Expect():
                return self._expect(step, now_ns)
            case ExpectBytes():
                return self._expect_bytes(step, now_ns)
            case ExpectEnd():
                return self._expect_end(step, now_ns)
            case PlayEnd():
                return self._play_end(step, now_ns)

    def _play(self, step: Play, now_ns: int) -> Action | None:
        if self._gone:
            return self._abandon()
        if step is self._early or self._own_end or (step.answers and not self._pings.has(step)):
            return self._pass(step)
        if wait := self._pace.wait_ns(step.at_ns, now_ns):
            return self._wait(now_ns + wait, now_ns)
        data = step.data if not step.answers else self._pings.answer(step) or step.data
        data = self._variation.receive_data(data)
        self._pace.played(step.at_ns)
        self._script.advance()
        if step.said:
            self._log.played(now_ns, self._variation.said(step.said))
        return Write(data)

    def _wait(self, until_ns: int, now_ns: int) -> Action | None:
        """Wait, but let no Ping that is not recorded wait with it."""
        if self._inbox and self._inbox[0].control and self._inbox[0].opcode != Opcode.CLOSE:
            upcoming = self._script.next_expected()
            if not (upcoming is not None and self._inbox[0].opcode == upcoming.opcode == Opcode.PING):
                return self._aside(now_ns)
        return Wait(until_ns)

    def _play_end(self, step: PlayEnd, now_ns: int) -> Action | None:
        if wait := self._pace.wait_ns(step.at_ns, now_ns):
            return self._wait(now_ns + wait, now_ns)
        self._pace.played(step.at_ns)
        self._pass(step)
        return self._end(step.how)

    def _end(self, how: TcpEnd) -> Action:
        self._own_end = True
        if how is TcpEnd.RST:
            self._peer_ended = self._gone = True
        rest = self._variation.receive_eof()
        if not rest:
            return End(how)
        self._batch.end = End(how)
        return Write(rest)

    def _expect(self, step: Expect, now_ns: int) -> Action | None:
        ping = step.message.opcode == Opcode.PING
        if not self._inbox:
            if self._peer_ended:
                return self._abandon()
            return self._wait_for_ping(step, now_ns) if ping else self._wait_for_message(now_ns)
        live = self._inbox[0]
        if ping and live.opcode == Opcode.PING:
            return self._pinged(step)
        if live.control and live.opcode != Opcode.CLOSE:
            return self._aside(now_ns)
        if ping:
            return self._pass(step)
        self._inbox.popleft()
        if live.opcode == Opcode.CLOSE:
            return self._heard_close(step, live)
        if step.message.opcode != Opcode.CLOSE and self._matcher.matches(step.message, live):
            self._log.heard(live, recorded=True)
            self._variation.capture(step.message, live)
            return self._pass(step, live)
        return self._mismatch(live, step)

    def _pass(self, step: Step, live: PlayedMessage | None = None) -> Action | None:
        """The step is done; what comes next is timed from `live`, if something came."""
        if live is not None:
            self._pace.anchor(step.at_ns, live.at_ns)
        self._script.advance()
        self._grace.over()
        return None

    def _wait_for_message(self, now_ns: int) -> Action:
        """Wait for it; only for a while if the beginning of a frame may have come before it."""
        cut = self._script.next_played()
        if cut is None or cut is self._early or self._own_end or not self._may_be_awaited(cut):
            return Wait()
        until_ns = self._grace.until_ns(now_ns)
        if now_ns < until_ns:
            return Wait(until_ns)
        self._early = cut
        return Write(self._variation.receive_data(cut.data))

    def _may_be_awaited(self, step: Play) -> bool:
        """Whether some of this may have come before what was recorded before it."""
        return step.cut

    def _wait_for_ping(self, step: Expect, now_ns: int) -> Action | None:
        if not self._pings.expected:
            return self._pass(step)
        until_ns = self._grace.until_ns(max(now_ns, self._pace.due(step.at_ns)))
        if now_ns < until_ns:
            return Wait(until_ns)
        self._pings.expected = False
        return self._pass(step)

    def _pinged(self, step: Expect) -> Action | None:
        live = self._inbox.popleft()
        self._pings.heard(step.message, live)
        same = live.payload == step.message.payload
        self._log.heard(live, "" if same else "another payload than recorded", recorded=True)
        return self._pass(step, live)

    def _aside(self, now_ns: int) -> Action | None:
        """A control frame that the script does not wait for: a Ping is answered, a Pong is welcome."""
        live = self._inbox.popleft()
        if live.opcode != Opcode.PING:
            self._log.heard(live)
            return None
        self._log.heard(live, "not recorded")
        return None if self._own_end else self._unrecorded.pong(live, now_ns)

    def _heard_close(self, step: Expect, live: PlayedMessage) -> Action | None:
        self._close_heard = True
        if step.message.opcode != Opcode.CLOSE:
            return self._leave(live)
        same = live.payload == step.message.payload
        self._log.heard(live, "" if same else "another payload than recorded", recorded=True)
        return self._pass(step, live)

    def _leave(self, live: PlayedMessage) -> Action | None:
        """Answer a Close that is not recorded, and end."""
        self._log.heard(live, "not recorded here")
        self._abandon()
        return None if self._own_end else self._unrecorded.goodbye(live)

    def _mismatch(self, live: PlayedMessage, step: Expect | None) -> Action | None:
        expected = None if step is None else step.message
        what = departure(live, expected)
        self._log.heard(live, "not as recorded")
        self._log.mismatch(what, live, expected)
        how = self._options.on_mismatch
        if how is OnMismatch.CLOSE:
            self._abandon()
            return None if self._own_end else self._unrecorded.objection(what, live.at_ns)
        if how is OnMismatch.SKIP and step is not None and not step.message.control:
            return self._pass(step, live)
        return None

    def _expect_bytes(self, step: ExpectBytes, now_ns: int) -> Action | None:
        while self._inbox and self._inbox[0].offset <= step.offset:
            self._log.heard(self._inbox.popleft(), recorded=True)
        if self._received >= step.offset:
            self._pace.anchor(step.at_ns, now_ns)
            return self._pass(step)
        return self._abandon() if self._peer_ended else Wait()

    def _expect_end(self, step: ExpectEnd, now_ns: int) -> Action | None:
        if self._inbox:
            return self._unexpected(now_ns)
        if self._peer_ended:
            self._pace.anchor(step.at_ns, now_ns)
            return self._pass(step)
        if not self._close_heard:
            return Wait()
        # Whoever has said goodbye may wait for the other to hang up first.
        until_ns = self._grace.until_ns(max(now_ns, self._pace.due(step.at_ns)))
        return Wait(until_ns) if now_ns < until_ns else self._pass(step)

    def _abandon(self) -> Action | None:
        self._abandoned = True
        return None

    def _after_all(self, now_ns: int) -> Action | None:
        """The script is over, or given up."""
        if self._inbox:
            return self._unexpected(now_ns)
        if self._gone or (self._peer_ended and self._own_end):
            return Done()
        if not self._own_end and (self._abandoned or self._peer_ended):
            return self._end(TcpEnd.FIN)
        return Wait()

    def _unexpected(self, now_ns: int) -> Action | None:
        live = self._inbox[0]
        if live.control and live.opcode != Opcode.CLOSE:
            return self._aside(now_ns)
        self._inbox.popleft()
        if self._abandoned:
            self._log.heard(live, "after the end")
            return None
        if live.opcode == Opcode.CLOSE:
            self._close_heard = True
            return self._leave(live)
        return self._mismatch(live, None)
