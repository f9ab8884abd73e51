"""`wsproxy record` through the installed entry point, with the emulated box behind it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.cli.run import PATIENCE_S, WSPROXY, check_error, wsproxy, wsproxy_here
from tests.devices.nobody import dead_port
from wsproxy.demo.device import PATH, start_device, status_document
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.store.reader import open_recording


class Recording:
    """A running `wsproxy record`, and what it wrote so far."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [WSPROXY, "record", "-p", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._text = {"out": b"", "err": b""}
        self._changed = threading.Condition()
        streams = {"out": self.process.stdout, "err": self.process.stderr}
        self._readers = [threading.Thread(target=self._read, args=pair) for pair in streams.items()]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: Any) -> None:
        for line in stream:
            with self._changed:
                self._text[name] += line
                self._changed.notify_all()
        stream.close()

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._text["out"].decode()

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._text["err"].decode()

    def wait_for(self, pattern: str, stream: str = "out") -> re.Match[str]:
        """Wait until the output has this."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, self._text[stream].decode())

        with self._changed:
            match = self._changed.wait_for(found, PATIENCE_S)
        assert match, (pattern, self.out, self.err)
        return match

    @property
    def url(self) -> str:
        """What it tells to give the client."""
        return self.wait_for(r"Give your client  (ws://\S+)", "err")[1]

    def end(self) -> int:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code


@contextmanager
def recording(*arguments: str) -> Iterator[Recording]:
    running = Recording(*arguments)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.fixture(scope="module")
def device() -> Iterator[int]:
    """The emulated box, and its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start_device(port=0), loop).result(PATIENCE_S)
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_S)


def talk(url: str, *pings: bytes) -> None:
    """Take the status, send pings, close."""

    async def client() -> None:
        async with asyncio.timeout(PATIENCE_S), connect(url, proxy=None, compression=None) as connection:
            assert await connection.recv() == status_document().decode()
            for ping in pings:
                await (await connection.ping(ping))

    asyncio.run(client())


def test_a_session_is_relayed_shown_and_recorded(device: int, tmp_path: Path) -> None:
    path = tmp_path / "new" / "device.db"
    with recording(f"ws://127.0.0.1:{device}{PATH}?a=1", "-o", str(path)) as running:
        url = running.url
        assert re.fullmatch(rf"ws://127\.0\.0\.1:\d+{PATH}\?a=1", url)
        assert f"Recording to {path}. Ctrl-C ends it." in running.wait_for(".*Ctrl-C.*", "err")[0]
        talk(url, b"\xde\xad")
        running.wait_for("closed by the client")
        assert running.end() == 0
    lines = [line[14:] for line in running.out.splitlines() if re.match(r"\d\d:\d\d:\d\d\.\d{3}  ", line)]
    assert re.fullmatch(
        rf"session 1  127\.0\.0\.1:\d+ → ws://127\.0\.0\.1:{device}{re.escape(PATH)}\?a=1", lines[0]
    )
    assert lines[1:] == [
        "#1   ◀ server  text       1,703 B  FIN",
        "#1   ▶ client  ping           2 B  FIN MASK  de ad",
        "#1   ◀ server  pong           2 B  FIN       de ad",
        "#1   ▶ client  close          2 B  FIN MASK  1000 (normal closure)",
        "#1   ◀ server  close          2 B  FIN       1000 (normal closure)",
        "session 1  closed by the client, 1000 (normal closure)",
    ]
    assert '        "camessage": {"reason": "no message", "state": "unavailable"},' in running.out
    assert "      … 40 more lines" in running.out
    assert running.err.splitlines()[-2:] == [
        f"Recorded 1 session with 5 frames in {path}",
        f"Look at them with  wsproxy show {path}",
    ]
    with open_recording(str(path)) as stored:
        session = stored.session("last")
        received = b"".join(stored.stream(session.id, Side.SERVER))
    assert received.startswith(session.start.response_head + build_frame(0x1, status_document()).serialize())


def test_frames_as_json_lines(device: int, tmp_path: Path) -> None:
    arguments = ["-o", str(tmp_path / "a.db"), "--format", "jsonl"]
    with recording(f"ws://127.0.0.1:{device}{PATH}", *arguments) as running:
        talk(running.url, *(b"%d" % number for number in range(300)))
        running.wait_for('"type":"end"')
        assert running.end() == 0
    things = [json.loads(line) for line in running.out.splitlines()]
    assert [thing["type"] for thing in things] == ["session", *["frame"] * 603, "end"]
    assert things[1]["text"] == status_document().decode()
    assert things == wsproxy_here("show", "--json", str(tmp_path / "a.db")).objects


