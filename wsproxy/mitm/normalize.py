"""Normalize mode: what goes on is what the repairs make of what came, at once and without being held for
addons.

The normalizer takes every chunk, whoever read the socket, and says what is to be sent to whom: mostly the
same bytes to the other side, sometimes an answer to the side they came from.
"""

import asyncio
import logging
from collections.abc import Iterable

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import MessageInjected
from mitmproxy.proxy.layer import CommandGenerator

from wsproxy.conformance.normalizer import Normalizer
from wsproxy.conformance.outgoing import Outgoing
from wsproxy.mitm.hooks import NewFrame
from wsproxy.mitm.layer import ObserveLayer
from wsproxy.mitm.live import LiveSession
from wsproxy.mitm.messages import Seen
from wsproxy.mitm.splice import Send
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind
from wsproxy.store.session_recorder import Changed

_LINGER_S = 2.0
_LOOK_AGAIN_S = 0.05
_MOST_UNSENT = 1 << 20
_SECOND = 1_000_000_000

_log = logging.getLogger(__name__)


class TimeHasPassed(MessageInjected[None]):
    """The normalizer asked to be woken at this time. (HttpLayer takes such events to their session.)"""


class BothClosed(MessageInjected[None]):
    """Both sides were sent a Close frame; a second time: and have had their time to hang up."""


class HangUp(MessageInjected[Side]):
    """The connection with this side is to end without a Close frame."""


class HasHungUp(MessageInjected[Side]):
    """This side has ended its direction, which mitmproxy has not been told."""


