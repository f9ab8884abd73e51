"""`wsproxy ls` and `wsproxy show` through the installed entry point."""

import re
import socket
import sqlite3
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.recordings import BEGAN_NS, REQUEST, RESPONSE, recorder, send, start
from tests.cli.run import PATIENCE_S, WSPROXY, check_error, wsproxy, wsproxy_here
from wsproxy.demo.device import status_document
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind, HttpExchange
from wsproxy.store.session_recorder import Changed

pytestmark = pytest.mark.usefixtures("utc")


def show(*arguments: str) -> str:
    done = wsproxy_here("show", *arguments)
    assert (done.code, done.err) == (0, "")
    return done.out


def rows(shown: str) -> list[str]:
    """The lines of frames, messages and opaque data."""
    return [line for line in shown.splitlines() if re.match(r"\d\d:\d\d:\d\d\.\d{3}  [▶◀]", line)]


def test_sessions_are_listed(recording: str) -> None:
    done = wsproxy("ls", recording)
    assert (done.code, done.err) == (0, "")
    heading, first, second, third = done.out.splitlines()
    assert heading.split() == ["session", "started", "lasted", "target", "client", "server", "bytes", "ended"]
    assert "1  2018-10-20 01:46:40   0.0 s  ws://skyq:9006/as/system/status" in first
    assert first.endswith("1000 by the client")
    assert second.endswith("(interrupted)")
    assert third.endswith("reset by the server")


def test_sessions_are_listed_as_json(recording: str) -> None:
    first, second, third = wsproxy_here("ls", "--json", recording).objects
    assert (first["session"], first["state"], second["state"], third["session"]) == (
        1,
        "ended",
        "interrupted",
        3,
    )
    assert first["start"]["response_head"] == RESPONSE.decode()
    assert first["end"]["closed_by"] == "client"
    assert first["client"]["frames"] == 3


def test_an_empty_recording_has_no_sessions(tmp_path: Path) -> None:
    with recorder(tmp_path / "empty.db"):
        pass
    done = wsproxy("ls", str(tmp_path / "empty.db"))
    assert (done.code, done.out) == (0, "")
    assert "no sessions" in done.err
    check_error(wsproxy_here("show", str(tmp_path / "empty.db")), 2, "no sessions")