def test_quiet_shows_no_frames(device: int, tmp_path: Path) -> None:
    with recording(f"ws://127.0.0.1:{device}{PATH}", "-q", "-o", str(tmp_path / "a.db")) as running:
        talk(running.url)
        assert running.end() == 0
    assert running.out == ""
    assert "Recorded 1 session with 3 frames" in running.err


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_nothing_is_kept_on_request(
    device: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: list[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with recording(
        f"ws://127.0.0.1:{device}{PATH}", "--no-recording", "-o", str(tmp_path / "a.db"), *quiet
    ) as running:
        talk(running.url)
        if not quiet:
            running.wait_for("1,703 B")
            running.wait_for("session 1  closed by the client")
        assert list(tmp_path.iterdir()) == []
        assert running.end() == 0
    assert list(tmp_path.iterdir()) == []
    assert "Nothing is recorded. Ctrl-C ends it." in running.err
    assert running.err.endswith("Relayed 1 session; nothing was recorded.\n")


def test_a_flood_is_shown_in_part_and_recorded_whole(device: int, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with recording(f"ws://127.0.0.1:{device}{PATH}", "-o", str(path)) as running:
        talk(running.url, *(b"%d" % number for number in range(2000)))
        running.wait_for("closed by the client")
        assert running.end() == 0
    shown = len(re.findall(r"(?:▶ client|◀ server)", running.out))
    hidden = sum(int(count.replace(",", "")) for count in re.findall(r"([\d,]+) of the", running.out))
    assert shown + hidden == 4003
    assert hidden > 1000
    assert "all are recorded" in running.out
    with open_recording(str(path)) as stored:
        session = stored.session("last")
        assert session.client.frames + session.server.frames == 4003


def test_odd_frames_are_marked_live(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with recording(f"ws://127.0.0.1:{port}", "-o", str(tmp_path / "a.db")) as running:
            address = running.url.removeprefix("ws://").split(":")
            with socket.create_connection((address[0], int(address[1])), PATIENCE_S) as client:
                client.sendall(
                    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
                )
                device, _ = listener.accept()
                with device:
                    device.recv(65536)
                    device.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
                    device.sendall(bytes.fromhex("81 83 00 00 00 00 1b 5b 6d 88 02 03 ee"))
                    running.wait_for("frame.masked-by-server")
                    running.wait_for("close.reserved-code")
            running.wait_for("session 1  closed by the server, 1006")
            assert running.end() == 0
    assert r"\x1b[m" in running.out
    assert "\x1b" not in running.out


def test_a_dead_device_is_one_line(tmp_path: Path) -> None:
    with (
        dead_port() as port,
        recording(f"ws://127.0.0.1:{port}", "-o", str(tmp_path / "a.db")) as running,
    ):
        address = running.url.removeprefix("ws://").split(":")
        with socket.create_connection((address[0], int(address[1])), PATIENCE_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n")
            running.wait_for(rf"127\.0\.0\.1:{port}.*; is the device on, and the address right\?\n", "err")
        assert running.end() == 0
    assert "Traceback" not in running.err
    told = f"No session passed; recorded 1 HTTP exchange in {tmp_path / 'a.db'}\n"
    assert f"{told}Look at them with  wsproxy show --http {tmp_path / 'a.db'}\n" in running.err


def test_a_reader_who_leaves_ends_it(device: int, tmp_path: Path) -> None:
    command = [WSPROXY, "record", "-p", "0", f"ws://127.0.0.1:{device}{PATH}", "-o", str(tmp_path / "a.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        process.stdout.close()
        with contextlib.suppress(OSError, EOFError, WebSocketException):
            talk(url)
        errors = process.stderr.read()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert "Traceback" not in errors
    assert "Recorded 1 session" in errors


def test_notices_that_cannot_be_written_end_nothing(tmp_path: Path) -> None:
    script, up = tmp_path / "up.py", tmp_path / "up"
    script.write_text(f"def running():\n    open({str(up)!r}, 'w').close()\n", "utf-8")
    place = ("-p", "0", "-o", str(tmp_path / "a.db"), "-s", str(script))
    with open("/dev/full", "w") as full:
        process = subprocess.Popen([WSPROXY, "record", "ws://127.0.0.1:9", *place], stderr=full)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not up.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert up.exists()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = wsproxy("record", "ws://127.0.0.1:9", "-p", port, "-o", str(tmp_path / "a.db"))
    check_error(done, 3, port, "choose another port")


@pytest.mark.parametrize("host", ["nosuch.invalid", "203.0.113.1"])
@pytest.mark.parametrize("uvloop", [True, False])
def test_an_address_that_is_not_here_is_one_line(
    host: str, uvloop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not uvloop:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    done = wsproxy_here(
        "record", "ws://127.0.0.1:9", "-p", "0", "--listen-host", host, "-o", str(tmp_path / "a.db")
    )
    check_error(done, 3, host, "give an address of this machine")
    assert "Unknown error" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "ws://HOST:PORT"),
        (["skyq:9006"], "write ws://skyq:9006"),
        (["http://skyq:9006"], "write ws://skyq:9006"),
        (["https://skyq"], "write wss://skyq"),
        (["ws://sky q:9006"], "sky q is not a host name"),
        (["ws://skyq:0"], "the port is 0"),
        (["//skyq:9006"], "write ws://skyq:9006"),
        (["http:/skyq:9006"], "write ws://skyq:9006"),
        (["skyq:9006/a?b=http://c"], "write ws://skyq:9006/a?b=http://c"),
        (["gopher://skyq"], "not a WebSocket URL"),
        (["ws://"], "names no host"),
        (["ws://a:b@skyq"], "user name"),
        (["--normalize", "ws://skyq"], "write --normalize=strict"),
        (["ws://skyq:99999"], "not a URL"),
        (["ws://skyq", "--mode", "regular"], "either TARGET or --mode"),
        (["--mode", "nosuch"], "give regular, socks5, upstream:URL, transparent or local"),
        (["ws://skyq", "-s", "/no/such.py"], "/no/such.py"),
        (["ws://skyq", "--set", "nosuch=1"], "nosuch"),
        (["ws://skyq", "-o", ""], "say where to record with -o"),
        (["ws://skyq", "--set", "wsproxy_recording=b.db"], "say where to record with -o"),
        (["ws://skyq", "--set", "confdir=/proc/none"], "give another folder with --set confdir"),
        (["ws://skyq", "--client-dialect", "nosuch"], "there is no dialect 'nosuch'"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    check_error(wsproxy_here("record", "-p", "0", "-o", str(tmp_path / "a.db"), *arguments), 2, words)


def test_recordings_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "text.db", tmp_path, tmp_path / "file" / "a.db", tmp_path / "pipe"):
        check_error(wsproxy("record", "-p", "0", "ws://127.0.0.1:9", "-o", str(path)), 2, str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mode", "regular"], r"Set your client's proxy to  http://127\.0\.0\.1:\d+\n"),
        (["--mode", "socks5"], r"Set your client's proxy to  socks5://127\.0\.0\.1:\d+\n"),
        (["wss://127.0.0.1:9"], r"Give your client  ws://127\.0\.0\.1:\d+\n"),
        (["--mode", "reverse:https://127.0.0.1:9"], r"Give your client  ws://127\.0\.0\.1:\d+\n"),
    ],
)
def test_it_says_which_certificate_to_trust(arguments: list[str], words: str, tmp_path: Path) -> None:
    with recording(*arguments, "-o", str(tmp_path / "a.db"), "--set", f"confdir={tmp_path}") as running:
        running.wait_for(words, "err")
        line = running.wait_for(r"must trust  (.*)\n", "err")
        assert line[1] == str(tmp_path / "mitmproxy-ca-cert.pem")
        assert "BEGIN CERTIFICATE" in (tmp_path / "mitmproxy-ca-cert.pem").read_text()
        assert running.end() == 0


@pytest.mark.parametrize(("host", "here"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_it_says_how_it_is_reached(host: str, here: str, tmp_path: Path) -> None:
    with recording("ws://127.0.0.1:9", "--listen-host", host, "-o", str(tmp_path / "a.db")) as running:
        assert running.url.startswith(f"ws://{here}:")
        port = int(running.url.rpartition(":")[2])
        socket.create_connection((here.strip("[]"), port), PATIENCE_S).close()
        running.wait_for(rf"From other machines, .* in place of {re.escape(here)}\.", "err")
        assert running.end() == 0


def test_at_all_addresses_one_url_is_enough(tmp_path: Path) -> None:
    with recording("ws://127.0.0.1:9", "--listen-host", "", "-o", str(tmp_path / "a.db")) as running:
        running.wait_for("Ctrl-C", "err")
        assert re.findall(r"ws://\S+:", running.err) == ["ws://127.0.0.1:"]
        assert running.end() == 0
