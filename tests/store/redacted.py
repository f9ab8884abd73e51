"""Recordings made with redaction, looked through for a secret while they are made."""

import base64
import json
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from tests.store.recording import AT, START, Callbacks
from tests.wire.build import BINARY, CLOSE, CONT, KEY, PING, TEXT, close, frame, mask
from wsproxy.protocol.frame import Side
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind, HttpExchange, SessionEnd, SessionStart
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.redaction import Redaction, redaction_from_json
from wsproxy.store.session_recorder import Changed, Found, SessionRecorder
from wsproxy.store.writer import Recorder

SECRET = b"hunter2-S3cr3t!/+"
RULES = ("defaults", "json:/params/pin", r"regex:hunter2[^\s\"&'}]*", "regex:aHVud[\\w+/=]*")
WIDE = START.request_head[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
AGREED = START.response_head[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def forms_of(secret: bytes) -> list[bytes]:
    """How a secret might be found in a file: as it is, encoded, masked, compressed."""
    encoded = [base64.b64encode(b"x" * shift + secret)[4:-4] for shift in range(3)]
    masked = [mask(b"\0" * shift + secret, KEY)[shift:] for shift in range(4)]
    stored = zlib.compressobj(0, wbits=-15)
    squeezed = zlib.compressobj(wbits=-15)
    deflated = squeezed.compress(secret) + squeezed.flush(zlib.Z_SYNC_FLUSH)
    return [
        secret,
        secret[:10],
        secret.hex().encode(),
        quote(secret.decode(), safe="").encode(),
        *encoded,
        *masked,
        stored.compress(secret) + stored.flush(zlib.Z_SYNC_FLUSH)[:-4],
        deflated[1:-6],
    ]


def all_bytes(place: Path) -> bytes:
    """Everything in the recording's files, the write-ahead log included."""
    return b"\n".join(file.read_bytes() for file in sorted(place.parent.iterdir()) if file.is_file())


def assert_clean(data: bytes) -> None:
    for form in forms_of(SECRET):
        assert form not in data, form


class Screen:
    """An observer that keeps all it is shown."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def session_started(self, session_id: int, start: SessionStart) -> None:
        self.seen.append(start)

    def events_received(self, session_id: int, side: Side, at_ns: int, events: object) -> None:
        self.seen.append(events)

    def changes_made(self, session_id: int, changes: Sequence[Changed]) -> None:
        pass

    def findings_made(self, session_id: int, findings: Sequence[Found]) -> None:
        pass

    def session_ended(self, session_id: int, end: SessionEnd) -> None:
        self.seen.append(end)


def recorded(
    place: Path,
    feed: Callable[[SessionRecorder], None],
    *,
    start: SessionStart = START,
    rules: tuple[str, ...] = RULES,
    exchange: HttpExchange | None = None,
) -> Screen:
    """Record, and look into the files again and again meanwhile: nothing may be there even for a moment."""
    screen, callbacks = Screen(), Callbacks()
    limits = WriterLimits(tick=0.001, spool_age=0, message_limit=100_000)
    recorder = Recorder(
        str(place),
        limits=limits,
        on_failure=callbacks.on_failure,
        on_pressure=callbacks.on_pressure,
        observers=[screen],
        redaction=Redaction.of(rules),
    )
    recorder.start()
    session = recorder.open_session(start)
    if exchange is not None:
        recorder.exchange(exchange)
    feed(session)
    until = time.monotonic() + 20
    while recorder.backlog and time.monotonic() < until:
        assert_clean(all_bytes(place))
    assert_clean(all_bytes(place))
    session.end(AT + 9)
    recorder.close()
    assert callbacks.failures == []
    assert_clean(all_bytes(place))
    assert_clean(repr(screen.seen).encode())
    with open_recording(str(place)) as recording:
        read_all(recording)
    return screen


def read_all(recording: Recording) -> None:
    """Call every method that reads."""
    for session in recording.sessions():
        assert session.start.redaction is not None
        redaction_from_json(session.start.redaction)
        for side in Side:
            events = list(recording.events(session.id, side))
            stream = b"".join(recording.stream(session.id, side))
            head = session.start.request_head if side is Side.CLIENT else session.start.response_head
            tail = recording.tail(session.id, side)
            assert stream == head + b"".join(each.event.serialize() for each in events) + tail
            assert session.counts(side).received_bytes == len(stream) - len(head)
            b"".join(recording.stream_sent(session.id, side))
            for each in recording.frames(session.id, side):
                b"".join(recording.payload(each.id))
            list(recording.messages(session.id, side))
            list(recording.changes(session.id, side))
            list(recording.findings(session.id, side))
    list(recording.search("hunter2"))


PIN = json.dumps({"params": {"pin": SECRET.decode(), "n": 1}}).encode()
SHORT = b'"' + SECRET + b'"'
SAID = b"say " + SECRET + b" again"
LARGE = (SECRET + b" ") * 20_000
SIDE = Side.SERVER


def in_frames(*frames: bytes) -> Callable[[SessionRecorder], None]:
    def feed(session: SessionRecorder) -> None:
        for data in frames:
            session.receive_data(SIDE, data, AT + 1)

    return feed


def dripping(data: bytes, step: int = 7) -> Callable[[SessionRecorder], None]:
    return in_frames(*(data[start : start + step] for start in range(0, len(data), step)))


def changed(session: SessionRecorder) -> None:
    one, two = frame(TEXT, PIN), frame(TEXT, SAID)
    session.receive_data(SIDE, one + two, AT)
    session.change(
        Changed(ChangeKind.REPLACED, SIDE, len(one), len(one + two), frame(TEXT, SAID + b"!")), AT + 1
    )
    session.change(Changed(ChangeKind.INJECTED, SIDE, len(one + two), len(one + two), two[:9]), AT + 1)
    session.change(Changed(ChangeKind.INJECTED, SIDE, len(one + two), len(one + two), two[9:]), AT + 1)
    session.finding("text-utf8", f"it says {SAID!r}", SIDE, len(one) + 2, AT + 2)
    session.finding("text-utf8", f"it begins with {SECRET.hex(' ')}", SIDE, len(one) + 2, AT + 2)
    session.finding("request-target", f"?token={SECRET.decode()}", Side.CLIENT, None, AT + 2)


def left_out(session: SessionRecorder) -> None:
    session.change(Changed(ChangeKind.DROPPED, SIDE, 0, len(PIN), b"", ("stream.bare-text",)), AT)
    session.receive_data(SIDE, PIN + frame(TEXT, SAID), AT)


PLACES = {
    "json": in_frames(frame(TEXT, PIN)),
    "text": in_frames(frame(TEXT, SAID)),
    "masked": in_frames(frame(BINARY, SAID, key=KEY)),
    "fragments": in_frames(frame(TEXT, PIN[:30], fin=False), frame(PING), frame(CONT, PIN[30:])),
    "byte-by-byte": dripping(frame(TEXT, PIN, key=KEY), 1),
    "close-reason": in_frames(frame(CLOSE, close(1008, SECRET))),
    "ping": in_frames(frame(PING, SECRET)),
    "too-large": dripping(frame(BINARY, LARGE), 60_000),
    "under-way": in_frames(frame(TEXT, SAID)[:-3]),
    "under-way-in-a-fragment": in_frames(frame(TEXT, SAID, fin=False)),
    "large-and-under-way": in_frames(frame(BINARY, LARGE)[:-3]),
    "opaque": in_frames(b"\x81\x7f" + b"\xff" * 8 + SAID),
    "broken-json": in_frames(frame(TEXT, PIN[:-1])),
    "orphan": in_frames(frame(CONT, SAID)),
    "changes-and-findings": changed,
    "behind-a-line-end": in_frames(b"\r\n" + frame(TEXT, SHORT) + frame(TEXT, PIN) * 3),
    "behind-a-zero": in_frames(b"\x00" + frame(TEXT, SHORT) + frame(TEXT, PIN) * 3),
    "without-frames": in_frames(frame(TEXT, b"{}") + PIN, PIN),
    "behind-what-is-left-out": left_out,
}

HEADS = SessionStart(
    AT,
    "c:1",
    "s:1",
    f"ws://me:{quote(SECRET.decode(), safe='')}@s/chat?token={quote(SECRET.decode(), safe='')}&x=1",
    b"GET /chat?token="
    + quote(SECRET.decode(), safe="").encode()
    + b"&x=1 HTTP/1.1\r\nHost: s\r\nAuthorization: Basic "
    + base64.b64encode(b"me:" + SECRET)
    + b"\r\nCookie: id="
    + SECRET
    + b"\r\nReferer: http://s/?api_key="
    + SECRET
    + b"\r\nSec-WebSocket-Protocol: chat, access_token, "
    + SECRET
    + b"\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: id="
    + SECRET
    + b"\r\nX-Echo: id "
    + SECRET
    + b"\r\nSec-WebSocket-Protocol: "
    + SECRET
    + b"\r\nUpgrade: websocket\r\n\r\n",
    request_head_sent=b"GET / HTTP/1.1\r\nAuthorization: Bearer " + SECRET + b"\r\n\r\n",
    response_head_sent=b"HTTP/1.1 101 OK\r\nset-cookie: id=" + SECRET + b"\r\n\r\n",
    subprotocol=SECRET.decode(),
    extensions=f"x; token={SECRET.decode()}",
    client_tls=json.dumps({"sni": SECRET.decode()}),
)
