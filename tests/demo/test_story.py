"""`wsproxy demo` tells its story through to the end, and the recording in the repository is what it makes."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.run import WSPROXY, check_error, wsproxy
from wsproxy.cli.demo import _keep
from wsproxy.cli.paint import Output
from wsproxy.demo.device import status_document
from wsproxy.demo.story import keep_small
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.store.reader import open_recording

COMMITTED = Path(__file__).resolve().parents[2] / "recordings" / "skyq.db"
FRAME = bytes.fromhex("81 7E 06 A7") + status_document()


def check_recording(path: Path) -> None:
    """It holds the first two sessions of the story, byte for byte."""
    with open_recording(str(path)) as recording:
        first, second, *_ = recording.sessions()
        assert b"\r\nUpgrade: Websocket\r\n" in first.start.request_head
        assert b"\r\nUpgrade: websocket\r\n" in second.start.request_head
        for session in (first, second):
            assert session.start.response_head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"".join(recording.stream(first.id, Side.SERVER)) == first.start.response_head
        received = b"".join(recording.stream(second.id, Side.SERVER))
        assert received.startswith(second.start.response_head + FRAME)
        assert second.end is not None
        assert (second.end.closed_by, second.end.close_code) == (Side.CLIENT, 1000)


def test_the_demo_ends_by_itself(tmp_path: Path) -> None:
    kept = tmp_path / "new folder" / "skyq.db"
    began = time.monotonic()
    done = wsproxy("demo", "--keep", str(kept))
    assert time.monotonic() - began < 60
    assert (done.code, done.err) == (0, "")
    order = [
        "1. A client of 2018 asks with 'Upgrade: Websocket'.",
        "session 1  127.0.0.1:",
        "A perfect 101, then 0 bytes in 1.5 seconds",
        "2. The client library `websockets`",
        "◀ server  text       1,703 B  FIN",
        '"camessage": {"reason": "no message", "state": "unavailable"},',
        "▶ client  ping           6 B  FIN MASK  there?",
        "◀ server  pong           6 B  FIN       there?",
        "session 2  closed by the client, 1000 (normal closure)",
        "3. The client of 2018 again, through  wsproxy record --normalize",
        "  + client: ",
        "repaired",
        "◀ server  text       1,703 B  FIN",
        "Its request went on with a small w, and 1,711 bytes came back.",
        "$ wsproxy lint skyq.db last",
        "handshake.field.upgrade-spelling  RFC 6455 4.2.1  client, opening handshake  repaired",
        "Upgrade: 'Websocket'",
        "rejected by",
        "$ wsproxy ls skyq.db",
        "1000 by the client",
        "$ wsproxy show skyq.db 2",
        "Upgrade: websocket",
        "$ wsproxy explain terminal.txt",
        "81 7E 06 A7 is FIN, text, 1703 bytes of payload data.",
        "06 A7 = 1703",
        "$ wsproxy replay server skyq.db 2 --speed max",
        '<- text {\\n   "camessage" : {',
        "(1703 bytes)",
        "-> ping there?",
        "<- pong there?",
        "-> close 1000",
        "<- close 1000",
        f"The recording is in {kept}",
    ]
    position = 0
    for words in order:
        position = done.out.find(words, position)
        assert position >= 0, words
    check_recording(kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    check_error(wsproxy("demo", "--keep", str(kept)), 2, "exists already")


def test_the_committed_recording_is_the_story() -> None:
    check_recording(COMMITTED)
    assert COMMITTED.stat().st_size < 100 * 1024


def test_a_recording_is_kept_whole_in_fewer_bytes(tmp_path: Path) -> None:
    keep_small(COMMITTED, tmp_path / "once.db")
    keep_small(tmp_path / "once.db", tmp_path / "twice.db")
    check_recording(tmp_path / "twice.db")


@pytest.mark.parametrize("command", [["ls"], ["show"]])
def test_the_committed_recording_can_be_read_where_nothing_can_be_written(
    command: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "read only" / "skyq.db"
    copy.parent.mkdir()
    copy.write_bytes(COMMITTED.read_bytes())
    copy.chmod(0o400)
    copy.parent.chmod(0o500)
    try:
        assert wsproxy(*command, str(copy)).code == 0
    finally:
        copy.parent.chmod(0o700)


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [WSPROXY, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path)},
    )
    try:
        assert demo.stdout is not None
        assert re.match(r"A Sky Q box", demo.stdout.readline())
        demo.send_signal(2)
        out, err = demo.communicate(timeout=60)
    finally:
        demo.kill()
        demo.wait()
    assert "Traceback" not in out + err
    assert demo.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_kept_leaves_no_file(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes((3 << 20) - 8192))
    kept = small_disk / "kept.db"
    with pytest.raises(UsageError) as caught:
        _keep(COMMITTED, kept, Output())
    assert "no file is left" in str(caught.value)
    assert "kept.db is on a disk that is full: free some space" in str(caught.value)
    assert os.listdir(small_disk) == ["ballast"]


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.touch()
    with pytest.raises(FileExistsError):
        keep_small(COMMITTED, there)
    assert there.exists()
