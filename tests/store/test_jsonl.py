"""Recordings as text: the same in every respect, readable, and refused with the line where they are not."""

import functools
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.recordings import make_recording
from tests.devices.script import Send
from tests.store.compiled import statements_compiled_once
from tests.store.everything import everything
from tests.store.feeder import SESSIONS
from tests.store.recording import AT, START, Callbacks, record_session, recording_to, wait_until
from tests.store.test_formats import EXCHANGE, FORMAT_1
from tests.store.test_round_trip import DEFLATE_RESPONSE, conversations
from tests.wire.build import frame
from tests.wire.cases import CASES
from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store import jsonl_file
from wsproxy.store.jsonl_file import write_records
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind, SessionState
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed, SessionRecorder
from wsproxy.store.writer import Recorder

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """These tests open some three hundred recordings."""
    with statements_compiled_once():
        yield


def as_text(source: Path, to: Path) -> Path:
    with open_recording(str(source)) as recording:
        write_records(to, recording.records(), recording.location)
    return to


def read(place: Path) -> list[object]:
    with open_recording(str(place)) as recording:
        return everything(recording)


def check_round_trip(source: Path, folder: Path) -> None:
    """SQLite to JSONL, back to SQLite, and to JSONL again."""
    text = as_text(source, folder / "a.jsonl")
    assert read(text) == read(source)
    assert as_text(text, folder / "b.jsonl").read_bytes() == text.read_bytes()


def change_things(session: SessionRecorder) -> None:
    session.change(Changed(ChangeKind.REPLACED, Side.CLIENT, 0, 1, b"\xff\0", ("a.b", "c.d")), AT)
    session.change(Changed(ChangeKind.DROPPED, Side.SERVER, 0, 1, b""), AT)
    session.finding("frame.mask", "not \x1b masked", Side.SERVER, None, AT)
    session.finding("frame.rsv", "", Side.CLIENT, 7, AT, repaired=True)
    session.receive_eof(Side.CLIENT, "rst", AT)


@settings(max_examples=10)
@given(
    chunks=conversations(),
    piece_limit=st.sampled_from([100, 1 << 16]),
    deflate=st.booleans(),
    dialect=st.sampled_from(["rfc6455", "len32", "hixie76"]),
    changed=st.booleans(),
)
def test_any_session_is_the_same_as_text(
    chunks: list[tuple[Side, bytes]], piece_limit: int, deflate: bool, dialect: str, changed: bool
) -> None:
    start = replace(START, server_dialect=dialect, response_head_sent=b"\xff", redaction="{}")
    if deflate:
        start = replace(start, response_head=DEFLATE_RESPONSE, client_tls='{"version": "é"}')
    limits = WriterLimits(piece_limit=piece_limit)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "recording.db"
        then = change_things if changed else (lambda session: None)
        record_session(place, chunks, limits=limits, start=start, then=then)
        check_round_trip(place, Path(folder))


