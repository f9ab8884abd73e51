"""Finding text messages by their words, indexed or not."""

import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.recording import AT, START, record_session, recording_to, wait_until
from tests.store.test_round_trip import DEFLATE_RESPONSE
from tests.wire.build import frame
from wsproxy.errors import RecordingError, UsageError
from wsproxy.protocol.frame import Side
from wsproxy.store import search_index
from wsproxy.store.limits import WriterLimits
from wsproxy.store.reader import open_recording

EAGER = WriterLimits(tick=0.001, index_after=0.0)
NEVER = WriterLimits(index_after=1e9)


def found(place: Path, text: str) -> list[bytes]:
    with open_recording(str(place)) as recording:
        return [stored.message.payload for stored in recording.search(text)]


def indexed(place: Path) -> list[int]:
    """The ids of what is in the index on disk."""
    connection = sqlite3.connect(place)
    try:
        return [row[0] for row in connection.execute("SELECT rowid FROM text_index ORDER BY rowid")]
    finally:
        connection.close()


def marks(place: Path) -> dict[int, int]:
    connection = sqlite3.connect(place)
    try:
        return dict(connection.execute("SELECT id, message_id FROM search_marks"))
    finally:
        connection.close()


def settled(place: Path, sessions: int) -> Callable[[], bool]:
    """Whether so many sessions are indexed as a whole."""
    return lambda: (
        [n for n, mark in marks(place).items() if mark == search_index.complete_mark(n)]
        == list(range(1, sessions + 1))
    )


def compressed(text: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return frame(1, (squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv=4)


TEXTS = [
    frame(1, b'{"status": "on", "channel": 501}'),
    frame(2, b"status in binary"),
    frame(1, b"frag", fin=False) + frame(0, b"mented Status"),
    frame(1, "größer: Ω\0nul".encode()),
    frame(1, b"not \xff utf-8"),
    frame(1, b"word " * 20_000 + b"needle"),
]


@pytest.mark.parametrize("limits", [EAGER, NEVER])
def test_words_are_found_wherever_they_are(tmp_path: Path, limits: WriterLimits) -> None:
    place = tmp_path / "recording.db"
    chunks = [(Side.SERVER, data) for data in TEXTS]
    record_session(place, chunks, limits=limits)
    start = replace(START, response_head=DEFLATE_RESPONSE)
    with recording_to(place, limits=limits) as recorder:
        session = recorder.open_session(start)
        session.receive_data(Side.CLIENT, compressed(b"compressed status"), AT)
        session.end(AT)
        if limits is EAGER:
            wait_until(settled(place, 2), "the index to be complete")
            assert len(indexed(place)) == 6
        else:
            wait_until(lambda: recorder.backlog == 0, "the session to be stored")
            assert indexed(place) == []
    fragmented, whole = b"fragmented Status", b'{"status": "on", "channel": 501}'
    assert found(place, "status") == [whole, fragmented, b"compressed status"]
    assert found(place, "STAT") == [whole, fragmented, b"compressed status"]
    assert found(place, "chan status") == [whole]
    assert found(place, "grosser") == []
    assert found(place, "großer ω") == [TEXTS[3][2:]]
    assert found(place, "utf") == [b"not \xff utf-8"]
    assert found(place, "needle") == [b"word " * 20_000 + b"needle"]
    assert found(place, 'say "quoted" OR (') == []


def test_a_search_sees_what_the_index_does_not_yet(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place, limits=EAGER) as recorder:
        first = recorder.open_session(START)
        first.receive_data(Side.CLIENT, frame(1, b"alpha one"), AT)
        wait_until(lambda: len(indexed(place)) == 1, "the first message to be indexed")
        with open_recording(str(place)) as recording:
            results = recording.search("alpha")
            assert next(results).message.payload == b"alpha one"
            second = recorder.open_session(START)
            second.receive_data(Side.CLIENT, frame(1, b"alpha two"), AT)
            first.receive_data(Side.CLIENT, frame(1, b"alpha three"), AT)
            wait_until(lambda: len(indexed(place)) == 3, "the others to be indexed")
            assert len([stored.id for stored in results]) <= 1
        assert found(place, "alpha") == [b"alpha one", b"alpha three", b"alpha two"]
        assert len(indexed(place)) == 3


def test_the_index_takes_up_what_an_earlier_recorder_left(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    many = [(Side.CLIENT, frame(1, b"message %d" % number) * 100) for number in range(9)]
    record_session(place, many, limits=NEVER)
    record_session(place, [], limits=NEVER)
    with recording_to(place, limits=EAGER):
        wait_until(settled(place, 2), "the index to be complete")
    assert len(indexed(place)) == 900
    assert found(place, "message 7") == [b"message 7"] * 100
    with recording_to(place, limits=EAGER):
        pass
    assert len(indexed(place)) == 900


def test_there_must_be_something_to_search_for(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [])
    with open_recording(str(place)) as recording, pytest.raises(UsageError, match="nothing to search for"):
        recording.search("  ")


def test_without_fts5_all_else_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "recording.db"
    monkeypatch.setattr(search_index, "CREATE_INDEX", "CREATE VIRTUAL TABLE text_index USING nosuch(text)")
    with recording_to(place, limits=EAGER) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.CLIENT, TEXTS[0], AT)
        session.end(AT)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
    with (
        open_recording(str(place)) as recording,
        pytest.raises(RecordingError, match=r"cannot search texts \(no such module: nosuch\)"),
    ):
        list(recording.search("status"))
    monkeypatch.undo()
    with recording_to(place, limits=EAGER):
        pass
    assert found(place, "status") == [TEXTS[0][2:]]


def test_an_index_that_cannot_be_created_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "CREATE_INDEX", "CREATE NONSENSE")
    with pytest.raises(RecordingError, match="syntax error"), recording_to(tmp_path / "recording.db"):
        pass


def test_a_damaged_index_does_not_stop_the_recording(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [], limits=NEVER)
    connection = sqlite3.connect(place)
    connection.execute("DROP TABLE text_index")
    connection.close()
    with recording_to(place, limits=EAGER) as recorder:
        session = recorder.open_session(START)
        for turn in range(3):
            session.receive_data(Side.CLIENT, TEXTS[0], AT)
            wait_until(lambda: recorder.backlog == 0, f"chunk {turn} to be stored")
    with open_recording(str(place)) as recording:
        assert len(list(recording.frames(2))) == 3


def test_what_is_indexed_during_a_search_is_not_found_twice(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    with recording_to(place, limits=EAGER) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.CLIENT, frame(1, b"alpha") * 200, AT)
        wait_until(lambda: len(indexed(place)) == 200, "the first messages to be indexed")
        with open_recording(str(place)) as recording:
            results = recording.search("alpha")
            next(results)
            session.receive_data(Side.CLIENT, frame(1, b"alpha") * 100, AT)
            wait_until(lambda: len(indexed(place)) == 300, "the others to be indexed")
            assert len(list(results)) == 199
    assert len(found(place, "alpha")) == 300
