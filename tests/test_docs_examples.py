"""The programs shown in the documentation, run."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

ROOT = Path(__file__).resolve().parent.parent
WSPROXY = Path(sys.executable).with_name("wsproxy")


def example(page: str, containing: str) -> str:
    """The Python program of a page that contains this."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    (found,) = (
        block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if containing in block
    )
    return str(found)


def report(connection: ServerConnection) -> None:
    """What the device of the examples says, after telling how the request's fields were spelt."""
    names = [name for name, _ in connection.request.headers.raw_items()] if connection.request else []
    connection.send(" ".join(names))
    connection.send('{"temperature":21}')
    connection.send('{"colour":"grren"}')
    connection.send('{"colour":"blue"}')
    connection.recv()


@pytest.fixture
def device() -> Iterator[Server]:
    with serve(report, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def recorded(device: Server, folder: Path, *arguments: str) -> Iterator[str]:
    """`wsproxy record` in front of the device; the URL it gives."""
    target = f"ws://127.0.0.1:{device.socket.getsockname()[1]}"
    command = [str(WSPROXY), "record", target, "-p", "0", "-o", "wsproxy.db", *arguments]
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as proxy:
        try:
            assert proxy.stderr
            said = re.search(r"ws://\S+", proxy.stderr.readline())
            assert said
            yield said[0]
            proxy.send_signal(signal.SIGINT)
            assert proxy.wait(20) == 0
        finally:
            proxy.kill()


def conversation(url: str, count: int) -> list[str]:
    with connect(url) as client:
        heard = [str(client.recv(timeout=20)) for _ in range(count)]
        client.send("enough")
    return heard


def test_an_addon_drops_and_changes_messages(device: Server, tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(example("addons.md", "class Quiet"), "utf-8")
    with recorded(device, tmp_path, "--intercept", "-s", "quiet.py") as url:
        assert conversation(url, 3)[1:] == ['{"colour":"green"}', '{"colour":"blue"}']


def test_an_addon_spells_fields(device: Server, tmp_path: Path) -> None:
    (tmp_path / "spelling.py").write_text(example("addons.md", "class Spelling"), "utf-8")
    with recorded(device, tmp_path, "-s", "spelling.py") as url:
        names = conversation(url, 4)[0]
    assert "sec-websocket-key" in names
    assert names == names.lower()


def test_a_recording_is_read_from_python(device: Server, tmp_path: Path) -> None:
    with recorded(device, tmp_path) as url:
        names = conversation(url, 4)[0]
    assert names != names.lower()
    program = example("recording-format.md", "open_recording").replace("recordings/wsproxy.db", "wsproxy.db")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert re.search(r"^server \d+ 1 b'\{\"temperature\":21\}'$", done.stdout, re.M)
    assert re.search(r"^client \d+ 1 b'enough'$", done.stdout, re.M)


def test_the_addon_that_is_shown_is_the_one_that_ships() -> None:
    shown = example("addons.md", "class AnswerPings")
    shipped = (ROOT / "addons" / "answer_pings.py").read_text("utf-8")
    code = re.sub(r'^ *"""(.|\n)*?"""\n', "", shipped, flags=re.M)
    assert shown.split() == code.split()


def timeless(line: str) -> str:
    """A line of the demo without what differs from run to run."""
    changes = [
        (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
        (r"\d{4}-\d\d-\d\d", "DATE"),
        (r"(127\.0\.0\.1):\d+", r"\1:PORT"),
        (r"^ +\d+\.\d{3} (<-|->)", r"SECONDS \1"),
    ]
    for pattern, new in [*changes, (r" +\d+\.\d s", " SECONDS")]:
        line = re.sub(pattern, new, line)
    return line.rstrip()


def test_the_picture_of_the_demo_is_what_the_demo_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    picture = re.search(r"^```text\n\$ wsproxy demo\n(.*?)^```$", readme, re.M | re.S)
    assert picture
    done = subprocess.run([WSPROXY, "demo"], capture_output=True, text=True, timeout=60, check=True)
    printed = {timeless(line) for line in done.stdout.splitlines()}
    assert [line for line in picture[1].splitlines() if timeless(line) not in printed | {"…"}] == []
