"""The layer that relays a session, in place of mitmproxy's WebsocketLayer; here in observe mode.

Relies on mitmproxy's `Layer`: `handle_event` takes an event now, `_handle_event` takes it in turn, one at a
time, and stops at a blocking command such as a hook until that is done. So what must not wait for addons
happens in the first, and what addons see in the second.
"""

import logging
from abc import abstractmethod

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator, Layer
from mitmproxy.proxy.layers.websocket import (
    WebsocketEndHook,
    WebsocketMessageHook,
    WebSocketMessageInjected,
    WebsocketStartHook,
)
from mitmproxy.websocket import WebSocketMessage

from wsproxy.errors import UsageError
from wsproxy.mitm.hooks import ControlFrame, FrameInjected, NewFrame, WsproxyControlFrameHook
from wsproxy.mitm.live import LegLost, LiveSession, Passed
from wsproxy.mitm.messages import Seen, cost
from wsproxy.mitm.splice import Send
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind

_log = logging.getLogger(__name__)


class Over(events.Event):
    """Both connections are closed; addons are to hear of it after all that came before."""


class SessionLayer(Layer):
    """What both modes have in common: hooks, injection, and the end of a session."""

    def __init__(self, context: Context, session: LiveSession) -> None:
        super().__init__(context)
        self.session = session
        self._ended: list[Side] = []
        self._over = False

    def _enqueue(self, event: events.Event, size: int) -> CommandGenerator[None]:
        """Let an event wait its turn behind the hooks; while too much waits, no more is read."""
        self.session.backlog.add(size)
        yield from super().handle_event(event)

    def _dequeued(self, size: int) -> None:
        self.session.backlog.done(size)

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        match event:
            case events.Start():
                yield WebsocketStartHook(self.session.flow)
            case WebSocketMessageInjected():
                yield from self._inject_message(event.message)
            case FrameInjected():
                yield from self._inject(event.message)
            case Over():
                yield WebsocketEndHook(self.session.flow)
                self.session.flow.live = False

    def _show(self, seen: Seen) -> CommandGenerator[None]:
        """Let addons see what passes, which may take a while."""
        if isinstance(seen, ControlFrame):
            yield WsproxyControlFrameHook(seen)
        else:
            self.session.keep(seen)
            yield WebsocketMessageHook(self.session.flow)

    def _inject_message(self, asked: WebSocketMessage) -> CommandGenerator[None]:
        message = WebSocketMessage(asked.type, asked.from_client, asked.content, injected=True)
        yield from self._show(message)
        if not message.dropped:
            side = Side.CLIENT if message.from_client else Side.SERVER
            yield from self._inject(NewFrame(side, int(message.type), message.content))

    def _inject(self, new: NewFrame) -> CommandGenerator[None]:
        side = new.side
        refusal = "its session is over" if self._over or side in self._ended else self._cannot_put_in(side)
        if not refusal:
            try:
                # A client masks what it sends (RFC 6455 section 5.1), whatever this one does.
                data = self.session.encoder.encode(side, new.opcode, new.payload, masked=side is Side.CLIENT)
            except UsageError as error:
                refusal = str(error)
        if refusal:
            _log.warning("nothing is injected towards the %s: %s", side.other, refusal)
        else:
            yield from self._put_in(side, data)

    @abstractmethod
    def _cannot_put_in(self, side: Side) -> str:
        """Why nothing can be put into what `side` sends; empty if it can."""

    @abstractmethod
    def _put_in(self, side: Side, data: bytes) -> CommandGenerator[None]:
        """Send frames on as if they came from `side`, as soon as that does not break a message."""

    @abstractmethod
    def _never_put_in(self) -> int:
        """How many frames still wait to be put in."""

    def _send(self, side: Side, data: bytes) -> CommandGenerator[None]:
        """Send on what came (or might have come) from `side`."""
        yield commands.SendData(self.session.connection(side.other), data)

    def _send_injected(self, side: Side, offset: int, data: bytes) -> CommandGenerator[None]:
        self.session.change(ChangeKind.INJECTED, side, offset, offset, data)
        yield from self._send(side, data)

    def _end(self, side: Side, *, gone: bool) -> CommandGenerator[None]:
        """`side` sends no more; `gone`: it does not receive either. The other side gets to know it the same
        way.
        """
        if self._over or (side in self._ended and not gone):
            return
        self._note_end(side)
        if self.session.wire.was_reset(side):
            gone = True
            if self._passes_on_reset(side):
                self.session.wire.reset(side.other)
        if not gone and side.other not in self._ended:
            yield commands.CloseTcpConnection(self.session.connection(side.other), half_close=True)
            return
        yield from self._end_session()

    def _note_end(self, side: Side) -> None:
        if side not in self._ended:
            self._ended.append(side)
            self.session.direction_ended(side)

    def _end_session(self) -> CommandGenerator[None]:
        self._over = True
        self.session.finish(self._ended[0] if self._ended else None)
        if unsent := self._never_put_in():
            _log.warning("%d frames were never injected: no message ended before the session did", unsent)
        for side in Side:
            yield commands.CloseConnection(self.session.connection(side))

    def _passes_on_reset(self, side: Side) -> bool:
        """Whether the other side is to see a reset where `side` sent one."""
        return True


