"""What addons get from wsproxy beyond mitmproxy's own hooks: control frames, and a way to send frames."""

from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.events import MessageInjected

from wsproxy.mitm.internals import find_addon
from wsproxy.protocol.frame import Frame, Side


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """A control frame that `side` sent in the session of `flow`; it has gone on already."""

    flow: http.HTTPFlow
    side: Side
    frame: Frame


@dataclass
class WsproxyControlFrameHook(StartHook):  # type: ignore[no-untyped-call]
    """A ping, pong or Close frame (or one with a reserved control opcode) has passed."""

    seen: ControlFrame


@dataclass(frozen=True, slots=True)
class NewFrame:
    """A frame that no peer sent, to go on as if it came from `side`."""

    side: Side
    opcode: int
    payload: bytes


class FrameInjected(MessageInjected[NewFrame]):
    """An addon wants a frame to be sent."""


def inject_frame(flow: http.HTTPFlow, side: Side, opcode: int, payload: bytes) -> None:
    """Send a frame on as if it came from `side`, between two messages of its own.

    For messages mitmproxy has `inject.websocket`, which lets other addons see them. Raises ValueError if the
    flow's session is over.
    """
    find_addon("proxyserver").inject_event(FrameInjected(flow, NewFrame(side, opcode, payload)))
