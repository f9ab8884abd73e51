"""A replayed client: against replayed devices, and against devices that say something else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.recordings import DEFLATED, recorder, send, start
from tests.cli.run import wsproxy_here
from tests.devices.certificates import device_tls
from tests.replay.test_compare import Said
from tests.wire.build import frame, lines
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import compute_accept
from wsproxy.protocol.heads import parse_request_head
from wsproxy.replay import serve
from wsproxy.replay.asking import Address
from wsproxy.replay.client import ClientOptions
from wsproxy.replay.client_run import run_client
from wsproxy.replay.compare import Kind, Row
from wsproxy.replay.leading import exchanges_before
from wsproxy.replay.model import ReplayOptions
from wsproxy.store.model import HttpExchange, TcpEnd
from wsproxy.store.reader import open_recording

CLIENT, SERVER = Side.CLIENT, Side.SERVER
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
BYE = b"\x03\xe8"
GET_LOGIN = lines(b"GET /login HTTP/1.1", b"Host: skyq")


def record(path: Path, talk: list[Said], *, ends: str = "sc", **heads: object) -> Path:
    """A session: its messages, then FIN of each side in this order."""
    with recorder(path) as found:
        session = found.open_session(start(**{"request_head": REQUEST, "response_head": RESPONSE, **heads}))
        for at, said in enumerate(talk):
            send(session, *said[:3], after_ms=at, **(said[3] if len(said) > 3 else {}))
        for side in ends:
            session.receive_eof(SERVER if side == "s" else CLIENT, TcpEnd.FIN, 10**18)
        session.end(10**18)
    return path


def differences(
    path: Path,
    port: int,
    *,
    timeout_s: float = 5,
    exact: bool = True,
    match: str = "exact",
    vary: tuple[str, ...] = (),
) -> tuple[list[Row], tuple[str, ...]]:
    """Play the client of the last session to that port."""
    play = ReplayOptions(speed=None, vary=vary, exact_handshake=exact)
    options = ClientOptions(Address("127.0.0.1", port), play, timeout_s)
    with run_client(str(path), "last", str(path.with_suffix(".live.db")), options) as outcome:
        return [row for row in outcome.comparison.rows() if row.differences], outcome.problems


messages = st.tuples(
    st.sampled_from([CLIENT, SERVER]),
    st.sampled_from([TEXT, BINARY, BINARY, PING, PONG, 3, 11]),
    st.binary(max_size=130) | st.sampled_from([b"", b'{"id":1}', bytes(70_000)]),
)
goodbyes = st.sampled_from([[], [(CLIENT, CLOSE, BYE), (SERVER, CLOSE, BYE)], [(SERVER, CLOSE, b"")]])


def sendable(talk: list[Said]) -> list[Said]:
    """Without control frames too large to be told apart from others by number."""
    return [(side, opcode, payload[:125] if opcode > 7 else payload) for side, opcode, payload in talk]


@given(st.lists(messages, max_size=12), goodbyes, st.sampled_from(["sc", "cs", "s", "c"]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_client_and_server_of_one_recording_agree(
    tmp_path_factory: pytest.TempPathFactory, talk: list[Said], goodbye: list[Said], ends: str, fresh: bool
) -> None:
    path = record(tmp_path_factory.mktemp("both") / "a.db", sendable(talk) + goodbye, ends=ends)
    with serve(str(path), speed="max", exact_handshake=not fresh) as replay:
        rows, problems = differences(path, replay.port, exact=not fresh)
        assert (rows, problems) == ([], ())
        assert replay.report().mismatches == ()


@contextmanager
def device(serve_client: Callable[[socket.socket], None], tls: Any = None) -> Iterator[int]:
    """A device that does this with the first client; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        found, _ = listening.accept()
        found.settimeout(20)
        if tls is not None:
            found = tls.wrap_socket(found, server_side=True)
        with found:
            serve_client(found)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join(20)
        listening.close()
    assert not thread.is_alive()


def read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return head


def response_to(request: bytes) -> bytes:
    """The response with the right Accept."""
    key = parse_request_head(request).get("sec-websocket-key") or b""
    return RESPONSE.replace(compute_accept(b"dGhlIHNhbXBsZSBub25jZQ=="), compute_accept(key))


def read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := client.recv(count - len(data))):
        data += more
    return data


def read_frame(client: socket.socket) -> bytes:
    """A small masked frame's payload, unmasked; empty at the end."""
    head = read(client, 2)
    if len(head) < 2:
        return b""
    key, payload = read(client, 4), read(client, head[1] & 0x7F)
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def until_end(client: socket.socket) -> bytes:
    rest = b""
    while data := client.recv(4096):
        rest += data
    return rest


