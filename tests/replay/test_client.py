"""A replayed client: against replayed devices, and against devices that say something else."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.recordings import DEFLATED, recorder, start
from tests.replay.live_device import (
    ASKED,
    BINARY,
    BYE,
    CLIENT,
    CLOSE,
    PING,
    PONG,
    SERVER,
    TEXT,
    answering,
    device,
    differences,
    kinds,
    read_frame,
    read_head,
    record,
    response_to,
    text,
    until_end,
)
from tests.replay.test_compare import Said
from tests.wire.build import frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.replay import serve
from wsproxy.replay.compare import Kind

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
        rows, problems = differences(path, port, timeout_s=2)
    assert (kinds(rows), problems) == ([Kind.CHANGED], ())


def test_a_device_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(text(ASKED[1][2]), b"")) as port:
        rows, _ = differences(path, port, timeout_s=20)
    assert kinds(rows) == [Kind.MISSING]

    def deaf(client: socket.socket) -> None:
        until_end(client)

    with device(deaf) as port:
        rows, (problem,) = differences(path, port, timeout_s=2)
    assert problem == "no response to the request came within 2 s"

    def mute(client: socket.socket) -> None:
        read_head(client)
        client.sendall(RESPONSE + text(ASKED[1][2]))
        until_end(client)

    with device(mute) as port:
        rows, (problem,) = differences(path, port, timeout_s=2)
    assert problem == (
        'message 2 of the device (text, 19 bytes: {"volume":7,"id":2}) did not come within 2 s;'
        " 1 message came, 27 bytes in all"
    )
    assert Kind.MISSING in kinds(rows)


def test_what_was_not_sent_is_missing(tmp_path: Path) -> None:
    path = record(tmp_path / "a.db", ASKED)
    with device(answering(b"")) as port:
        rows, _ = differences(path, port)
    assert [row.side for row in rows if row.differences[0].kind is Kind.MISSING] == [SERVER, CLIENT, SERVER]


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
        _, (problem,) = differences(path, port, timeout_s=0.4)
    assert problem.startswith("message 1 of the device (text, 25 bytes")


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
