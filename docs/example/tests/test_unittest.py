"""Against a recorded box, without pytest."""

import unittest
from pathlib import Path

import skyq_client

from wsproxy.replay import serve

RECORDING = Path(__file__).parent / "recordings" / "skyq.jsonl"


class StatusTest(unittest.IsolatedAsyncioTestCase):
    """The same client, with the replayed box in its own event loop."""

    async def test_status(self) -> None:
        async with serve(RECORDING) as replay:
            report = await skyq_client.status(replay.url())
            assert report["camessage"]["state"] == "unavailable"
            assert not (await replay.settled_report()).mismatches
