"""`wsproxy replay server`, as a user runs it."""

import json
import re
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.cli.run import WSPROXY, check_error, wsproxy
from tests.replay.sessions import answers, record, says
from tests.replay.tls_client import first_message
from wsproxy.demo.device import status_document

SKYQ = str(Path(__file__).parents[2] / "recordings" / "skyq.db")
PATIENCE_S = 20


class Running:
    """A command that runs: the URL it gave, and, after its end, what else it wrote."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stderr
        self.first_line = process.stderr.readline()
        found = re.search(r"wss?://\S+", self.first_line)
        self.url = found[0] if found else ""
        self.code, self.out, self.err = 0, "", ""

    def read_until(self, pattern: str) -> str:
        """The first group of that pattern, in the first line of its notices that has it."""
        assert self._process.stderr
        for line in self._process.stderr:
            if found := re.search(pattern, line):
                return str(found[1])
        raise AssertionError(f"never said {pattern}")

    def interrupt(self) -> None:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self.out, self.err = self._process.communicate(timeout=PATIENCE_S)
        self.code = self._process.returncode


@contextmanager
def replaying(*arguments: str) -> Iterator[Running]:
    """`wsproxy replay server` on a free port, interrupted at the end."""
    command = [WSPROXY, "replay", "server", *arguments, "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            running = Running(process)
            assert running.url, running.first_line
            yield running
            if process.poll() is None:
                running.interrupt()
        finally:
            process.kill()


def test_a_client_is_played_the_recording() -> None:
    with replaying(SKYQ, "--speed", "max") as running:
        assert running.url.endswith("/as/system/status")
        with connect(running.url) as client:
            assert client.recv(timeout=PATIENCE_S) == status_document().decode()
    assert running.code == 0
    assert "/as/system/status: session 2 is played" in running.out
    assert "<- text {" in running.out
    assert "1 connection, 0 mismatches, 0 recorded messages left unplayed" in running.err
    assert "Played session 2\n" in running.err
    assert "Nobody asked for session 1" in running.err


@pytest.mark.parametrize("quiet", [False, True])
def test_a_mismatch_is_shown_and_ends_in_exit_code_1(quiet: bool) -> None:
    arguments = [SKYQ, "last", "--format", "jsonl", *(["-q"] if quiet else [])]
    with replaying(*arguments) as running, connect(running.url) as client:
        client.recv(timeout=PATIENCE_S)
        client.send("what?")
        with pytest.raises(ConnectionClosedError, match="1008"):
            client.recv(timeout=PATIENCE_S)
    assert running.code == 1
    objects = [json.loads(line) for line in running.out.splitlines()]
    assert ("message" in {each["type"] for each in objects}) is not quiet
    (mismatch,) = (each for each in objects if each["type"] == "mismatch")
    assert mismatch["got"]["text"] == "what?"


def test_strictly_what_is_left_unplayed_is_named_and_ends_in_exit_code_1(tmp_path: Path) -> None:
    record(tmp_path / "x.db", [says("x"), *[answers("\x1b[1mred"), answers("y")] * 15])
    for options, code in ([], 0), (["--strict"], 1):
        with replaying(str(tmp_path / "x.db"), *options) as running, connect(running.url):
            pass
        assert running.code == code
        assert ("Left unplayed on connection 1: client text x\n" in running.err) is bool(code)
        assert ("… and 11 messages more" in running.err) is bool(code)
        assert "\x1b" not in running.err


def test_it_speaks_tls(tmp_path: Path) -> None:
    from wsproxy.replay.certificate import make_certificate

    made = make_certificate(["localhost", "127.0.0.1"])
    pair = tmp_path / "pair.pem"
    pair.write_bytes(made.certificate + made.key)
    with replaying(SKYQ, "2", "--tls") as running:
        trusted = running.read_until(r"must trust  (\S+)")
        context = ssl.create_default_context(cafile=trusted)
        assert first_message(running.url, context) == status_document().decode()
    assert not Path(trusted).exists()
    with replaying(SKYQ, "2", "--cert", str(pair)) as running:
        assert running.url.startswith("wss://")
        context = ssl.create_default_context(cadata=made.certificate.decode())
        assert first_message(running.url, context) == status_document().decode()
    check_error(wsproxy("replay", "server", SKYQ, "--key", str(pair)), 2, "--key goes with --cert")
    check_error(wsproxy("replay", "server", SKYQ, "--cert", SKYQ), 2, "not a certificate")


def test_what_cannot_be_played_is_said_in_a_line(tmp_path: Path) -> None:
    check_error(wsproxy("replay", "server", str(tmp_path / "none.db")), 2, "none.db")
    check_error(wsproxy("replay", "server", SKYQ, "7"), 2, "no session 7")
    check_error(wsproxy("replay", "server", SKYQ, "--speed", "warp"), 2, "speed 'warp'")
    check_error(wsproxy("replay", "server", SKYQ, "--match", "alike"), 2, "alike")
    with replaying(SKYQ) as running:
        port = re.search(r":(\d+)/", running.url)
        assert port
        check_error(wsproxy("replay", "server", SKYQ, "-p", port[1]), 3, "choose another port")
