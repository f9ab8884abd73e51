"""Recordings made with redaction: no secret is in the file, and everything else is."""

import json
import sqlite3
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
from tests.store.recording import AT, START
from tests.store.redacted import (
    AGREED,
    PIN,
    PLACES,
    RULES,
    SAID,
    SECRET,
    SIDE,
    WIDE,
    assert_clean,
    changed,
    dripping,
    in_frames,
    recorded,
)
from tests.wire.build import BINARY, CLOSE, KEY, PING, TEXT, close, frame, mask
from wsproxy.store.model import ChangeKind, SessionStart
from wsproxy.store.reader import open_recording
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import Changed, SessionRecorder


@pytest.mark.parametrize("name", PLACES)
def test_no_secret_is_ever_in_the_files(name: str, tmp_path: Path) -> None:
    recorded(tmp_path / "r.db", PLACES[name])


@pytest.mark.parametrize("name", PLACES)
def test_nor_in_those_of_a_text_or_of_the_database_it_is_made_from(name: str, tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    recorded(place, PLACES[name])
    recorded(place, PLACES[name])
    assert [entry.name for entry in tmp_path.iterdir()] == [place.name]
    with open_recording(str(place)) as recording:
        first, second = recording.sessions()
        assert first.start.redaction == second.start.redaction == Redaction.of(RULES).to_json()


@pytest.mark.parametrize("name", PLACES)
def test_without_redaction_it_would_be_found(name: str, tmp_path: Path) -> None:
    for place in (tmp_path / "a" / "r.db", tmp_path / "b" / "r.jsonl"):
        with pytest.raises(AssertionError):
            recorded(place, PLACES[name], rules=("header:X-Other",))


def test_compressed_secrets_are_not_there_in_any_form(tmp_path: Path) -> None:
    compressor = Compressor()
    stored = Compressor(level=0)
    payloads = [b"first", PIN, b"between", SAID, b"the last"]
    feed = in_frames(*(frame(TEXT, compressor.compress(each), rsv=4) for each in payloads))
    start = SessionStart(AT, "c:1", "s:1", "ws://s/", WIDE, AGREED)
    recorded(tmp_path / "r.db", feed, start=start)
    with open_recording(str(tmp_path / "r.db")) as recording:
        messages = [each.message for each in recording.messages(1)]
        raw = [each.frame.payload + b"\0\0\xff\xff" for each in recording.frames(1)]
    assert [each.error for each in messages] == [None] * 5
    assert all(each.compressed for each in messages)
    assert json.loads(messages[1].payload) == {"params": {"pin": "REDACTED", "n": 1}}
    assert messages[3].payload == b"say REDACTED again"
    assert SECRET not in zlib.decompressobj(-15).decompress(b"".join(raw))
    feed = in_frames(frame(TEXT, stored.compress(SAID), rsv=4), frame(TEXT, b"\xff" + SECRET, rsv=4))
    (tmp_path / "2").mkdir()
    recorded(tmp_path / "2" / "r.db", feed, start=start)
    feed = in_frames(frame(TEXT, stored.compress(SAID), rsv=4))
    (tmp_path / "3").mkdir()
    recorded(tmp_path / "3" / "r.db", feed)


def test_changes_and_findings_are_where_they_belong(tmp_path: Path) -> None:
    recorded(tmp_path / "r.db", changed)
    with open_recording(str(tmp_path / "r.db")) as recording:
        first, second = recording.frames(1)
        replaced, *injected = recording.changes(1)
        found = [each.offset for each in recording.findings(1)]
        sent = b"".join(recording.stream_sent(1, SIDE))
    end = second.frame.offset + len(second.frame.serialize())
    assert (replaced.start_offset, replaced.end_offset) == (second.frame.offset, end)
    assert [(each.start_offset, each.end_offset) for each in injected] == [(end, end)] * 2
    assert found == [second.frame.offset + 2] * 2 + [None]
    expected = START.response_head + first.frame.serialize() + frame(TEXT, b"say REDACTED again!")
    assert sent.startswith(expected)


frames = st.builds(
    lambda opcode, payload, key: frame(opcode, payload, key=key),
    st.sampled_from([TEXT, BINARY, PING]),
    st.lists(st.sampled_from([SECRET, b"word ", b"x" * 100, b"{"]), max_size=3)
    .map(b"".join)
    .map(lambda p: p[:125]),
    st.sampled_from([None, KEY]),
)


@settings(max_examples=12)
@given(st.lists(frames, min_size=1, max_size=5), st.sampled_from([1, 5, 1000]))
def test_frames_without_secrets_are_byte_identical(
    tmp_path_factory: pytest.TempPathFactory, data: list[bytes], step: int
) -> None:
    place = tmp_path_factory.mktemp("redacted") / "r.db"
    recorded(place, dripping(b"".join(data), step), rules=("regex:hunter2[^\\s{]*",))
    with open_recording(str(place)) as recording:
        stored = [each.frame.serialize() for each in recording.frames(1)]
    assert len(stored) == len(data)
    for before, after in zip(data, stored, strict=True):
        if SECRET[:7] not in before and mask(SECRET)[:7] not in before and b"hunter" not in mask(before[6:]):
            assert after == before


def test_the_index_holds_no_secrets(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    recorded(place, in_frames(frame(TEXT, SAID)))
    connection = sqlite3.connect(place)
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        assert_clean(repr(connection.execute(f"select * from {table}").fetchall()).encode())
    connection.close()


def test_frames_behind_what_is_left_out_are_redacted_as_always(tmp_path: Path) -> None:
    junk, more = b"\r\n", b"\r\n\r\n"
    sent = junk + frame(TEXT, PIN) + more + frame(TEXT, SAID) + junk + frame(CLOSE, close(1000))

    def feed(session: SessionRecorder) -> None:
        places = ((0, junk), (sent.index(more), more), (sent.rindex(junk), junk))
        for start, what in places:
            end = start + len(what)
            changed = Changed(ChangeKind.DROPPED, SIDE, start, end, b"", ("stream.stray-line-end",))
            session.change(changed, AT)
        for start in range(0, len(sent), 9):
            session.receive_data(SIDE, sent[start : start + 9], AT)

    recorded(tmp_path / "r.db", feed)
    with open_recording(str(tmp_path / "r.db")) as recording:
        messages = [each.message.payload for each in recording.messages(1, SIDE)]
        assert json.loads(messages[0]) == {"params": {"pin": "REDACTED", "n": 1}}
        assert messages[1] == b"say REDACTED again"
        session = recording.session(1)
        assert session.end is not None
        assert session.end.close_code == 1000
        found = {(each.rule_id, each.repaired) for each in recording.findings(1, SIDE)}
        assert ("stream.stray-line-end", True) in found
        stream = b"".join(recording.stream(1, SIDE))[len(START.response_head) :]
        assert stream.startswith(junk + b"\x81")
        assert b"}" + more + b"\x81" in stream
