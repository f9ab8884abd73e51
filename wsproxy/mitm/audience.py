"""Who wants to see messages while they pass. If nobody does, nothing is decoded on the event loop.

Relies on scripts being modules in it, and on mitmproxy's own addons:
`view` is there in mitmweb and console, `Dumper` prints nothing at flow_detail 0, `Save` and `SaveHar` keep
whole flows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from mitmproxy.master import Master

from wsproxy.mitm.hooks import WsproxyControlFrameHook
from wsproxy.mitm.internals import all_addons

_MESSAGE_HOOKS = ("websocket_start", "websocket_message", "websocket_end")
_SAVING_OPTIONS = ("save_stream_file", "hardump")


@dataclass(frozen=True, slots=True)
class Audience:
    """What somebody wants to see."""

    messages: bool
    control_frames: bool

    @property
    def follows(self) -> bool:
        """Whether sessions are to be followed on the event loop."""
        return self.messages or self.control_frames


def audience(master: Master) -> Audience:
    """Who is there now: scripts come and go."""
    return Audience(
        messages=_keeps_flows(master) or any(_has(addon, *_MESSAGE_HOOKS) for addon in _scripts(master)),
        control_frames=any(_has(addon, WsproxyControlFrameHook.name) for addon in _scripts(master)),
    )


def _keeps_flows(master: Master) -> bool:
    options = master.options
    saves = any(name in options and getattr(options, name) for name in _SAVING_OPTIONS)
    prints = "dumper" in master.addons.lookup and options.flow_detail > 0
    return bool(saves or prints or "view" in master.addons.lookup)


def _scripts(master: Master) -> Iterator[object]:
    """Addons that are neither mitmproxy's nor ours."""
    for addon in all_addons(master):
        home = "" if isinstance(addon, ModuleType) else type(addon).__module__
        if not home.startswith(("mitmproxy.", "wsproxy.mitm.")):
            yield addon


def _has(addon: object, *hooks: str) -> bool:
    return any(callable(getattr(addon, hook, None)) for hook in hooks)
