"""An addon that looks at every message, so that somebody follows the frames while they pass."""

from mitmproxy import http


def websocket_message(flow: http.HTTPFlow) -> None:
    """Look at the latest message."""
    assert flow.websocket is not None
    assert flow.websocket.messages[-1].content is not None
