"""A client's recording, and devices on raw sockets to play it to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.recordings import recorder, send, start
from tests.replay.test_compare import Said
from tests.wire.build import frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import compute_accept
from wsproxy.protocol.heads import parse_request_head
from wsproxy.replay.asking import Address
from wsproxy.replay.client import ClientOptions
from wsproxy.replay.client_run import run_client
from wsproxy.replay.compare import Kind, Row
from wsproxy.replay.model import ReplayOptions
from wsproxy.store.model import TcpEnd

CLIENT, SERVER = Side.CLIENT, Side.SERVER
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
BYE = b"\x03\xe8"


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
