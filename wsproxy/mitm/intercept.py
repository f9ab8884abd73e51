"""Intercept mode: whole messages wait until addons have seen them, and may change or drop them.

Relies, beyond what layer.py does, on `RequestWakeup` commands being answered by a `Wakeup` event.
"""

import logging

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.websocket import WebSocketMessage

from wsproxy.errors import UsageError
from wsproxy.mitm.hold import Hold, Part
from wsproxy.mitm.hooks import ControlFrame
from wsproxy.mitm.layer import Over, SessionLayer, is_gone
from wsproxy.mitm.live import LegLost, LiveSession
from wsproxy.mitm.messages import to_flow_message
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode
from wsproxy.store.model import ChangeKind

_PART_COST = 300
_SHOWN = (Opcode.TEXT, Opcode.BINARY)

_log = logging.getLogger(__name__)


class PartsReceived(events.Event):
    """What has come from a side, taken apart."""

    def __init__(self, side: Side, parts: list[Part], at_ns: int) -> None:
        self.side = side
        self.parts = parts
        self.at_ns = at_ns
        self.size = sum(len(part.data) + _PART_COST for part in parts)


class _Outlet:
    """How far one side's stream has gone on."""

    def __init__(self, hold: Hold, *, window_shared: bool) -> None:
        self.hold = hold
        self.offset = 0
        self.boundary = True
        self.waiting: list[bytes] = []
        self.window_shared = window_shared
        """Whether a compressed message may refer to those before it (RFC 7692 section 7.1.1)."""
        self.window_broken = False
        """Whether the receiver missed a message that later ones may refer to: those go on uncompressed."""
        self.received = 0
        self.alarm: commands.RequestWakeup | None = None
        self.received_at_alarm = 0


