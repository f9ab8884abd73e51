"""Sessions to replay, recorded without a proxy, and clients on raw sockets to replay them to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.devices.endpoints import Route, connect
from tests.devices.peer import Peer
from tests.store.recording import AT, START, recording_to
from tests.wire.build import client_frame, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.server import ReplayServer
from wsproxy.store.model import SessionStart
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import SessionRecorder

MS = 1_000_000
AT_ONCE = ReplayOptions(speed=None)
TEXT = 0x1


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a side sent in one piece, so many ns after the session's start; `end` how it ended instead."""

    side: Side
    data: bytes = b""
    after_ns: int = 0
    end: str = ""


FIN_AFTER = Chunk(Side.SERVER, after_ns=MS, end="fin")


def says(payload: bytes | str, after_ms: float = 0, *, opcode: int = TEXT) -> Chunk:
    """The client sends a frame."""
    return Chunk(Side.CLIENT, client_frame(opcode, _bytes(payload)), int(after_ms * MS))


def answers(payload: bytes | str, after_ms: float = 0, *, opcode: int = TEXT) -> Chunk:
    """The device sends a frame."""
    return Chunk(Side.SERVER, frame(opcode, _bytes(payload)), int(after_ms * MS))


def start(request: bytes = REQUEST, response: bytes = RESPONSE, **facts: object) -> SessionStart:
    """The start of a session with these heads."""
    negotiated = negotiate(parse_response_head(response))
    return replace(
        START,
        request_head=request,
        response_head=response,
        subprotocol=negotiated.subprotocol,
        extensions=negotiated.extensions,
        **facts,  # type: ignore[arg-type]
    )


def record(
    path: Path,
    *sessions: Sequence[Chunk],
    begin: SessionStart | None = None,
    redaction: Redaction | None = None,
) -> None:
    """Record these sessions, one after another."""
    with recording_to(path, redaction=redaction) as recorder:
        for number, chunks in enumerate(sessions):
            at_ns = AT + number * 1000 * MS
            session = recorder.open_session(replace(begin or start(), started_at_ns=at_ns))
            _record_chunks(session, chunks, at_ns)


def _record_chunks(session: SessionRecorder, chunks: Sequence[Chunk], at_ns: int) -> None:
    for chunk in chunks:
        if chunk.end:
            session.receive_eof(chunk.side, chunk.end, at_ns + chunk.after_ns)
        else:
            session.receive_data(chunk.side, chunk.data, at_ns + chunk.after_ns)
    session.end(at_ns + max((chunk.after_ns for chunk in chunks), default=0))


@contextmanager
def closing(*peers: Peer) -> Iterator[None]:
    """Close the peers at the end."""
    try:
        yield
    finally:
        for peer in peers:
            peer.close()


async def opened(server: ReplayServer, request: bytes = REQUEST, response: bytes = RESPONSE) -> Peer:
    """A client whose opening handshake is over."""
    client = await connect(Route(server.port))
    await client.send(request)
    await client.expect(response)
    return client


def _bytes(payload: bytes | str) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload
