"""Plays recordings back: a session's device to real clients, its client to a real device.

- The device: `serving` is for scripts and tests, `server` listens, a `connection` is one client, with the
  `setting` that all share. `requests` reads what it asks, `choice` (`choosing`, `greeted`) says which session
  it gets, `session_play` plays that, or `handover` gives it away.
- The client: `client_run` from recording to comparison, `client` on the wire (`asking`, `reaching`,
  `leading`, `waiting`; `recorded_link`, `live_session`), `client_turns` of a `client_player`.
- Turns, pure: a `script` of steps (by `scripting`, out of `source`, by `cursor`), `player`, `actions` (a
  `batch` of them), `timing`, `pings`, `unrecorded`, `hearing`, with the `reading` of what is no frame;
  `opening` and `variation` fit what is sent to this run, with what `varying` takes from messages; `as_sent`.
- The sockets: `link`, `certificate`.
- Comparing: `matchers`, `json_values`; `compare` two sessions, by `transcript`, `align` and `heads`; `near`,
  `redacted`.
- What came of it: `book`, `report`, `leftovers`; as plain values `model`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsproxy.replay.serving import Replay, serve

__all__ = ["Replay", "serve"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wsproxy.replay import serving

    return getattr(serving, name)
