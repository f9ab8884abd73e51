"""What the tests of this room share: a recorder that keeps note of its callbacks, and sessions to record."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import Observer, SessionStart
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import SessionRecorder
from wsproxy.store.writer import Recorder

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: device:9006\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
AT = 1_700_000_000_000_000_000
HELLO = b"\x81\x05Hello"

START = SessionStart(
    started_at_ns=AT,
    client_address="127.0.0.1:50000",
    server_address="127.0.0.1:9006",
    target="ws://device:9006/chat",
    request_head=REQUEST,
    response_head=RESPONSE,
)


class Callbacks:
    """Notes what a recorder reports."""

    def __init__(self) -> None:
        self.failures: list[RecordingError] = []
        self.pressure: list[bool] = []
        self.relaxed = threading.Event()
        self.relaxed.set()

    def on_failure(self, error: RecordingError) -> None:
        self.failures.append(error)

    def on_pressure(self, pressed: bool) -> None:
        self.pressure.append(pressed)
        if pressed:
            self.relaxed.clear()
        else:
            self.relaxed.set()


@contextmanager
def recording_to(
    place: Path | str | None,
    *,
    limits: WriterLimits | None = None,
    callbacks: Callbacks | None = None,
    observers: tuple[Observer, ...] = (),
    redaction: Redaction | None = None,
) -> Iterator[Recorder]:
    """A running recorder, closed at the end."""
    noted = callbacks or Callbacks()
    recorder = Recorder(
        None if place is None else str(place),
        limits=limits,
        on_failure=noted.on_failure,
        on_pressure=noted.on_pressure,
        observers=observers,
        redaction=redaction,
    )
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close()
    if callbacks is None:
        assert noted.failures == []


def record_session(
    place: Path | str,
    chunks: list[tuple[Side, bytes]],
    *,
    limits: WriterLimits | None = None,
    start: SessionStart = START,
    then: Callable[[SessionRecorder], None] = lambda session: None,
) -> None:
    """Record one whole session that receives these chunks."""
    with recording_to(place, limits=limits) as recorder:
        session = recorder.open_session(start)
        for turn, (side, data) in enumerate(chunks):
            session.receive_data(side, data, AT + turn)
        then(session)
        session.end(AT + len(chunks))


def flood(recorder: Recorder, callbacks: Callbacks, chunk: bytes, times: int) -> int:
    """Record a session in which the server sends `chunk` so often; the most bytes that waited meanwhile."""
    session, most = recorder.open_session(START), 0
    for _ in range(times):
        assert callbacks.relaxed.wait(30)
        session.receive_data(Side.SERVER, chunk, AT)
        most = max(most, recorder.backlog)
    session.end(AT)
    return most


def stream_of(recording: Recording, side: Side, session_id: int = 1) -> bytes:
    """Everything a side sent, its head included."""
    return b"".join(recording.stream(session_id, side))


def read_streams(place: Path | str, session_id: int = 1) -> dict[Side, bytes]:
    """Both sides' streams, without their heads."""
    with open_recording(str(place)) as recording:
        return {
            side: stream_of(recording, side, session_id)[len(head) :]
            for side, head in ((Side.CLIENT, REQUEST), (Side.SERVER, RESPONSE))
        }


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for a condition that another thread or process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.005)
