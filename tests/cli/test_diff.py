import json
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.replay.test_compare import SERVER, TALK, changed, record
from wsproxy.cli.diff import KEEP_ALIVE, KINDS, split_session
from wsproxy.replay.compare import Kind

ANOTHER = changed(4, SERVER, 0x1, b'{"status":"off\x1b[2J","id":1}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    record(tmp_path / "a.db", TALK, ANOTHER, TALK)
    return tmp_path / "a.db"


def test_no_difference_is_said_so(path: Path) -> None:
    done = wsproxy_here("diff", f"{path}:1", f"{path}:3")
    assert (done.code, done.err) == (0, "")
    assert done.out == "no differences: 7 messages and control frames are the same\n"


def test_a_difference_is_shown_among_its_neighbours(path: Path) -> None:
    done = wsproxy_here("diff", f"{path}:1", f"{path}:2", "--context", "1", "--ignore", "findings")
    assert done.code == 1
    assert done.out.splitlines() == [
        "  … 3 the same",
        "  client    1 pong         4 B  ping",
        '! server    2 text        25 B  {"status":"ready","id":1}  (changed)',
        '      - {"status":"ready","id":1}',
        '      + {"status":"off\\x1b[2J","id":1}',
        "  client    2 binary      40 B  " + bytes(range(24)).hex(" ") + " 18 1…",
        "  … 1 the same",
        "1 difference (1 changed); 6 messages and control frames are the same",
    ]


def test_it_is_told_to_machines(path: Path) -> None:
    done = wsproxy_here("diff", f"{path}:1", f"{path}:2", "--json")
    assert done.code == 1
    found, summary = done.objects
    assert (found["kind"], found["side"]) == ("changed", "server")
    assert json.loads(found["first"]["text"])["status"] == "ready"
    assert found["second"]["text"].startswith('{"status":"off')
    assert summary == {"type": "summary", "same": 6, "differences": {"changed": 1}}


def test_it_is_shown_side_by_side(path: Path) -> None:
    done = wsproxy_here("diff", f"{path}:1", f"{path}:2", "--side-by-side", "--ignore", "findings")
    lines = done.out.splitlines()
    assert len(lines) == len(TALK) + 1
    assert [line[:6] for line in lines if "|" in line] == ["server"]
    assert max(map(len, lines)) <= 120
    assert "\x1b" not in done.out


def test_what_does_not_count_can_be_said(path: Path) -> None:
    ignored = ("--ignore", "changed", "--ignore", "findings")
    assert wsproxy_here("diff", f"{path}:1", f"{path}:2", *ignored).code == 0
    assert wsproxy_here("diff", f"{path}:1", f"{path}:2", "--match", "any", *ignored[2:]).code == 0
    everything = [word for kind in KINDS for word in ("--ignore", kind)]
    done = wsproxy_here("diff", str(path), str(path), *everything)
    assert (done.code, "nothing is left" in done.err) == (2, True)
    assert {*KINDS} == {*map(str, Kind), KEEP_ALIVE}


def test_findings_are_compared(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, [*TALK[:2], (SERVER, 0x9, b"p" * 126), *TALK[2:]])
    where = (f"{tmp_path / 'a.db'}:1", f"{tmp_path / 'a.db'}:2", "--json")
    *found, _ = wsproxy_here("diff", *where).objects
    assert {"findings", "added"} <= {each["kind"] for each in found}
    assert "findings" not in wsproxy_here("diff", *where, "--ignore", "findings").out


def test_timing_can_be_ignored(tmp_path: Path) -> None:
    later = [*TALK[:1], (*TALK[1], 700), *TALK[3:4], TALK[2], *TALK[4:]]
    record(tmp_path / "a.db", TALK, later)
    where = (f"{tmp_path / 'a.db'}:1", f"{tmp_path / 'a.db'}:2", "--ignore", "findings")
    assert wsproxy_here("diff", *where).code == 1
    assert wsproxy_here("diff", *where, "--ignore-timing").code == 0


@pytest.mark.parametrize(
    ("text", "recording", "session"),
    [
        ("a.db", "a.db", "last"),
        ("a.db:3", "a.db", "3"),
        ("a.db:last", "a.db", "last"),
        ("a.db:first", "a.db:first", "last"),
        ("C:\\x.db", "C:\\x.db", "last"),
        ("C:\\x.db:2", "C:\\x.db", "2"),
        ("postgresql://u:p@host:5432/name", "postgresql://u:p@host:5432/name", "last"),
        ("postgresql://u:p@host:5432/name:7", "postgresql://u:p@host:5432/name", "7"),
        ("postgresql://host:5432", "postgresql://host:5432", "last"),
        ("postgresql://host/name:last", "postgresql://host/name", "last"),
        ("sqlite:///a.db:1", "sqlite:///a.db", "1"),
        (":3", ":3", "last"),
    ],
)
def test_recordings_may_have_colons(text: str, recording: str, session: str) -> None:
    assert split_session(text) == (recording, session)


def test_a_file_of_that_name_is_no_session(tmp_path: Path) -> None:
    odd = tmp_path / "a.db:1"
    odd.touch()
    assert split_session(str(odd)) == (str(odd), "last")


@pytest.mark.parametrize("arguments", [("nothing.db", "nothing.db"), ("--match", "odd", "a.db", "b.db")])
def test_what_cannot_be_compared_is_a_line(arguments: tuple[str, ...]) -> None:
    done = wsproxy_here("diff", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_what_was_taken_out_of_one_recording_only_is_not_compared(path: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.db"
    rules = [f"--redact={rule}" for rule in ("json:/id", "header:Sec-WebSocket-Key", "header:Server")]
    assert wsproxy_here("redact", str(path), "-o", str(bare), *rules).code == 0
    for pair in ((f"{path}:1", f"{bare}:1"), (f"{bare}:1", f"{path}:1")):
        done = wsproxy_here("diff", *pair, "--ignore", "findings")
        assert (done.code, done.out.partition(":")[0]) == (0, "no differences"), done.out
    other = wsproxy_here("diff", f"{bare}:1", f"{path}:2", "--ignore", "findings")
    assert other.code == 1
    assert "1 difference (1 changed); 6 messages" in other.out
