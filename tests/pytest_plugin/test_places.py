"""Where the recordings of tests are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproxy.errors import UsageError
from wsproxy.pytest_plugin.places import named_recording, own_recording

FILE = Path("project/tests/test_device.py")


def test_a_test_has_a_recording_of_its_own() -> None:
    assert own_recording(FILE, "test_status", ".db") == FILE.parent / "recordings/test_device/test_status.db"
    assert own_recording(FILE, "T.test_x[a-1]", ".jsonl").name == "T.test_x[a-1].jsonl"


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_name_is_a_file_of_its_own(name: str, other: str) -> None:
    path = own_recording(FILE, name, ".db")
    assert path.parent == FILE.parent / "recordings" / "test_device"
    assert len(path.name.encode()) <= 255
    assert "\0" not in path.name
    assert (path == own_recording(FILE, other, ".db")) == (name == other)


def test_a_named_recording_is_beside_the_test_or_below_the_root(tmp_path: Path) -> None:
    test_file = tmp_path / "tests" / "test_device.py"
    beside, below = tmp_path / "tests" / "a.db", tmp_path / "a.db"
    beside.parent.mkdir()
    assert named_recording("a.db", test_file, tmp_path) == str(beside)
    below.touch()
    assert named_recording("a.db", test_file, tmp_path) == str(below)
    beside.touch()
    assert named_recording("a.db", test_file, tmp_path) == str(beside)
    assert named_recording("postgresql://x/y", test_file, tmp_path) == "postgresql://x/y"


def test_what_can_be_no_recording_is_said_so() -> None:
    for suffix in (".txt", "jsonl", ""):
        with pytest.raises(UsageError, match=r"\.db, \.jsonl"):
            own_recording(Path("test_x.py"), "test_a", suffix)
    for name in ("x" * 5000, "a\0.db"):
        with pytest.raises(UsageError, match="cannot be a recording"):
            named_recording(name, Path("/nowhere/test_x.py"), Path("/nowhere"))
