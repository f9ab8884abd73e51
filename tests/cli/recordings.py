"""Recordings made for the tests: by the real recorder, without a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wsproxy.demo.device import status_document
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.store.model import ChangeKind, SessionStart, TcpEnd
from wsproxy.store.session_recorder import Changed
from wsproxy.store.writer import Recorder, SessionRecorder

REQUEST = b"GET /as/system/status HTTP/1.1\r\nHost: skyq:9006\r\nupgrade: WebSocket\r\n\r\n"
RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
DEFLATED = b"HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
BEGAN_NS = 1_540_000_000_123_456_789
KEY = b"\x01\x02\x03\x04"


def start(**changed: object) -> SessionStart:
    """The beginning of a session with the box."""
    facts = {
        "started_at_ns": BEGAN_NS,
        "client_address": "127.0.0.1:51234",
        "server_address": "192.0.2.7:9006",
        "target": "ws://skyq:9006/as/system/status",
        "request_head": REQUEST,
        "response_head": RESPONSE,
    }
    return SessionStart(**(facts | changed))  # type: ignore[arg-type]


@contextmanager
def recorder(path: Path) -> Iterator[Recorder]:
    """A recorder at work."""
    failures: list[object] = []
    found = Recorder(str(path), on_failure=failures.append, on_pressure=lambda pressed: None)
    found.start()
    try:
        yield found
    finally:
        found.close()
    assert not failures


def send(
    session: SessionRecorder, side: Side, opcode: int, payload: bytes, *, fin: bool = True, after_ms: int = 0
) -> None:
    """One frame of a side: clients mask."""
    key = KEY if side is Side.CLIENT else None
    frame = build_frame(opcode, payload, fin=fin, masking_key=key)
    session.receive_data(side, frame.serialize(), BEGAN_NS + after_ms * 1_000_000)


def make_recording(path: Path) -> None:
    """Session 1: all kinds of frames, closed. 2: compressed, interrupted. 3: three large messages, reset."""
    with recorder(path) as found:
        first = found.open_session(start())
        send(first, Side.SERVER, 0x1, status_document(), after_ms=1)
        send(first, Side.CLIENT, 0x9, b"\xde\xad", after_ms=2)
        send(first, Side.SERVER, 0xA, b"\xde\xad", after_ms=3)
        send(first, Side.CLIENT, 0x2, bytes(range(40)), after_ms=4)
        send(first, Side.SERVER, 0x1, b"first half, ", fin=False, after_ms=5)
        send(first, Side.SERVER, 0x9, b"", after_ms=6)
        send(first, Side.SERVER, 0x0, b"second half", after_ms=7)
        send(first, Side.SERVER, 0x1, b"\x1b[31mred\xff", after_ms=8)
        send(first, Side.CLIENT, 0x8, b"\x03\xe8bye", after_ms=9)
        send(first, Side.SERVER, 0x8, b"\x03\xed", after_ms=10)
        first.receive_data(Side.SERVER, b"HTTP/1.1 500", BEGAN_NS + 11_000_000)
        first.receive_eof(Side.SERVER, TcpEnd.FIN, BEGAN_NS + 12_000_000)
        first.end(BEGAN_NS + 12_000_000)
        second = found.open_session(
            start(extensions="permessage-deflate", subprotocol="chat", response_head=DEFLATED)
        )
        second.receive_data(Side.SERVER, bytes.fromhex("c107f248cdc9c90700"), BEGAN_NS + 1_000_000)
        second.change(
            Changed(ChangeKind.INJECTED, Side.CLIENT, 0, 0, build_frame(0xA, b"kept").serialize()),
            BEGAN_NS + 1_000_000,
        )
        second.change(
            Changed(ChangeKind.REPLACED, Side.SERVER, 0, 9, build_frame(0x1, b'{"a": [1, 2]}').serialize()),
            BEGAN_NS,
        )
        second.change(Changed(ChangeKind.DROPPED, Side.SERVER, 9, 11, b""), BEGAN_NS)
        third = found.open_session(start())
        for letter in (b"x", b"y", b"z"):
            send(third, Side.SERVER, 0x2, letter * 150_000)
        third.receive_eof(Side.SERVER, TcpEnd.RST, BEGAN_NS)
        third.end(BEGAN_NS)