def test_recordings_of_all_kinds_are_the_same_as_text(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    make_recording(place)
    with recording_to(place, limits=WriterLimits(piece_limit=1000)) as recorder:
        recorder.exchange(EXCHANGE)
        recorder.open_session(START).receive_data(Side.CLIENT, b"\x82\x7f" + b"\xff" * 30, AT)
        for case in CASES[:: len(CASES) // 15]:
            session = recorder.open_session(START)
            # Two thousand equal frames are no other than a hundred.
            most = 1000 if case.name in ("deflate-bomb", "control-frames-both-ways") else 20_000
            for step in case.steps:
                for side, actions in ((Side.CLIENT, step.client), (Side.SERVER, step.device)):
                    for action in actions:
                        if isinstance(action, Send):
                            session.receive_data(side, action.data[:most], AT)
            if case.name < "m":
                session.end(AT)
        recorder.exchange(replace(EXCHANGE, request_body="größer\r\n\u202e".encode()))
    check_round_trip(place, tmp_path)


@pytest.mark.parametrize("place", [FORMAT_1, *RECORDINGS.glob("*.db")], ids=lambda place: place.name)
def test_a_recording_kept_in_git_becomes_text(place: Path, tmp_path: Path) -> None:
    check_round_trip(place, tmp_path)


def test_texts_are_readable_and_every_event_has_its_line(tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    record_session(place, [(Side.SERVER, frame(1, '{"größe": "\u202e"}'.encode()) + frame(2, b"\xff\0"))])
    first, session, text, binary, client, server = place.read_text("utf-8").splitlines()
    assert first == '{"type":"recording","format":1}'
    assert '"request_head":"GET /chat HTTP/1.1\\r\\nHost: device:9006\\r\\n' in session
    assert '"payload":"{\\"größe\\": \\"\\u202e\\"}"' in text
    assert json.loads(binary)["payload"] == {"base64": "/wA="}
    assert [json.loads(line)["side"] for line in (client, server)] == ["client", "server"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.jsonl"]


def test_recording_goes_on_in_a_text(tmp_path: Path) -> None:
    place = tmp_path / "new" / "r.jsonl"
    record_session(place, [(Side.SERVER, b"\x81\x01a")])
    before = place.read_text("utf-8")
    place.chmod(0o644)
    record_session(place, [(Side.CLIENT, b"\x81\x01b")])
    assert place.read_text("utf-8").startswith(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    with open_recording(str(place)) as recording:
        assert [session.id for session in recording.sessions()] == [1, 2]


def test_one_recorder_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    with recording_to(place) as recorder:
        recorder.open_session(START).end(AT)
        other = Recorder(str(place), on_failure=print, on_pressure=print)
        with pytest.raises(RecordingError, match="is being recorded to by another program"):
            other.start()
        other.close()
        wait_until(lambda: not recorder.backlog, "the commit")
        # Meanwhile it can be read.
        assert len(read(place)) > 1
    record_session(place, [])
    with open_recording(str(place)) as recording:
        assert len(list(recording.sessions())) == 2


def test_what_a_killed_recorder_left_is_recovered(tmp_path: Path) -> None:
    place, log = tmp_path / "r.jsonl", tmp_path / "log"
    record_session(place, [])
    command = [sys.executable, "-m", "tests.store.feeder", str(place), str(log), "small", "0.005"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as feeder:
        assert feeder.stdout is not None
        assert feeder.stdout.readline() == b"ready\n"

        def recorded() -> bool:
            with open_recording(str(place)) as recording:
                return recording.session("last").server.frames > 0

        wait_until(recorded, "frames of the feeder")
        feeder.kill()
    states = [SessionState.ENDED] + [SessionState.INTERRUPTED] * SESSIONS
    with open_recording(str(place)) as recording:
        assert [session.state for session in recording.sessions()] == states
    record_session(place, [])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["log", "r.jsonl"]
    with open_recording(str(place)) as recording:
        assert [session.state for session in recording.sessions()] == [*states, SessionState.ENDED]


def test_a_text_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    noted = Callbacks()
    with recording_to(place, callbacks=noted) as recorder:
        recorder.open_session(START).end(AT)
        (tmp_path / "r.jsonl.new").mkdir()
    assert [str(error).split(" (")[0] for error in noted.failures] == [
        f"{place} is a directory: name a file in it"
    ]
    (tmp_path / "r.jsonl.new").rmdir()
    record_session(place, [])
    with open_recording(str(place)) as recording:
        assert len(list(recording.sessions())) == 2


def test_what_has_lost_a_frame_is_no_text_that_nobody_can_read(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    record_session(place, [(Side.CLIENT, frame(1, b"a", key=b"1234") * 3), (Side.SERVER, frame(1, b"b"))])
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("DELETE FROM frames WHERE id = (SELECT max(id) FROM frames WHERE side = 0)")
    with pytest.raises(RecordingError, match=r"frames of the client: 3 were recorded, 2 are there"):
        as_text(place, tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()


def record_messages(place: Path) -> None:
    """Of the server: a plain message, one in two frames, a compressed one, one that is left unfinished."""
    sent = [frame(1, b"plain"), frame(1, b"in ", fin=False) + frame(0, b"two")]
    sent += [frame(1, bytes.fromhex("f248cdc9c90700"), rsv=4), frame(2, b"unfinished", fin=False)]
    start = replace(START, response_head=DEFLATE_RESPONSE)
    end = functools.partial(SessionRecorder.receive_eof, side=Side.SERVER, how="fin", at_ns=AT)
    record_session(place, [(Side.SERVER, b"".join(sent))], start=start, then=end)


def test_a_text_without_one_of_its_messages_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    record_messages(place)
    lines = place.read_text("utf-8").splitlines(keepends=True)
    messages = [number for number, line in enumerate(lines) if line.startswith('{"type":"message"')]
    assert len(messages) == 3
    for number in messages:
        place.write_text("".join([*lines[:number], *lines[number + 1 :]]), "utf-8")
        said = f'line {len(lines) - 1} cannot be taken: "messages" is 4, and there are 3 lines of messages'
        with pytest.raises(RecordingError, match=re.escape(said)):
            open_recording(str(place))


def test_what_has_lost_a_message_is_no_text_that_nobody_can_read(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    record_messages(place)
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("DELETE FROM assembled_messages WHERE compressed")
    with pytest.raises(RecordingError, match=r"messages of the server: 4 were recorded, 3 are there"):
        as_text(place, tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()


def test_a_message_found_after_the_others_were_counted(tmp_path: Path) -> None:
    """One left unfinished stands where its last frame does: between rows that are read one after another."""
    place = tmp_path / "r.db"
    record_messages(place)
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("UPDATE sides SET messages = 3 WHERE messages = 4")
    check_round_trip(place, tmp_path)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A recording of one session with two frames, and an exchange."""
    place = tmp_path_factory.mktemp("lines") / "r.jsonl"
    record_session(place, [(Side.SERVER, b"\x81\x01a\x81\x01b")])
    with recording_to(place) as recorder:
        recorder.exchange(EXCHANGE)
    return place.read_text("utf-8").splitlines(keepends=True)


def field(number: int, name: str, value: object) -> Callable[[list[str]], str]:
    """Give a field of a line another value; `...` takes it away."""

    def change(lines: list[str]) -> str:
        fields = json.loads(lines[number - 1])
        fields[name] = value
        if value is ...:
            del fields[name]
        return "".join([*lines[: number - 1], json.dumps(fields) + "\n", *lines[number:]])

    return change


def text(number: int, old: str, new: str) -> Callable[[list[str]], str]:
    """Replace a part of a line."""

    def change(lines: list[str]) -> str:
        assert old in lines[number - 1]
        return "".join([*lines[: number - 1], lines[number - 1].replace(old, new), *lines[number:]])

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: "", "is empty"),
        (lambda lines: "\ufeff" + "".join(lines), "line 1 begins with a byte order mark"),
        (lambda lines: "".join(lines)[:-1], "line 7 is cut short"),
        (lambda lines: "".join(lines[:4]), "line 5 is missing: a session ends with a line for each side"),
        (lambda lines: "".join([*lines[:2], *lines[3:]]), 'cannot be taken: "frames" is'),
        (lambda lines: "".join(lines[1:]), 'line 1 is not {"type":"recording","format":1}'),
        (lambda lines: "\n" + "".join(lines), "line 1 is not JSON"),
        (lambda lines: "".join([*lines, "\x1f\x8b\x08 garbage\n"]), "line 8 is not JSON"),
        (lambda lines: "".join([*lines, *lines]), "line 8 cannot be taken"),
        (lambda lines: "".join([*lines, "[" * 100_000 + "\n"]), "line 8 is nested too deeply"),
        (lambda lines: "".join([*lines, "[]\n"]), "line 8 is not a JSON object"),
        (lambda lines: "".join([*lines, "1" * 5000 + "\n"]), "line 8 is not JSON"),
        (field(1, "format", 2), "line 1 says format 2, and this wsproxy knows 1: upgrade wsproxy"),
        (field(1, "format", True), "line 1 is not"),
        (field(2, "type", "sesion"), "is 'sesion', not one of session, frame"),
        (field(2, "type", 5), 'line 2 has no "type"'),
        (field(2, "state", "open"), "\"state\" is 'open', not one of ended, interrupted"),
        (field(2, "target", ...), 'line 2 cannot be taken: "target" is missing'),
        (field(2, "target", "a\0b"), '"target" holds NUL'),
        (field(2, "target", "\ud800"), '"target" holds half a character'),
        (field(2, "request_head", {"base64": "!"}), '"request_head" cannot be read'),
        (field(2, "request_head", {"hex": "00"}), '"request_head" is not a string or {"base64": "..."}'),
        (field(2, "path", "/etc/passwd"), '"path" is not a field of a session'),
        (field(2, "session", 1 << 60), '"session" is 1152921504606846976, not a whole number from 1'),
        (field(2, "started_at_ns", 1 << 70), '"started_at_ns" is'),
        (field(3, "session", 2), '"session" is 2, among the lines of session 1'),
        (field(3, "position", 0), '"position" is 0'),
        (field(3, "position", True), '"position" is True'),
        (field(3, "position", 9), "line 4 cannot be taken"),
        (field(3, "side", "Client"), "\"side\" is 'Client', not client or server"),
        (field(3, "side", []), '"side" is [], not client or server'),
        (field(3, "fin", 1), '"fin" is 1, not true or false'),
        (field(3, "opcode", "1"), "\"opcode\" is '1', not a whole number"),
        (field(3, "opcode", -1), '"opcode" is -1'),
        (field(3, "header", "8g"), '"header" cannot be read'),
        (field(3, "masking_key", "0102"), '"masking_key" is a masking key of 2 bytes'),
        (field(3, "header", ""), '"header" is empty'),
        (field(3, "header", None), '"header" is missing'),
        (text(3, '"opcode":1', '"opcode":NaN'), "line 3 holds NaN"),
        (text(3, '"opcode":1', '"opcode":1.5'), "line 3 holds 1.5"),
        (text(3, '"opcode":1', '"opcode":1,"opcode":2'), '"opcode" is there twice'),
        (field(5, "side", "server"), '"side" is out of order'),
        (field(5, "tcp_end", "FIN"), "\"tcp_end\" is 'FIN', not one of open, fin, rst"),
    ],
)
def test_what_is_no_recording_is_refused(
    lines: list[str], tmp_path: Path, change: Callable[[list[str]], str], said: str
) -> None:
    place = tmp_path / "r.jsonl"
    place.write_text(change(lines), encoding="utf-8", newline="")
    with pytest.raises(RecordingError) as refused:
        open_recording(str(place))
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{place}")
    before = place.read_bytes()
    recorder = Recorder(str(place), on_failure=print, on_pressure=print)
    if before:
        with pytest.raises(RecordingError):
            recorder.start()
        assert place.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.jsonl"]


def test_lines_may_end_as_git_has_made_them(lines: list[str], tmp_path: Path) -> None:
    unix, dos = tmp_path / "unix.jsonl", tmp_path / "dos.jsonl"
    unix.write_text("".join(lines), encoding="utf-8", newline="")
    dos.write_text("".join(lines), encoding="utf-8", newline="\r\n")
    assert dos.read_bytes() != unix.read_bytes()
    assert read(dos) == read(unix)


def test_bytes_that_are_no_text(lines: list[str], tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    place.write_bytes("".join(lines).encode() + b"\xff\n")
    with pytest.raises(RecordingError, match="line 8 is not UTF-8"):
        open_recording(str(place))


def test_a_line_without_end(lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_file, "LINE_LIMIT", 1 << 20)
    place = tmp_path / "r.jsonl"
    place.write_text("".join(chain(lines, ['"' + "a" * (1 << 21) + '"\n'])), encoding="utf-8", newline="")
    with pytest.raises(RecordingError, match="line 8 is longer than 1 MiB"):
        open_recording(str(place))
    large = tmp_path / "large.db"
    record_session(
        large, [(Side.SERVER, frame(1, b"a" * (1 << 21)))], limits=WriterLimits(piece_limit=1 << 21)
    )
    with pytest.raises(RecordingError, match="cannot be written as JSONL: a line would be longer than 1 MiB"):
        as_text(large, tmp_path / "large.jsonl")
    assert not (tmp_path / "large.jsonl").exists()