ASKED: list[Said] = [
    (CLIENT, TEXT, b'{"get":"status","id":1}'),
    (SERVER, TEXT, b'{"status":"ready","id":1}'),
    (CLIENT, TEXT, b'{"get":"volume","id":2}'),
    (SERVER, TEXT, b'{"volume":7,"id":2}'),
]


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """A device that answers each message with the next of these (nothing: b"")."""

    def run(client: socket.socket) -> None:
        client.sendall(response_to(read_head(client)))
        for answer in answers:
            read_frame(client)
            if answer:
                client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    return run


def text(payload: bytes) -> bytes:
    return frame(TEXT, payload)


def kinds(rows: list[Row]) -> list[Kind]:
    return [each.kind for row in rows for each in row.differences]


def test_what_the_device_says_otherwise_is_found(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(text(b'{"status":"busy","id":1}'), text(ASKED[3][2]))) as port:
        rows, problems = differences(path, port)
    assert (kinds(rows), problems) == ([Kind.CHANGED], ())
    assert '-   "status": "ready"' in rows[0].differences[0].lines


def test_one_more_message_holds_nothing_up(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    news = text(b"<news/>")
    with device(answering(news + text(ASKED[1][2]), text(ASKED[3][2]))) as port:
        rows, problems = differences(path, port)
    assert (kinds(rows), problems) == ([Kind.ADDED], ())


def test_a_wholly_different_answer_is_taken_once_nothing_better_comes(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(text(b"<error/>"), text(ASKED[3][2]))) as port:
        rows, problems = differences(path, port, timeout_s=0.5)
    assert (kinds(rows), problems) == ([Kind.CHANGED], ())


def test_a_device_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(text(ASKED[1][2]), b"")) as port:
        rows, _ = differences(path, port, timeout_s=20)
    assert kinds(rows) == [Kind.MISSING]

    def deaf(client: socket.socket) -> None:
        until_end(client)

    with device(deaf) as port:
        rows, (problem,) = differences(path, port, timeout_s=0.3)
    assert problem == "no response to the request came within 0.3 s"

    def mute(client: socket.socket) -> None:
        read_head(client)
        client.sendall(RESPONSE + text(ASKED[1][2]))
        until_end(client)

    with device(mute) as port:
        rows, (problem,) = differences(path, port, timeout_s=0.3)
    assert problem == (
        'message 2 of the device (text, 19 bytes: {"volume":7,"id":2}) did not come within 0.3 s;'
        " 1 message came, 27 bytes in all"
    )
    assert Kind.MISSING in kinds(rows)


def test_what_was_not_sent_is_missing(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(b"")) as port:
        rows, _ = differences(path, port)
    assert [row.side for row in rows if row.differences[0].kind is Kind.MISSING] == [SERVER, CLIENT, SERVER]


def test_the_handshake_is_made_to_fit(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", [(SERVER, TEXT, b"hello")])
    asked: list[bytes] = []

    def run(client: socket.socket) -> None:
        asked.append(read_head(client))
        good = response_to(asked[-1])
        if len(asked) == 3:
            good = good.replace(b"Accept: ", b"Accept: x")
        client.sendall(good + text(b"hello"))
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    for problems in ([], [], ["the device answers the key with x"]):
        with device(run) as port:
            rows, found = differences(path, port, exact=False)
        assert rows == []
        assert [each[: len("the device answers the key with x")] for each in found] == problems
        assert f"Host: 127.0.0.1:{port}\r\n".encode() in asked[-1]
    assert len({parse_request_head(head).get("sec-websocket-key") for head in asked}) == 3
    assert asked[0].replace(b"\r\n", b"").count(b":") == REQUEST.count(b":")


def test_a_refusal_is_a_difference(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def refuse(client: socket.socket) -> None:
        read_head(client)
        client.sendall(lines(b"HTTP/1.1 403 Forbidden", b"Content-Length: 2") + b"no")

    with device(refuse) as port:
        rows, (problem,) = differences(path, port)
    assert Kind.HANDSHAKE in kinds(rows)
    assert problem == "the device did not agree to speak WebSocket: HTTP/1.1 403 Forbidden"
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        assert live.tail(1, SERVER) == b"no"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "the device closed the connection before it had answered the opening handshake"),
        (RESPONSE[:40], "the device closed the connection before it had answered the opening handshake"),
        (b"\x81\xff\xff", "the device did not agree to speak WebSocket: its answer is no HTTP response"),
    ],
)
def test_what_came_instead_of_a_response_is_recorded(tmp_path: Path, answer: bytes, problem: str) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def run(client: socket.socket) -> None:
        read_head(client)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    with device(run) as port:
        _, problems = differences(path, port)
    assert problems == (problem,)
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        session = live.session(1)
        assert session.start.response_head + live.tail(1, SERVER) == answer