def is_gone(event: events.ConnectionClosed) -> bool:
    """Whether mitmproxy has given the connection up, as against its peer having closed one direction."""
    return event.connection.state is ConnectionState.CLOSED


class ObserveLayer(SessionLayer):
    """Bytes go on before anything looks at them, whatever addons are doing.

    `spliced` says the two sockets exchange bytes directly where they can; then only the beginning and the end
    of each direction come by here.
    """

    def __init__(self, context: Context, session: LiveSession, *, spliced: bool) -> None:
        super().__init__(context, session)
        self._spliced = spliced
        self._waiting: dict[Side, list[bytes]] = {side: [] for side in Side}

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        """Relay what cannot wait; the rest takes its turn."""
        match event:
            case events.Start():
                if self._spliced and self.session.wire.can_splice:
                    self.session.wire.splice(self._relay)
                yield from super().handle_event(event)
            case events.DataReceived():
                yield from self._receive(self.session.side_of(event.connection), event.data)
            case events.ConnectionClosed():
                yield from self._end(self.session.side_of(event.connection), gone=is_gone(event))
            case LegLost():
                yield from self._end(event.message, gone=True)
            case Passed():
                yield from self._enqueue(event, sum(map(cost, event.message)))
            case _:
                yield from super().handle_event(event)

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if not isinstance(event, Passed):
            yield from super()._handle_event(event)
            return
        for seen in event.message:
            size = cost(seen)
            yield from self._show(seen)
            self._dequeued(size)

    def _receive(self, side: Side, data: bytes) -> CommandGenerator[None]:
        """Relay through mitmproxy's layers."""
        if self._waiting[side]:
            parts, seen = self._put_between(side, data)
            for part in parts:
                yield from self._send(side, part)
        else:
            yield from self._send(side, data)
            seen = self.session.receive_data(side, data)
        if seen:
            yield from self._show_passed(seen)

    def _relay(self, side: Side, data: bytes, send: Send) -> None:
        """Relay past mitmproxy's layers."""
        if self._waiting[side]:
            parts, seen = self._put_between(side, data)
            for part in parts:
                send(part)
        else:
            send(data)
            seen = self.session.receive_data(side, data)
        if seen:
            self._submit_passed(seen)

    def _show_passed(self, seen: list[Seen]) -> CommandGenerator[None]:
        yield from self.handle_event(Passed(self.session.flow, seen))

    def _submit_passed(self, seen: list[Seen]) -> None:
        self.session.wire.submit(Passed(self.session.flow, seen))

    def _end_session(self) -> CommandGenerator[None]:
        yield from super()._end_session()
        yield from super().handle_event(Over())

    def _cannot_put_in(self, side: Side) -> str:
        follower = self.session.tap.followers.get(side)
        if follower is None:
            return "nobody follows its session's frames (no addon, mitmweb or console wants to see messages)"
        if follower.opaque:
            return f"the {side}'s frames can no longer be told apart"
        return f"the {side} has sent a Close frame" if follower.close else ""

    def _put_in(self, side: Side, data: bytes) -> CommandGenerator[None]:
        follower = self.session.tap.followers[side]
        if follower.boundary == follower.offset:
            yield from self._send_injected(side, follower.offset, data)
        else:
            self._waiting[side].append(data)

    def _never_put_in(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _put_between(self, side: Side, data: bytes) -> tuple[list[bytes], list[Seen]]:
        """What to send on for `data` where a frame waits to be put in, and what addons are to see."""
        seen = self.session.receive_data(side, data)
        follower = self.session.tap.followers.get(side)
        cut = 0 if follower is None else follower.boundary - (follower.offset - len(data))
        if follower is None or cut <= 0:
            return [data], seen
        put_in, self._waiting[side] = self._waiting[side], []
        for frame in put_in:
            self.session.change(ChangeKind.INJECTED, side, follower.boundary, follower.boundary, frame)
        return [part for part in (data[:cut], *put_in, data[cut:]) if part], seen
