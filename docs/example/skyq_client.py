"""What a set-top box says of itself."""

import json
from typing import Any

import websockets


async def status(url: str) -> dict[str, Any]:
    """The first status report of the box at `url`."""
    async with websockets.connect(f"{url.rstrip('/')}/as/system/status") as box:
        report: dict[str, Any] = json.loads(await box.recv())
        return report