class InterceptLayer(SessionLayer):
    """Holds messages, and nothing else; all of both streams goes on in order."""

    def __init__(
        self,
        context: Context,
        session: LiveSession,
        holds: dict[Side, Hold],
        deflate: DeflateParameters | None,
        patience_s: float,
    ) -> None:
        super().__init__(context, session)
        self._patience_s = patience_s
        session.wire.end_after(lambda _: session.backlog.passed())
        self._outlets = {
            side: _Outlet(hold, window_shared=_shares_window(deflate, side)) for side, hold in holds.items()
        }

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        """Record what came at once; all else takes its turn."""
        if isinstance(event, events.Wakeup):
            yield from self._wake_up(event)
            return
        if isinstance(event, events.MessageInjected) and not isinstance(event, LegLost):
            yield from self._enqueue(event, _PART_COST)
            return
        if not isinstance(event, events.DataReceived):
            yield from super().handle_event(event)
            return
        side, at_ns = self.session.side_of(event.connection), self.session.clock()
        self.session.tap.receive_data(side, event.data, at_ns)
        received = PartsReceived(side, self._outlets[side].hold.receive_data(event.data), at_ns)
        yield from self._enqueue(received, received.size)
        self._outlets[side].received += len(event.data)
        yield from self._set_alarm(side)

    def _set_alarm(self, side: Side) -> CommandGenerator[None]:
        """See to it that what is no whole message does not wait for ever."""
        outlet = self._outlets[side]
        if outlet.hold.waiting and outlet.alarm is None:
            outlet.alarm = commands.RequestWakeup(self._patience_s)
            outlet.received_at_alarm = outlet.received
            yield outlet.alarm

    def _wake_up(self, event: events.Wakeup) -> CommandGenerator[None]:
        side = next(side for side, outlet in self._outlets.items() if outlet.alarm is event.command)
        outlet = self._outlets[side]
        outlet.alarm = None
        part = outlet.hold.release() if outlet.received == outlet.received_at_alarm else None
        if part is not None:
            _log.info("%d bytes from the %s go on without the rest of their message", len(part.data), side)
            released = PartsReceived(side, [part], self.session.clock())
            yield from self._enqueue(released, released.size)
        yield from self._set_alarm(side)

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        match event:
            case PartsReceived():
                for part in event.parts:
                    yield from self._pass_on(event.side, part, event.at_ns)
                self._dequeued(event.size)
            case events.ConnectionClosed():
                yield from self._end(self.session.side_of(event.connection), gone=is_gone(event))
            case LegLost():
                yield from self._end(event.message, gone=True)
            case events.MessageInjected():
                yield from super()._handle_event(event)
                self._dequeued(_PART_COST)
            case _:
                yield from super()._handle_event(event)

    def _pass_on(self, side: Side, part: Part, at_ns: int) -> CommandGenerator[None]:
        """Let the next part of a stream go on, in the form that addons decide on if it waits for them."""
        outlet = self._outlets[side]
        if part.message is None or not self.session.shows_messages:
            yield from self._send(side, part.data)
        elif part.held:
            seen = to_flow_message(side, part.message, at_ns)
            shown = (seen.type, seen.content)
            yield from self._show(seen)
            if data := self._decided(side, part, part.message, seen, (seen.type, seen.content) != shown):
                yield from self._send(side, data)
        else:
            _log.info("a message of %d bytes from the %s went on without waiting", part.message.length, side)
            yield from self._send(side, part.data)
            self._check_window(side, part.message)
            yield from self._show(to_flow_message(side, part.message, at_ns))
        outlet.offset, outlet.boundary = part.end, part.boundary
        self.session.note_close(side, outlet.hold.close)
        for frame in part.controls:
            yield from self._show(ControlFrame(self.session.flow, side, frame))
        if outlet.boundary:
            yield from self._put_in_waiting(side)

    def _decided(
        self, side: Side, part: Part, original: Message, seen: WebSocketMessage, changed: bool
    ) -> bytes:
        """What goes on in place of a held message now that addons have seen it."""
        outlet = self._outlets[side]
        if seen.dropped:
            frame = b""
        elif not changed and not (outlet.window_broken and original.compressed):
            return part.data
        elif not changed and original.error is not None:
            self._check_window(side, original)
            return part.data
        else:
            opcode = original.opcode if not changed or original.opcode not in _SHOWN else int(seen.type)
            try:
                frame = self.session.encoder.encode(side, opcode, seen.content, masked=part.masked)
            except (UsageError, TypeError) as error:
                _log.error("a message from the %s goes on unchanged: %s", side, error)
                return part.data
        outlet.window_broken |= original.compressed and outlet.window_shared
        return self._replace(side, part, frame)

    def _replace(self, side: Side, part: Part, frame: bytes) -> bytes:
        """The part with `frame` (or nothing) in place of its message; control frames in between stay."""
        kind = ChangeKind.REPLACED if frame else ChangeKind.DROPPED
        sent = []
        begin = part.start
        for control_begin, control_end in (*part.between, (part.end, part.end)):
            if begin < control_begin:
                self.session.change(kind, side, begin, control_begin, frame)
                sent.append(frame)
                kind, frame = ChangeKind.DROPPED, b""
            sent.append(part.data[control_begin - part.start : control_end - part.start])
            begin = control_end
        return b"".join(sent)

    def _check_window(self, side: Side, message: Message) -> None:
        if self._outlets[side].window_broken and message.compressed:
            _log.error(
                "the %s may not be able to read a message from the %s: it is compressed by reference to one "
                "that was changed or dropped, and cannot be written anew",
                side.other,
                side,
            )

    def _end(self, side: Side, *, gone: bool) -> CommandGenerator[None]:
        rest = None if side in self._ended else self._outlets[side].hold.release()
        if rest is not None:
            yield from self._pass_on(side, rest, self.session.clock())
        yield from super()._end(side, gone=gone)

    def _end_session(self) -> CommandGenerator[None]:
        yield from super()._end_session()
        yield from super()._handle_event(Over())

    def _cannot_put_in(self, side: Side) -> str:
        return f"the {side} has sent a Close frame" if self._outlets[side].hold.close else ""

    def _put_in(self, side: Side, data: bytes) -> CommandGenerator[None]:
        outlet = self._outlets[side]
        outlet.waiting.append(data)
        if outlet.boundary:
            yield from self._put_in_waiting(side)

    def _never_put_in(self) -> int:
        return sum(len(outlet.waiting) for outlet in self._outlets.values())

    def _put_in_waiting(self, side: Side) -> CommandGenerator[None]:
        outlet = self._outlets[side]
        put_in, outlet.waiting = outlet.waiting, []
        for data in put_in:
            yield from self._send_injected(side, outlet.offset, data)


def _shares_window(deflate: DeflateParameters | None, side: Side) -> bool:
    if deflate is None:
        return False
    return not (
        deflate.client_no_context_takeover if side is Side.CLIENT else deflate.server_no_context_takeover
    )