class NormalizeLayer(ObserveLayer):
    """Relays what a `Normalizer` makes of either side's stream."""

    def __init__(
        self, context: Context, session: LiveSession, normalizer: Normalizer, *, spliced: bool
    ) -> None:
        super().__init__(context, session, spliced=spliced)
        self._normalizer = normalizer
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at_ns = 0
        self._shut: set[Side] = set()
        self._closing = self._lingers = False
        self._session_over = asyncio.Event()

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        """Take what only this mode knows; the rest is as in observe mode."""
        match event:
            case TimeHasPassed():
                yield from self._wake()
            case BothClosed():
                yield from self._close()
            case HangUp() if not self._over:
                yield commands.CloseConnection(self.session.connection(event.message))
            case HasHungUp():
                yield from self._end(event.message, gone=True)
            case _:
                yield from super().handle_event(event)

    def _receive(self, side: Side, data: bytes) -> CommandGenerator[None]:
        out, seen = self._normalize(side, data)
        yield from self._send_all(out)
        self._look_ahead(self.session.clock())
        if seen:
            yield from self._show_passed(seen)

    def _relay(self, side: Side, data: bytes, send: Send) -> None:
        out, seen = self._normalize(side, data)
        answered = False
        for each in out:
            if not self._goes_on(each):
                continue
            if each.side is side:
                send(each.data)
            else:
                self.session.wire.send(side, each.data)
                answered = True
        if answered and self.session.wire.unsent(side) > _MOST_UNSENT:
            self._hold_until_sent()
        # Not before: a submitted event may be handled at once, and the connections would end without this.
        self._look_ahead(self.session.clock())
        if seen:
            self._submit_passed(seen)

    def _normalize(self, side: Side, data: bytes) -> tuple[list[Outgoing], list[Seen]]:
        at_ns = self.session.clock()
        out = self._normalizer.receive_data(side, data, at_ns)
        self._record(out, at_ns)
        return out, self.session.receive_data(side, data)

    def _record(self, out: Iterable[Outgoing], at_ns: int) -> None:
        """Note what does not go on as it came."""
        for side, kind, start, end, data, rules in out:
            if kind != "relayed":
                self.session.tap.change(Changed(ChangeKind(kind), side, start, end, data, rules), at_ns)

    def _send_all(self, out: Iterable[Outgoing]) -> CommandGenerator[None]:
        for each in out:
            if self._goes_on(each):
                yield from self._send(each.side, each.data)

    def _goes_on(self, out: Outgoing) -> bool:
        """Whether there is something to send, to a side towards which nothing has ended."""
        return bool(out.data) and out.side not in self._ended and out.side.other not in self._shut

    def _hold_until_sent(self) -> None:
        """Read no more from a side that asks for answers and does not take them."""
        full = not self._over and any(self.session.wire.unsent(side) > _MOST_UNSENT for side in Side)
        self.session.gate.hold("answers", full)
        if full:
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._hold_until_sent)

    def _look_ahead(self, at_ns: int) -> None:
        """See to it that the normalizer is woken in time, and that both connections end after two Closes."""
        for side in Side:
            if self._normalizer.hangs_up(side) and side.other not in self._shut:
                self._shut.add(side.other)
                self.session.wire.submit(HangUp(self.session.flow, side.other))
        if not self._closing and all(map(self._normalizer.closed, Side)):
            self._closing = True
            self.session.wire.submit(BothClosed(self.session.flow, None))
        wake_at_ns = self._normalizer.wake_at_ns
        if wake_at_ns is None or (self._timer is not None and self._wakes_at_ns <= wake_at_ns):
            return
        self._stop_timer()
        self._wakes_at_ns = wake_at_ns
        delay_s = max(0, wake_at_ns - at_ns) / _SECOND
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._time_has_passed)

    def _time_has_passed(self) -> None:
        self._timer = None
        if not self._over:
            self.session.wire.submit(TimeHasPassed(self.session.flow, None))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> CommandGenerator[None]:
        if self._over:
            return
        at_ns = self.session.clock()
        if any(self.session.wire.unsent(side) > _MOST_UNSENT for side in Side):
            # Who does not take what there is needs no pings.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_LOOK_AGAIN_S, self._time_has_passed)
            return
        out = self._normalizer.wake(at_ns)
        self._record(out, at_ns)
        yield from self._send_all(out)
        self._look_ahead(at_ns)

    def _close(self) -> CommandGenerator[None]:
        """Both sides have had their Close frames: send them nothing more, and after a while hang up.

        Source: RFC 6455 section 7.1.1.
        """
        if self._over:
            return
        if self._lingers:
            yield from self._end_session()
            return
        self._lingers = True
        self._shut.update(Side)
        self.session.wire.end_after(self._hear_out)
        if not self._ended:
            for side in Side:
                yield commands.CloseTcpConnection(self.session.connection(side), half_close=True)
        asyncio.get_running_loop().call_later(_LINGER_S, self._hang_up)

    def _hang_up(self) -> None:
        if not self._over:
            self.session.wire.submit(BothClosed(self.session.flow, None))

    async def _hear_out(self, side: Side) -> None:
        """Have mitmproxy, which ends all with the client, wait for what the other side has to say yet."""
        self.session.wire.submit(HasHungUp(self.session.flow, side))
        await self._session_over.wait()

    def _end(self, side: Side, *, gone: bool) -> CommandGenerator[None]:
        if side not in self._ended and not self._over:
            at_ns = self.session.clock()
            out = self._normalizer.receive_eof(side, at_ns)
            self._record(out, at_ns)
            yield from self._send_all(out)
            self._look_ahead(at_ns)
        if self._lingers and side.other not in self._ended:
            self._note_end(side)
        else:
            yield from super()._end(side, gone=gone)

    def _end_session(self) -> CommandGenerator[None]:
        yield from super()._end_session()
        self._stop_timer()
        self._session_over.set()

    def _inject(self, new: NewFrame) -> CommandGenerator[None]:
        side, at_ns = new.side, self.session.clock()
        refusal = "its session is over" if self._over or side in self._ended else self._cannot_put_in(side)
        out = None if refusal else self._normalizer.put_in(side, new.opcode, new.payload, at_ns)
        if out is None:
            reason = refusal or "it is in the middle of a frame, or too much waits"
            _log.warning("nothing is injected towards the %s: %s", side.other, reason)
            return
        self._record(out, at_ns)
        yield from self._send_all(out)
        self._look_ahead(at_ns)

    def _cannot_put_in(self, side: Side) -> str:
        return f"the {side.other} was sent a Close frame" if self._normalizer.closed(side) else ""

    def _never_put_in(self) -> int:
        return self._normalizer.never_put_in

    def _passes_on_reset(self, side: Side) -> bool:
        """A Close frame that was sent in a peer's place must arrive."""
        return not self._normalizer.closed(side)