@pytest.mark.parametrize("command", [["ls"], ["record", "ws://127.0.0.1:9", "-p", "0", "-o"]])
def test_a_database_that_cannot_be_reached(command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = wsproxy(*command, f"postgresql+psycopg://nobody@127.0.0.1:{port}/none")
    check_error(done, 3, "cannot be reached: check that the server runs")


def test_a_session_is_shown(recording: str) -> None:
    shown = show(recording, "1")
    assert wsproxy("show", recording, "1").out == shown
    assert shown.startswith(
        "2018-10-20 01:46:40  session 1  127.0.0.1:51234 → ws://skyq:9006/as/system/status\n"
        "  request\n"
        "      GET /as/system/status HTTP/1.1\n"
        "      Host: skyq:9006\n"
        "      upgrade: WebSocket\n"
        "  response\n"
        "      HTTP/1.1 101 Switching Protocols\n"
    )
    assert rows(shown) == [
        "01:46:40.124  ◀ server  text       1,703 B  FIN",
        "01:46:40.125  ▶ client  ping           2 B  FIN MASK  de ad",
        "01:46:40.126  ◀ server  pong           2 B  FIN       de ad",
        "01:46:40.127  ▶ client  binary        40 B  FIN MASK",
        "01:46:40.128  ◀ server  text          12 B            first half,",
        "01:46:40.129  ◀ server  ping           0 B  FIN",
        "01:46:40.130  ◀ server  cont.         11 B  FIN       second half",
        "01:46:40.130  ◀ server  message       23 B  text, 2 frames  first half, second half",
        r"01:46:40.131  ◀ server  text           9 B  FIN       \x1b[31mred\xff",
        '01:46:40.132  ▶ client  close          5 B  FIN MASK  1000 (normal closure): "bye"',
        "01:46:40.133  ◀ server  close          2 B  FIN       1005 (no status received)",
        "01:46:40.134  ◀ server  opaque        12 B            48 54 54 50 2f 31 2e 31 20 35 30 30",
    ]
    assert '        "camessage": {"reason": "no message", "state": "unavailable"},' in shown
    assert "      00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|" in shown
    odd = "byte 0xFF at byte 8: invalid start byte; it may be cp1252"
    assert f"    ! {odd}  (RFC 6455 8.1, message.text-not-utf8)" in shown
    assert "    ! HTTP, not a frame: HTTP/1.1 500  (RFC 6455 5.2, stream.http-bytes)" in shown
    assert shown.endswith("session 1  closed by the client, 1000 (normal closure): bye\n")


def test_the_last_session_is_shown_unless_another_is_asked_for(recording: str) -> None:
    assert show(recording) == show(recording, "last") == show(recording, "3")
    assert "reset by the server" in show(recording)


def test_compressed_messages_are_inflated(recording: str) -> None:
    shown = show(recording, "2")
    assert [row[14:] for row in rows(shown)[:2]] == [
        "◀ server  text           7 B  FIN RSV1",
        "◀ server  message        5 B  text, inflated  Hello",
    ]
    assert "chat; permessage-deflate" in shown
    assert shown.endswith("session 2 was interrupted: its recorder ended before it did\n")


def test_what_was_sent_on_instead_is_shown(recording: str) -> None:
    shown = show(recording, "2")
    assert (
        "◀ server  replaced       9 B  on the way on\n"
        "      sent on  text     FIN\n"
        "      {\n"
        '        "a": [1, 2]\n'
        "      }\n"
    ) in shown
    assert "▶ client  injected            on the way on\n      sent on  pong     FIN       kept\n" in shown
    assert "◀ server  dropped        2 B  on the way on\n" in shown
    things = wsproxy_here("show", "--json", recording, "2").objects
    assert [thing["kind"] for thing in things if thing["type"] == "change"] == [
        "replaced",
        "injected",
        "dropped",
    ]


def test_what_is_injected_is_shown_when_it_was(tmp_path: Path) -> None:
    """Also on a side that sends nothing itself, as pongs for a client that never answers."""
    place = tmp_path / "pongs.db"
    with recorder(place) as opened:
        session = opened.open_session(start())
        for turn in range(2):
            session.receive_data(Side.SERVER, b"\x89\x01%d" % turn, BEGAN_NS + 2 * turn)
            pong = Changed(ChangeKind.INJECTED, Side.CLIENT, 0, 0, b"\x8a\x01%d" % turn)
            session.change(pong, BEGAN_NS + 2 * turn + 1)
        session.end(BEGAN_NS + 4)
    lines = wsproxy_here("show", str(place)).out.splitlines()
    order = [word for line in lines for word in ("ping", "injected") if f" {word} " in line]
    assert order == ["ping", "injected"] * 2


def test_the_exact_bytes_are_shown(recording: str) -> None:
    shown = show(recording, "1", "--hex", "--filter", "control", "--side", "client")
    assert "      00000000  89 82 01 02 03 04 df af                           |........|" in shown
    assert len(rows(shown)) == 2


def test_large_frames_are_shown_whole_on_request(recording: str) -> None:
    shown = show(recording, "3", "--hex", "--lines", "0")
    assert sum(line.count(" 78") for line in shown.splitlines() if line.startswith("      0")) == 150_000
    cut = show(recording, "3")
    assert len(cut.splitlines()) < 200
    assert "… 9336 more lines" in cut


def test_messages_alone_are_shown(recording: str) -> None:
    messages = rows(show(recording, "1", "--messages"))
    assert [row.split()[3] for row in messages] == ["message"] * 4
    assert len(rows(show(recording, "1", "--messages", "--side", "client"))) == 1


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["text"], 3),
        (["odd"], 3),
        (["control"], 5),
        (["data"], 5),
        (["length>39", "length<41"], 1),
        (["length=12"], 1),
        (["/camessage/"], 1),
        (["text", "!/half/"], 2),
        (["continuation"], 1),
        (["!odd", "pong"], 1),
        (["/no such/"], 0),
    ],
)
def test_filters_choose(recording: str, filters: list[str], count: int) -> None:
    arguments = [part for expression in filters for part in ("--filter", expression)]
    shown = rows(show(recording, "1", *arguments))
    assert len([row for row in shown if " message " not in row]) == count


def test_a_session_is_shown_as_json(recording: str) -> None:
    session, *things, end = wsproxy_here("show", "--json", recording, "1").objects
    assert (session["type"], session["target"]) == ("session", "ws://skyq:9006/as/system/status")
    assert (end["type"], end["close_code"]) == ("end", 1000)
    of_handshake, things = things[:4], things[4:]
    assert [(thing["type"], thing["rule"]) for thing in of_handshake] == [
        ("finding", "handshake.field.name-spelling"),
        ("finding", "handshake.field.upgrade-spelling"),
        ("finding", "handshake.request.not-websocket"),
        ("finding", "handshake.request.connection"),
    ]
    assert [thing["type"] for thing in things].count("frame") == 10
    first = things[0]
    assert (first["side"], first["opcode_name"], first["header"]) == ("server", "text", "817e06a7")
    assert first["text"] == status_document().decode()
    assert [f["rule"] for thing in things for f in thing["findings"]] == [
        "message.text-not-utf8",
        "close.reserved-code",
        "stream.http-bytes",
    ]


