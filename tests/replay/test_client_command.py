"""`wsproxy replay client`: what it says, and its exit codes."""

import socket
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.devices.certificates import device_tls
from tests.devices.nobody import dead_port
from tests.replay.live_device import (
    ASKED,
    CLIENT,
    answering,
    device,
    read_head,
    record,
    response_to,
    text,
)
from tests.replay.sessions import start
from tests.store.recording import AT, recording_to
from tests.wire.build import client_frame, frame
from tests.wire.handshakes import REQUEST
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind, TcpEnd
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed


def test_the_command_says_what_differs(tmp_path: Path) -> None:
    path, again = record(tmp_path / "a.db", ASKED), tmp_path / "again.db"
    with device(answering(text(b'{"status":"busy","id":1}'), text(ASKED[3][2]))) as port:
        done = wsproxy_here("replay", "client", str(path), "last", f"ws://127.0.0.1:{port}", "-o", str(again))
    assert done.code == 1
    assert '      -   "status": "ready"' in done.out.splitlines()
    assert done.out.splitlines()[-1].startswith("1 difference (1 changed); ")
    assert done.err == f"Recorded as session 1 of {again}\n"
    with open_recording(str(again)) as opened:
        assert opened.session(1).start.target == f"ws://127.0.0.1:{port}/as/system/status"
        assert [each.message.payload for each in opened.messages(1, CLIENT)] == [ASKED[0][2], ASKED[2][2]]
    where = (f"{path}:last", f"{again}:1", "--ignore-timing", "--ignore", "end")
    assert wsproxy_here("diff", *where).code == 1
    assert wsproxy_here("diff", *where, "--match", "json:/status").code == 0


def test_the_command_tells_machines(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    arguments = ("replay", "client", str(path), "1", "--json", "--speed", "max", "--timeout", "5")
    with device(answering(text(ASKED[1][2]), text(ASKED[3][2]))) as port:
        done = wsproxy_here(*arguments, f"ws://127.0.0.1:{port}/other?path")
    assert (done.code, done.err) == (0, "")
    summary, played = done.objects
    assert (summary["type"], summary["differences"]) == ("summary", {})
    assert played == {"type": "played", "problems": [], "session": None}


def test_a_device_with_its_own_certificate(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    tls = device_tls(tmp_path)
    tls.set_alpn_protocols(["http/1.1"])
    done = None
    with device(answering(text(ASKED[1][2]), text(ASKED[3][2])), tls) as port:
        done = wsproxy_here("replay", "client", str(path), "1", f"wss://127.0.0.1:{port}", "--insecure")
    assert (done.code, done.err) == (0, "")


def test_where_there_is_no_device_the_exit_code_is_3(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with dead_port() as port:
        done = wsproxy_here("replay", "client", str(path), "1", f"ws://127.0.0.1:{port}")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing.db", "last", "ws://127.0.0.1:1"),
        ("a.db", "9", "ws://127.0.0.1:1"),
        ("a.db", "last", "http://127.0.0.1:1"),
        ("a.db", "last", "ws://127.0.0.1:1", "--speed", "0"),
        ("a.db", "last", "ws://127.0.0.1:1", "--match", "odd"),
        ("a.db", "last", "ws://127.0.0.1:1", "--vary", "odd"),
    ],
)
def test_what_makes_no_sense_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    record(tmp_path / "a.db", ASKED)
    monkeypatch.chdir(tmp_path)
    done = wsproxy_here("replay", "client", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "Traceback" not in done.err


def test_a_device_that_needs_a_repair_gets_it_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mended.db"
    wrong, unmasked, masked = (
        REQUEST.replace(b"websocket", b"WebSocket"),
        frame(1, b"go"),
        client_frame(1, b"go"),
    )
    with recording_to(path) as recorder:
        session = recorder.open_session(start(wrong, request_head_sent=REQUEST))
        session.receive_data(Side.CLIENT, unmasked, AT + 1)
        session.change(Changed(ChangeKind.REPLACED, Side.CLIENT, 0, len(unmasked), masked), AT + 1)
        session.receive_data(Side.SERVER, frame(1, b"gone"), AT + 2)
        session.receive_eof(Side.SERVER, TcpEnd.FIN, AT + 3)
        session.end(AT + 4)

    def picky(client: socket.socket) -> None:
        head = read_head(client)
        client.sendall(response_to(head))
        if b"Upgrade: websocket" in head and client.recv(len(masked)) == masked:
            client.sendall(frame(1, b"gone"))

    arguments = ("replay", "client", str(path), "last", "--speed", "max", "--timeout", "5")
    for option, code in (("--exact-handshake", 1), ("--as-sent", 0)):
        with device(picky) as port:
            done = wsproxy_here(*arguments, option, f"ws://127.0.0.1:{port}")
        assert done.code == code, done.out
        assert ("--as-sent" in done.err) is bool(code)
