"""A recording copied: the same, but for what redaction takes out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.protocol.compression import Compressor
from tests.store.recording import AT, START, recording_to
from tests.store.redacted import AGREED, HEADS, PLACES, RULES, WIDE, assert_clean, read_all
from tests.wire.build import KEY, PING, TEXT, frame
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.copying import copy_recording
from wsproxy.store.model import ChangeKind, HttpExchange, SessionStart
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.redaction import Redaction, redaction_from_json
from wsproxy.store.session_recorder import Changed, SessionRecorder

CLIENT, SERVER = Side.CLIENT, Side.SERVER
EXCHANGE = HttpExchange(AT, AT + 1, "c:1", "s:1", "http://s/", b"GET / HTTP/1.1\r\n\r\n", b"", b"", b"", 0, 0)


def talk(session: SessionRecorder) -> None:
    hello = frame(TEXT, b"hello", key=KEY)
    session.receive_data(CLIENT, hello, AT + 1)
    session.receive_data(SERVER, frame(TEXT, b"x" * 70_000) + frame(TEXT, b"y", fin=False), AT + 2)
    session.change(
        Changed(ChangeKind.REPLACED, CLIENT, 0, len(hello), hello[:6] + b"HELLO", ("a.b",)), AT + 3
    )
    session.receive_eof(CLIENT, "fin", AT + 4)
    session.receive_data(SERVER, frame(PING, b"late") + b"\x81", AT + 5)
    session.receive_eof(SERVER, "rst", AT + 6)
    session.end(AT + 7)


def compressed(session: SessionRecorder) -> None:
    data = frame(TEXT, Compressor().compress(b"squeezed"), rsv=4)
    session.receive_data(SERVER, data + b"\x81\x7f" + b"\xff" * 30, AT + 1)
    session.receive_eof(SERVER, "fin", AT + 2)


def make(path: Path) -> None:
    """Session 1 ended, 2 interrupted; a plain exchange."""
    with recording_to(path) as recorder:
        talk(recorder.open_session(START))
        compressed(recorder.open_session(SessionStart(AT, "c:1", "s:1", "ws://s/", WIDE, AGREED)))
        recorder.exchange(EXCHANGE)


def everything(recording: Recording) -> list[object]:
    found: list[object] = [each.exchange for each in recording.exchanges()]
    for session in recording.sessions():
        ended = [replace(session.counts(side), tcp_end_id=None) for side in Side]
        found += [session.state, session.start, session.end, ended]
        for side in Side:
            found += [b"".join(recording.stream(session.id, side)), recording.tail(session.id, side)]
            found += [b"".join(recording.stream_sent(session.id, side))]
        found += [[(each.side, each.at_ns, each.event) for each in recording.events(session.id)]]
        found += [[each.message for each in recording.messages(session.id)]]
        found += [[replace(each, id=0) for each in recording.changes(session.id)]]
        found += [
            sorted((each.rule_id, each.side, each.offset or -1) for each in recording.findings(session.id))
        ]
        ends = [session.counts(side).tcp_end_id for side in Side]
        ids = [each.id for each in recording.events(session.id)]
        found += [[end is not None and sum(each < end for each in ids) for end in ends]]
    return found


def frames(recording: Recording) -> list[tuple[bytes, bytes]]:
    """Header and payload data of each frame of session 1."""
    return [(each.frame.header, b"".join(recording.payload(each.id))) for each in recording.frames(1)]


def copied(source: Path, target: Path, rules: tuple[str, ...] = (), *sessions: int | str) -> None:
    redaction = Redaction.of(rules) if rules else None
    with open_recording(str(source)) as recording:
        copy_recording(recording, str(target), redaction=redaction, sessions=sessions)


def test_a_copy_holds_the_same(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    copied(tmp_path / "a.db", tmp_path / "b.db")
    with open_recording(str(tmp_path / "a.db")) as one, open_recording(str(tmp_path / "b.db")) as other:
        assert everything(one) == everything(other)


def test_where_there_is_no_secret_nothing_but_the_rules_is_added(tmp_path: Path) -> None:
    """Apart from what nobody can look at: what was cut off, and what is opaque."""
    make(tmp_path / "a.db")
    copied(tmp_path / "a.db", tmp_path / "b.db", ("defaults",))
    copied(tmp_path / "b.db", tmp_path / "c.db", ("regex:nowhere",), 1)
    with open_recording(str(tmp_path / "a.db")) as one, open_recording(str(tmp_path / "c.db")) as other:
        start = other.session(1).start
        assert start.redaction is not None
        assert redaction_from_json(start.redaction).rules[-1] == "regex:nowhere"
        assert start == replace(one.session(1).start, redaction=start.redaction)
        before, after = frames(one), frames(other)
        assert after[:2] == before[:2]
        assert after[2] == (before[2][0], b"R")
        assert after[3] == before[3]
        assert not list(other.exchanges())


@pytest.mark.parametrize("name", PLACES)
def test_a_redacted_copy_holds_no_secret(name: str, tmp_path: Path) -> None:
    feed: Callable[[SessionRecorder], None] = PLACES[name]
    with recording_to(tmp_path / "a.db") as recorder:
        feed(recorder.open_session(HEADS))
    folder = tmp_path / "clean"
    folder.mkdir()
    copied(tmp_path / "a.db", folder / "b.db", RULES)
    assert_clean((folder / "b.db").read_bytes())
    with open_recording(str(folder / "b.db")) as recording:
        read_all(recording)
        assert recording.session(1).state == "interrupted"


def test_no_grammar_that_a_recording_names_is_run(tmp_path: Path) -> None:
    grammar = tmp_path / "own.py"
    grammar.write_text(
        "from construct import *\nfrom wsproxy.protocol.grammar import LEN32\nHEADER = LEN32.header\n"
    )
    with recording_to(tmp_path / "a.db") as recorder:
        recorder.open_session(replace(START, server_dialect=str(grammar))).end(AT)
    grammar.write_text("raise SystemExit('run')\n")
    with pytest.raises(RecordingError, match="grammar"):
        copied(tmp_path / "a.db", tmp_path / "b.db")
