"""Departures from rules are recorded while a session passes, with what was repaired."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings

from tests.conformance.conforming import Step, conforming_sessions
from tests.store.recording import AT, REQUEST, START, record_session, recording_to
from tests.wire.build import CLOSE, TEXT, client_frame, close, frame
from wsproxy.conformance.checker import Checker
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.rules import Severity
from wsproxy.protocol.frame import Side
from wsproxy.protocol.session import Session
from wsproxy.store.checking import SessionChecks
from wsproxy.store.model import ChangeKind, StoredFinding
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed, Opened, SessionRecorder

MASKED, RIGHT = client_frame(TEXT, b"hello"), frame(TEXT, b"hello")


def findings(place: Path) -> list[StoredFinding]:
    with open_recording(str(place)) as recording:
        return list(recording.findings(1))


def test_what_departs_is_found_where_it_is(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"

    def end(session: SessionRecorder) -> None:
        session.receive_eof(Side.SERVER, "fin", AT)

    record_session(place, [(Side.SERVER, RIGHT), (Side.SERVER, MASKED)], then=end)
    assert [(f.rule_id, f.side, f.offset, f.repaired) for f in findings(place)] == [
        ("frame.masked-by-server", Side.SERVER, len(RIGHT), False),
        ("close.missing", Side.SERVER, len(RIGHT + MASKED), False),
    ]


def test_what_was_changed_for_a_rule_is_repaired(tmp_path: Path) -> None:
    """A change is told in front of its bytes, for which another one may still be waiting."""
    place = tmp_path / "recording.db"
    second = len(RIGHT) + len(MASKED)
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        rules = ("frame.masked-by-server",)
        session.change(Changed(ChangeKind.REPLACED, Side.SERVER, len(RIGHT), second, RIGHT, rules), AT)
        session.receive_data(Side.SERVER, RIGHT + MASKED + MASKED, AT)
        session.end(AT)
    found = [f for f in findings(place) if f.rule_id == "frame.masked-by-server"]
    assert [(f.offset, f.repaired) for f in found] == [(len(RIGHT), True), (second, False)]


def test_a_close_that_was_sent_for_another_rule_is_one_too(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place) as recorder:
        session = recorder.open_session(START)
        sent, rules = frame(CLOSE, close(1011)), ("stream.http-bytes",)
        session.change(Changed(ChangeKind.INJECTED, Side.SERVER, 0, 0, sent, rules), AT)
        session.receive_data(Side.SERVER, b"HTTP/1.1 500 Internal Server Error\r\n\r\n", AT)
        session.receive_eof(Side.SERVER, "fin", AT)
        session.end(AT)
    assert {f.rule_id: f.repaired for f in findings(place)}["close.missing"]


def test_an_opening_handshake_tells_what_was_mended(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    odd = REQUEST.replace(b"Upgrade: websocket", b"Upgrade: Websocket").replace(b"Host: device:9006\r\n", b"")
    mended = Finding("handshake.request.host", "added", Side.CLIENT, None)
    wanted = Finding("handshake.request.origin-wanted", "sent", Side.CLIENT, None)
    with recording_to(place) as recorder:
        start = replace(START, request_head=odd, request_head_sent=REQUEST)
        recorder.open_session(start, [mended, wanted]).end(AT)
    found = {f.rule_id: f.repaired for f in findings(place)}
    assert found.pop("handshake.request.origin-wanted")
    assert found.pop("handshake.request.host")
    assert found
    assert not any(found.values())


def test_a_rule_is_listed_only_so_often(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, MASKED * 500), (Side.SERVER, frame(CLOSE, close(1005)))])
    assert [f.rule_id for f in findings(place)] == ["frame.masked-by-server"] * 5 + ["close.reserved-code"]


@settings(max_examples=40, deadline=None)
@given(conforming_sessions())
def test_the_two_looks_can_take_turns(steps: list[Step]) -> None:
    session, checker = Session(), Checker(START.request_head, START.response_head)
    close_one = Checker(START.request_head, START.response_head)
    for side, data in steps:
        events = session.receive_data(side, data, AT)
        found = close_one.receive(side, events, AT)
        if not checker.skim(side, events, AT):
            assert checker.receive(side, events, AT) == found
        assert all(finding.rule.severity is Severity.NOTE for finding in found)


def test_the_quick_look_sees_what_is_wrong() -> None:
    wrong = [MASKED, frame(TEXT, b"\xff"), frame(TEXT, b"a", fin=False), b"\x81\x7e\x00\x01a", b"\xc1\x00"]
    for data in wrong:
        session, checker = Session(), Checker(START.request_head, START.response_head)
        ordinary = session.receive_data(Side.SERVER, RIGHT * 3, AT)
        assert checker.skim(Side.SERVER, ordinary, AT)
        assert not checker.skim(Side.SERVER, session.receive_data(Side.SERVER, RIGHT + data, AT), AT)


def test_departures_are_found_behind_any_number_of_ordinary_messages() -> None:
    session, checks = Session(), SessionChecks(Opened(START), {})
    for _ in range(3):
        checks.receive(Side.SERVER, session.receive_data(Side.SERVER, RIGHT * 1000, AT), AT)
    assert not checks.take()
    checks.receive(Side.SERVER, session.receive_data(Side.SERVER, RIGHT + MASKED, AT), AT)
    assert [found.offset for found in checks.take()] == [len(RIGHT) * 3001]
