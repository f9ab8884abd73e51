"""Against a recorded box, with the fixture."""

import asyncio
import json

import pytest
import skyq_client
from websockets.sync.client import connect

pytestmark = pytest.mark.wsproxy("recordings/skyq.jsonl")


def test_status(ws_replay) -> None:
    report = asyncio.run(skyq_client.status(ws_replay.url()))
    assert report["camessage"] == {"reason": "no message", "state": "unavailable"}


def test_with_another_client(ws_replay) -> None:
    with connect(ws_replay.url("/as/system/status")) as box:
        assert json.loads(box.recv(timeout=10))["drmstatus"]["state"] == "available"