@pytest.mark.parametrize("endless", [frame(PING, b"again") * 2000, text(b"<news/>") * 2000])
def test_a_device_that_never_ends_is_given_up(tmp_path: Path, endless: bytes) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def run(client: socket.socket) -> None:
        client.sendall(response_to(read_head(client)))
        client.settimeout(0.02)
        with suppress(ConnectionError):
            while True:
                with suppress(TimeoutError):
                    client.sendall(endless)
                with suppress(TimeoutError):
                    client.recv(1 << 20)

    with device(run) as port:
        _, (problem,) = differences(path, port, timeout_s=20)
    assert problem.startswith("the device says far more than recorded: given up after ")


def test_pieces_without_an_end_are_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)

    def run(client: socket.socket) -> None:
        client.sendall(response_to(read_head(client)) + b"\x81\x7f" + (1 << 40).to_bytes(8))
        client.settimeout(0.02)
        with suppress(ConnectionError):
            while True:
                client.sendall(b"x")
                with suppress(TimeoutError):
                    client.recv(4096)

    with device(run) as port:
        _, (problem,) = differences(path, port, timeout_s=0.1)
    assert problem.startswith("message 1 of the device (text, 25 bytes")


@pytest.mark.parametrize(
    "refusal",
    [
        lines(b"HTTP/1.1 401 Unauthorized", b"Content-Length: 5") + b"hello",
        lines(b"HTTP/1.1 401 Unauthorized", b"Transfer-Encoding: chunked")
        + b"2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_what_led_to_the_session_is_played_and_recorded(tmp_path: Path, refusal: bytes) -> None:
    path = record(tmp_path / "a.db", ASKED)
    head = lines(b"HTTP/1.1 401 Unauthorized", b"Content-Length: 2")
    began = start().started_at_ns
    asked = HttpExchange(
        began - 9,
        began - 5,
        start().client_address,
        "x:1",
        "http://x/login",
        GET_LOGIN,
        b"",
        head,
        b"no",
        0,
        2,
    )
    with recorder(path) as found:
        found.exchange(asked)

    def run(client: socket.socket) -> None:
        assert read_head(client).startswith(b"GET /login HTTP/1.1\r\n")
        client.sendall(refusal)
        answering(text(ASKED[1][2]), text(ASKED[3][2]))(client)

    with device(run) as port:
        assert differences(path, port, exact=False) == ([], ())
    with open_recording(str(path.with_suffix(".live.db"))) as live:
        (stored,) = live.exchanges()
        exchange, session = stored.exchange, live.session(1)
        assert exchange.response_head == refusal.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert (exchange.response_body, exchange.response_body_length) == (b"hello", 5)
        assert exchange.target == f"http://127.0.0.1:{port}/login"
        assert session.start.target == f"ws://127.0.0.1:{port}/as/system/status"
        assert exchanges_before(live, session) == [exchange]


def test_what_varies_is_carried(tmp_path: Path) -> None:
    talk: list[Said] = [
        (SERVER, TEXT, b'{"token":"recorded-token","n":1}'),
        (CLIENT, TEXT, b'{"auth": "recorded-token"}'),
        (SERVER, TEXT, b'{"welcome":"recorded-token"}'),
    ]
    path = record(tmp_path / "a.db", talk)
    said: list[bytes] = []

    def run(client: socket.socket) -> None:
        read_head(client)
        client.sendall(RESPONSE + text(b'{"token":"live-token","n":1}'))
        said.append(read_frame(client))
        client.sendall(text(b'{"welcome":"live-token"}'))
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    with device(run) as port:
        assert differences(path, port, vary=("/token",)) == ([], ())
    assert said == [b'{"auth": "live-token"}']


def test_pings_are_answered_with_their_own_payload(tmp_path: Path) -> None:
    talk: list[Said] = [(SERVER, PING, b"old"), (CLIENT, PONG, b"old"), (SERVER, TEXT, b"done")]
    path = record(tmp_path / "a.db", talk)
    said: list[bytes] = []

    def run(client: socket.socket) -> None:
        read_head(client)
        client.sendall(RESPONSE + frame(PING, b"new"))
        said.append(read_frame(client))
        client.sendall(frame(PING, b"more"))
        said.append(read_frame(client))
        client.sendall(text(b"done"))
        client.shutdown(socket.SHUT_WR)
        until_end(client)

    with device(run) as port:
        rows, problems = differences(path, port)
    assert said == [b"new", b"more"]
    assert problems == ()
    assert {row.first.message.opcode if row.first else PING for row in rows} == {PING}


def test_compressed_messages_are_compared_inflated(tmp_path: Path) -> None:
    with recorder(tmp_path / "a.db") as found:
        session = found.open_session(start(request_head=REQUEST, response_head=DEFLATED))
        session.receive_data(SERVER, bytes.fromhex("c107f248cdc9c90700"), 0)
        session.end(0)

    def run(client: socket.socket) -> None:
        read_head(client)
        client.sendall(DEFLATED + bytes.fromhex("c107f248cdc9c90700"))
        until_end(client)

    with device(run) as port:
        assert differences(tmp_path / "a.db", port) == ([], ())


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
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
