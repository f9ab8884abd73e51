"""Looking at bytes must never get in their way."""

import logging

import pytest

from tests.wire.build import TEXT, frame
from wsproxy.mitm.follow import Follower
from wsproxy.mitm.tap import Tap
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.message import Message


class Broken(Follower):
    """Fails as no follower should."""

    def receive_data(self, data: bytes) -> list[Message]:  # type: ignore[override]
        raise RuntimeError("a fault of ours")


def test_a_fault_in_following_ends_the_following_alone(caplog: pytest.LogCaptureFixture) -> None:
    tap = Tap(None, {side: Broken(RFC6455, None, 1000) for side in Side})
    with caplog.at_level(logging.ERROR):
        assert tap.receive_data(Side.CLIENT, frame(TEXT, b"x"), 1) == []
        assert tap.receive_data(Side.CLIENT, frame(TEXT, b"y"), 2) == []
    assert [record.getMessage() for record in caplog.records] == [
        "cannot follow this session's messages any more; it is relayed and recorded as before"
    ]
