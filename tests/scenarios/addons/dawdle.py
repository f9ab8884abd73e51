"""An addon that takes its time over every message and every control frame."""

import asyncio

from mitmproxy import http

from wsproxy.mitm.hooks import ControlFrame

_DELAY_S = 0.02


async def websocket_message(flow: http.HTTPFlow) -> None:
    """Look at the latest message, for a while."""
    await asyncio.sleep(_DELAY_S)


async def wsproxy_control_frame(seen: ControlFrame) -> None:
    """Look at it for a while."""
    await asyncio.sleep(_DELAY_S)
