"""Recordings in a real PostgreSQL, several recorders at once."""

import os
import random
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import create_engine, make_url, text

from tests.cli.run import wsproxy_here
from tests.cli.test_record import recording
from tests.store.recording import (
    AT,
    HELLO,
    REQUEST,
    RESPONSE,
    START,
    Callbacks,
    read_streams,
    record_session,
    recording_to,
    wait_until,
)
from tests.store.several import check_several_recorders
from tests.store.test_durability import check_losses, kill_feeder, lost_ns
from tests.store.test_round_trip import conversations, end_both
from tests.wire.build import frame
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store import migrations
from wsproxy.store.engine import reading_engine
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import parse_location
from wsproxy.store.migrations import MIGRATIONS
from wsproxy.store.model import ChangeKind, SessionState
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(sql))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_what_is_read_in_a_transaction_is_of_one_moment(postgresql_url: str) -> None:
    record_session(postgresql_url, [(Side.SERVER, frame(1, b"a"))])
    count = text("SELECT count(*) FROM frames")
    with reading_engine(parse_location(postgresql_url)).connect() as connection:
        with connection.begin():
            before = connection.scalar(count)
            record_session(postgresql_url, [(Side.SERVER, frame(1, b"b"))])
            assert connection.scalar(count) == before
        with connection.begin():
            assert connection.scalar(count) == before + 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=conversations())
def test_any_session_is_read_as_it_was_received(
    postgresql_url: str, chunks: list[tuple[Side, bytes]]
) -> None:
    record_session(postgresql_url, chunks, limits=WriterLimits(piece_limit=100), then=end_both)
    with open_recording(postgresql_url) as recording:
        session = recording.session("last")
        for side, head in ((Side.CLIENT, REQUEST), (Side.SERVER, RESPONSE)):
            received = b"".join(data for sender, data in chunks if sender is side)
            assert b"".join(recording.stream(session.id, side)) == head + received
            frames = list(recording.frames(session.id, side))
            messages = list(recording.messages(session.id, side))
            assert (len(frames), len(messages)) == (
                session.counts(side).frames,
                session.counts(side).messages,
            )


def test_everything_is_kept_as_in_a_file(postgresql_url: str) -> None:
    large = frame(2, bytes(300_000))
    with recording_to(postgresql_url) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.CLIENT, HELLO * 200 + large + b"\x81", AT)
        session.receive_data(Side.SERVER, b"\x88\x05\x03\xe8a\0b", AT)
        session.change(Changed(ChangeKind.REPLACED, Side.CLIENT, 0, 7, b"other"), AT)
        session.change(Changed(ChangeKind.DROPPED, Side.CLIENT, 14, 21, b""), AT)
        session.finding("rule", "nul \0", Side.SERVER, None, AT)
        session.end(AT)
    with open_recording(postgresql_url) as recording:
        stored = recording.session("last")
        assert (stored.state, stored.end.close_reason) == (SessionState.ENDED, "a\\x00b")
        sent = b"".join(recording.stream_sent(1, Side.CLIENT))
        assert sent == REQUEST + b"other" + HELLO + HELLO * 197 + large + b"\x81"
        *_, last = recording.messages(1)
        assert last.message.payload == bytes(300_000)
        assert "nul \\x00" in [finding.detail for finding in recording.findings(1)]


def test_texts_are_found(postgresql_url: str) -> None:
    texts = [b"status on", b"not \xff utf-8 status", b"other"]
    record_session(postgresql_url, [(Side.SERVER, frame(1, data)) for data in texts])
    with open_recording(postgresql_url) as recording:
        assert [stored.message.payload for stored in recording.search("stat")] == texts[:2]


def test_a_person_can_browse(postgresql_url: str) -> None:
    data = frame(1, "höflich".encode(), key=b"abcd") + frame(1, b"\xff", rsv=3) + frame(8, b"\x03\xe8bye")
    record_session(postgresql_url, [(Side.CLIENT, data)])
    assert query(
        postgresql_url, "SELECT number, state, seconds, client_frames, close_reason FROM session_list"
    ) == [(1, "ended", 0, 3, "bye")]
    columns = "extract(epoch FROM time), side, opcode, flags, header, payload"
    assert query(postgresql_url, f"SELECT {columns} FROM frame_list ORDER BY number") == [
        (AT / 1e9, "client", "text", "FIN MASK", "818861626364", "höflich"),
        (AT / 1e9, "client", "text", "FIN RSV2 RSV3", "b101", "\\377"),
        (AT / 1e9, "client", "close", "FIN", "8805", "03e8627965"),
    ]
    assert query(postgresql_url, "SELECT number, opcode, payload FROM message_list") == [
        (1, "text", "höflich"),
        (2, "text", "\\377"),
    ]


