"""`wsproxy export` and `wsproxy import`, and text in place of a database in the other commands."""

import os
from pathlib import Path

import pytest

from tests.cli.recordings import make_recording
from tests.cli.run import check_error, wsproxy, wsproxy_here
from tests.store.everything import everything
from tests.store.recording import record_session
from tests.wire.build import BINARY, frame, noise
from wsproxy.protocol.frame import Side
from wsproxy.store.reader import open_recording


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("recording") / "wsproxy.db"
    make_recording(place)
    return place


def contents(place: Path) -> list[object]:
    with open_recording(str(place)) as opened:
        return everything(opened)


def test_there_and_back(recording: Path, tmp_path: Path) -> None:
    text, back = tmp_path / "a.jsonl", tmp_path / "b.db"
    done = wsproxy("export", str(recording), "-o", str(text))
    assert (done.code, done.out, done.err) == (0, "", "")
    done = wsproxy("import", str(text), "-o", str(back))
    assert (done.code, done.out, done.err) == (0, "", f"sessions 1 to 3 in {back}\n")
    assert contents(back) == contents(text) == contents(recording)
    for command in (("ls",), ("show",), ("lint", "--format", "json")):
        from_text, from_database = (
            wsproxy_here(command[0], str(place), *command[1:]) for place in (text, back)
        )
        assert from_text.code == from_database.code
        assert from_text.out == from_database.out


def test_some_sessions(recording: Path, tmp_path: Path) -> None:
    text = tmp_path / "a.jsonl"
    assert wsproxy_here("export", str(recording), "last", "1", "-f", "jsonl", "-o", str(text)).code == 0
    assert [each["session"] for each in wsproxy_here("ls", "--json", str(text)).objects] == [1, 3]
    into = tmp_path / "b.jsonl"
    for numbers in ("sessions 1 to 3", "sessions 4 to 5"):
        assert (
            numbers in wsproxy_here("import", str(recording if "3" in numbers else text), "-o", str(into)).err
        )
    assert len(wsproxy_here("ls", "--json", str(into)).objects) == 5
    with open_recording(str(into)) as opened, open_recording(str(text)) as first:
        assert [m.message for m in opened.messages(5)] == [m.message for m in first.messages(3)]


def test_wrong_usage(recording: Path, tmp_path: Path) -> None:
    check_error(
        wsproxy_here("export", str(recording), "-o", str(tmp_path / "a.txt")), 2, "let it end in .jsonl"
    )
    check_error(
        wsproxy_here("export", str(recording), "9", "-o", str(tmp_path / "a.jsonl")), 2, "no session 9"
    )
    check_error(wsproxy_here("import", str(recording), "-o", str(recording)), 2, "into itself")
    check_error(wsproxy_here("import", str(tmp_path / "a.jsonl"), "-o", str(recording)), 2, "does not exist")
    assert list(tmp_path.iterdir()) == []
    left = tmp_path / "b.jsonl.part"
    left.write_bytes(b"")
    check_error(wsproxy_here("export", str(recording), "-o", str(tmp_path / "b.jsonl")), 2, "b.jsonl.part")


@pytest.fixture
def full(tmp_path: Path, small_disk: Path) -> Path:
    """A recording that does not fit on the small disk."""
    place = tmp_path / "large.db"
    record_session(place, [(Side.SERVER, frame(BINARY, noise(300_000)))] * 15)
    return place


@pytest.mark.parametrize("free", [0, 100_000, 3 << 20])
@pytest.mark.parametrize("name", ["b.db", "b.jsonl"])
def test_an_import_for_which_there_is_no_room_leaves_nothing(
    full: Path, small_disk: Path, free: int, name: str
) -> None:
    (small_disk / "ballast").write_bytes(bytes((3 << 20) - free))
    done = wsproxy("import", str(full), "-o", str(small_disk / name))
    check_error(done, 2, f"{name} is on a disk that is full: free some space", "; nothing was imported")
    assert os.listdir(small_disk) == ["ballast"]


@pytest.mark.parametrize("name", ["b.db", "b.jsonl"])
def test_an_import_for_which_there_is_no_room_changes_nothing(
    recording: Path, full: Path, small_disk: Path, name: str
) -> None:
    place = small_disk / name
    assert wsproxy_here("import", str(recording), "-o", str(place)).code == 0
    check_error(wsproxy("import", str(full), "-o", str(place)), 2, "; nothing was imported")
    assert os.listdir(small_disk) == [name]
    assert contents(place) == contents(recording)


def test_an_export_for_which_there_is_no_room_leaves_nothing(full: Path, small_disk: Path) -> None:
    done = wsproxy("export", str(full), "-o", str(small_disk / "a.jsonl"))
    check_error(done, 2, "a.jsonl is on a disk that is full")
    assert os.listdir(small_disk) == []
