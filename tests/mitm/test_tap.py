"""Looking at bytes must never get in their way."""

import logging
from pathlib import Path

import pytest

from tests.mitm.recording import stored
from tests.store.recording import START, recording_to
from tests.wire.build import TEXT, frame
from wsproxy.mitm.follow import Follower
from wsproxy.mitm.tap import Tap
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.message import Message
from wsproxy.store.model import ChangeKind, TcpEnd
from wsproxy.store.session_recorder import Changed


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


def test_nothing_is_recorded_after_the_end(tmp_path: Path) -> None:
    with recording_to(tmp_path / "r.db") as recorder:
        tap = Tap(recorder.open_session(START), {})
        tap.receive_data(Side.SERVER, frame(TEXT, b"x"), 1)
        tap.end(2)
        tap.receive_data(Side.SERVER, frame(TEXT, b"late"), 3)
        tap.change(Changed(ChangeKind.DROPPED, Side.SERVER, 3, 9, b""), 3)
        tap.receive_eof(Side.SERVER, TcpEnd.FIN, 3)
        tap.end(4)
    kept = stored(tmp_path / "r.db")
    assert kept.changes == []
    assert kept.received[Side.SERVER].endswith(frame(TEXT, b"x"))
    assert kept.session.server.tcp_end is TcpEnd.OPEN
