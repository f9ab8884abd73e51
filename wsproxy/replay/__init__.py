"""Plays recordings back: a session's device to real clients, its client to a real device."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsproxy.replay.serving import Replay, serve

__all__ = ["Replay", "serve"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wsproxy.replay import serving

    return getattr(serving, name)