def test_several_recorders_begin_and_write_at_once(postgresql_url: str) -> None:
    check_several_recorders(postgresql_url)
    steps = [(number, name) for number, (name, _) in enumerate(MIGRATIONS, 1)]
    assert query(postgresql_url, "SELECT version, name FROM schema_version ORDER BY version") == steps


def test_a_killed_recorder_loses_the_last_moments_only(postgresql_url: str, tmp_path: Path) -> None:
    def kill(turn: int) -> int:
        after = random.Random(os.urandom(8)).uniform(0.3, 1.0)
        with recording_to(postgresql_url) as living:
            session = living.open_session(START)
            passed, killed_at = kill_feeder(postgresql_url, tmp_path / f"{turn}", "small", 0.001, after)
            session.end(AT)
        with open_recording(postgresql_url) as recording:
            first, *others = recording.sessions()
            assert first.state is SessionState.ENDED
            assert all(each.state is SessionState.INTERRUPTED for each in others)
        query(postgresql_url, "DELETE FROM sessions WHERE state = 'ended'")
        lost = lost_ns(postgresql_url, "small", passed, killed_at)
        query(postgresql_url, "DELETE FROM sessions")
        return lost

    check_losses(kill)


def test_a_database_of_a_newer_version_is_refused(postgresql_url: str) -> None:
    record_session(postgresql_url, [])
    query(postgresql_url, "INSERT INTO schema_version VALUES (9, 'future', 0)")
    for attempt in (open_recording, lambda url: recording_to(url).__enter__()):
        with pytest.raises(
            RecordingError, match=f"has format 9, .* up to {len(migrations.MIGRATIONS)}: upgrade"
        ):
            attempt(postgresql_url)


def test_an_empty_database_is_no_recording(postgresql_url: str) -> None:
    with pytest.raises(RecordingError, match="without a recording in it"):
        open_recording(postgresql_url)


def test_who_may_not_write_is_told_so(postgresql_url: str) -> None:
    query(postgresql_url, "CREATE ROLE guest LOGIN" if not guests(postgresql_url) else "SELECT 1")
    record_session(postgresql_url, [(Side.SERVER, HELLO)])
    query(postgresql_url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
    guest = postgresql_url.replace("postgres@", "guest@")
    with pytest.raises(RecordingError, match="does not let this user do that"), recording_to(guest):
        pass
    assert read_streams(guest)[Side.SERVER] == HELLO


def guests(url: str) -> list[tuple[object, ...]]:
    return query(url, "SELECT 1 FROM pg_roles WHERE rolname = 'guest'")


def test_reading_cannot_write(postgresql_url: str) -> None:
    record_session(postgresql_url, [])
    with open_recording(postgresql_url) as recording, recording._pages.transaction() as connection:
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"


def test_a_server_that_goes_away_fails_the_recording(postgresql_url: str) -> None:
    callbacks = Callbacks()
    with recording_to(postgresql_url, callbacks=callbacks) as recorder:
        session = recorder.open_session(START)
        wait_until(lambda: recorder.backlog == 0, "the session to be stored")
        url = make_url(postgresql_url)
        name = url.database
        with psycopg.connect(f"host={url.query['host']} user=postgres", autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        session.receive_data(Side.SERVER, HELLO, AT)
        wait_until(lambda: recorder.failed is not None, "the recorder to fail")
    [failure] = callbacks.failures
    assert failure.exit_code == 3
    assert "cannot be reached: check that the server runs" in str(failure)
    assert "\n" not in str(failure)


def test_its_password_is_in_no_line(postgresql_url: str, tmp_path: Path) -> None:
    url = make_url(postgresql_url).set(password="secret").render_as_string(hide_password=False)
    place = tmp_path / "a.db"
    record_session(place, [])
    with recording("ws://127.0.0.1:9", "-o", url) as running:
        running.wait_for("Recording to postgresql", "err")
        assert running.end() == 0
    empty = wsproxy_here("ls", url)
    added = wsproxy_here("import", str(place), "-o", url)
    assert (empty.code, added.code) == (0, 0)
    for lines in (running.err, empty.err, added.err):
        assert "postgresql+psycopg://postgres:***@" in lines
        assert "secret" not in lines