def test_large_frames_are_whole_in_json(recording: str) -> None:
    things = wsproxy_here("show", "--json", recording, "3").objects[1:-1]
    sizes = [len(thing["payload"]) // 2 for thing in things if thing["type"] in ("frame", "piece")]
    assert sum(sizes) == 450_000


@pytest.mark.parametrize("command", ["ls", "show"])
def test_recordings_that_cannot_be_read_are_explained(command: str, tmp_path: Path, recording: str) -> None:
    check_error(wsproxy_here(command, str(tmp_path / "none.db")), 2, "none.db does not exist")
    (tmp_path / "text.db").write_text("not a database", "utf-8")
    check_error(wsproxy_here(command, str(tmp_path / "text.db")), 2, "text.db")
    newer = tmp_path / "newer.db"
    newer.write_bytes(Path(recording).read_bytes())
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    check_error(wsproxy_here(command, str(newer)), 2, "newer")
    cut = tmp_path / "cut.db"
    cut.write_bytes(Path(recording).read_bytes()[:30_000])
    check_error(wsproxy_here(command, str(cut)), 2, "cut.db")
    check_error(wsproxy_here(command, str(tmp_path)), 2, str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["99"], "no session 99"),
        (["first"], "is not a session"),
        (["1", "--filter", "nosuch"], "is not a filter"),
        (["1", "--filter", "/(/"], "not a regular expression"),
    ],
)
def test_what_is_not_there_is_one_line(recording: str, arguments: list[str], words: str) -> None:
    check_error(wsproxy_here("show", recording, *arguments), 2, words)


def test_a_reader_who_leaves_is_no_error(recording: str) -> None:
    line = f"'{WSPROXY}' show '{recording}' 3 --hex --lines 0 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_is_one_line(recording: str) -> None:
    line = f"'{WSPROXY}' show '{recording}' 1 > /dev/full"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "wsproxy: the output cannot be written: No space left on device\n"


def test_a_session_is_followed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "wsproxy.db"
    with recorder(path) as found:
        session = found.open_session(start())
        send(session, Side.SERVER, 0x1, b"one")
        deadline = time.monotonic() + PATIENCE_S
        while not wsproxy_here("ls", "--json", str(path)).objects:
            assert time.monotonic() < deadline
        follower = subprocess.Popen(
            [WSPROXY, "show", str(path), "--follow", "--json"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert follower.stdout is not None
            for number, text in enumerate(("one", "two", "three"), start=1):
                line = follower.stdout.readline()
                while '"frame"' not in line:
                    line = follower.stdout.readline()
                assert f'"text":"{text}"' in line
                send(session, Side.SERVER, 0x1, ("two", "three", "four")[number - 1].encode())
            session.end(2_000_000_000_000_000_000)
            rest, _ = follower.communicate(timeout=PATIENCE_S)
        finally:
            follower.kill()
            follower.wait()
    assert '"text":"four"' in rest
    assert '"type":"end"' in rest
    assert follower.returncode == 0


@pytest.fixture(scope="module")
def with_http(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("http") / "wsproxy.db"
    refused = HttpExchange(
        started_at_ns=BEGAN_NS,
        ended_at_ns=BEGAN_NS + 12_400_000,
        client_address="127.0.0.1:51234",
        server_address="192.0.2.7:9006",
        target="http://skyq:9006/as/system/status",
        request_head=REQUEST,
        request_body=b"",
        response_head=b"HTTP/1.1 426 Upgrade Required\r\nX: \x1b[31m\r\n\r\n",
        response_body=b'{"error": "no"}',
        request_body_length=0,
        response_body_length=1_000_000,
    )
    with recorder(path) as found:
        found.exchange(refused)
        found.exchange(replace(refused, response_head=b"", response_body=b"", response_body_length=0))
    return str(path)


def test_http_exchanges_are_mentioned_and_shown(with_http: str) -> None:
    listed = wsproxy_here("ls", with_http)
    assert listed.err.splitlines()[-1] == f"2 HTTP exchanges: wsproxy show {with_http} --http"
    refused, unanswered = show(with_http, "--http").split("2018-10-20 01:46:40  ")[1:]
    assert refused.startswith(
        "exchange 1  127.0.0.1:51234 → http://skyq:9006/as/system/status  12 ms\n  request\n"
    )
    assert "\n      HTTP/1.1 426 Upgrade Required\n      X: \\x1b[31m\n\n" in refused
    assert '"error": "no"' in refused
    assert "(1,000,000 bytes, of which 15 were recorded)" in refused
    assert unanswered.endswith("\n  no response\n")


def test_http_exchanges_are_shown_as_json(with_http: str, recording: str) -> None:
    refused, unanswered = wsproxy_here("show", with_http, "--http", "--json").objects
    assert (refused["exchange"], refused["target"]) == (1, "http://skyq:9006/as/system/status")
    assert refused["response_body"] == {"text": '{"error": "no"}'}
    assert (refused["response_body_length"], unanswered["response_head"]) == (1_000_000, "")
    none = wsproxy_here("show", recording, "--http")
    assert (none.code, none.out, none.err) == (0, "", f"{recording} has no HTTP exchanges.\n")
