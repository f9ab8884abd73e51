"""Recordings made with redaction: no secret is in the file, and everything else is."""

import base64
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
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


@pytest.mark.parametrize("name", PLACES)
def test_no_secret_is_ever_in_the_files(name: str, tmp_path: Path) -> None:
    recorded(tmp_path / "r.db", PLACES[name])


@pytest.mark.parametrize("name", PLACES)
def test_nor_in_those_of_a_text_or_of_the_database_it_is_made_from(name: str, tmp_path: Path) -> None:
    place = tmp_path / "r.jsonl"
    recorded(place, PLACES[name])
    recorded(place, PLACES[name])
    assert [entry.name for entry in tmp_path.iterdir()] == [place.name]
    with open_recording(str(place)) as recording:
        first, second = recording.sessions()
        assert first.start.redaction == second.start.redaction == Redaction.of(RULES).to_json()


@pytest.mark.parametrize("name", PLACES)
def test_without_redaction_it_would_be_found(name: str, tmp_path: Path) -> None:
    for place in (tmp_path / "a" / "r.db", tmp_path / "b" / "r.jsonl"):
        with pytest.raises(AssertionError):
            recorded(place, PLACES[name], rules=("header:X-Other",))


def test_compressed_secrets_are_not_there_in_any_form(tmp_path: Path) -> None:
    compressor = Compressor()
    stored = Compressor(level=0)
    payloads = [b"first", PIN, b"between", SAID, b"the last"]
    feed = in_frames(*(frame(TEXT, compressor.compress(each), rsv=4) for each in payloads))
    start = SessionStart(AT, "c:1", "s:1", "ws://s/", WIDE, AGREED)
    recorded(tmp_path / "r.db", feed, start=start)
    with open_recording(str(tmp_path / "r.db")) as recording:
        messages = [each.message for each in recording.messages(1)]
        raw = [each.frame.payload + b"\0\0\xff\xff" for each in recording.frames(1)]
    assert [each.error for each in messages] == [None] * 5
    assert all(each.compressed for each in messages)
    assert json.loads(messages[1].payload) == {"params": {"pin": "REDACTED", "n": 1}}
    assert messages[3].payload == b"say REDACTED again"
    assert SECRET not in zlib.decompressobj(-15).decompress(b"".join(raw))
    feed = in_frames(frame(TEXT, stored.compress(SAID), rsv=4), frame(TEXT, b"\xff" + SECRET, rsv=4))
    (tmp_path / "2").mkdir()
    recorded(tmp_path / "2" / "r.db", feed, start=start)
    feed = in_frames(frame(TEXT, stored.compress(SAID), rsv=4))
    (tmp_path / "3").mkdir()
    recorded(tmp_path / "3" / "r.db", feed)


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


def test_with_the_defaults_heads_hold_no_secrets(tmp_path: Path) -> None:
    recorded(tmp_path / "r.db", in_frames(frame(TEXT, b"{}")), start=HEADS, rules=("defaults",))
    with open_recording(str(tmp_path / "r.db")) as recording:
        start = recording.session(1).start
    assert start.target == "ws://REDACTED@s/chat?token=REDACTED&x=1"
    assert b"Host: s\r\nAuthorization: REDACTED\r\nCookie: REDACTED\r\n" in start.request_head
    assert start.request_head.startswith(b"GET /chat?token=REDACTED&x=1 HTTP/1.1\r\n")
    assert start.response_head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nX-Echo: id REDACTED\r\n" in start.response_head
    assert start.response_head.endswith(b"\r\nUpgrade: websocket\r\n\r\n")
    assert start.subprotocol == "REDACTED"


def test_what_makes_a_head_one_stays_even_if_a_cookie_says_the_same() -> None:
    request = b"GET /websocket HTTP/1.1\r\nHost: device.local\r\n"
    request += b"Cookie: a=websocket; b=device.local; c=HTTP/1.1\r\n"
    request += b"Upgrade: websocket\r\nX: device.local\r\n\r\n"
    before = SessionStart(AT, "c:1", "s:1", "ws://device.local/websocket", request, START.response_head)
    after = Redaction.of(["defaults"]).start(before)
    assert after.request_head.startswith(
        b"GET /websocket HTTP/1.1\r\nHost: device.local\r\nCookie: REDACTED\r\n"
    )
    assert after.request_head.endswith(b"Upgrade: websocket\r\nX: REDACTED\r\n\r\n")
    assert after.response_head == before.response_head
    assert after.target == before.target


def test_plain_exchanges_hold_no_secrets(tmp_path: Path) -> None:
    exchange = HttpExchange(
        AT,
        AT + 1,
        "c:1",
        "s:1",
        f"http://s/?key={SECRET.decode()}",
        HEADS.request_head,
        PIN,
        HEADS.response_head,
        b"password=" + SECRET,
        len(PIN),
        9 + len(SECRET),
    )
    recorded(tmp_path / "r.db", in_frames(b""), exchange=exchange)
    with open_recording(str(tmp_path / "r.db")) as recording:
        (stored,) = recording.exchanges()
    assert json.loads(stored.exchange.request_body)["params"]["pin"] == "REDACTED"
    assert stored.exchange.request_body_length == len(PIN)


def test_changes_and_findings_are_where_they_belong(tmp_path: Path) -> None:
    recorded(tmp_path / "r.db", changed)
    with open_recording(str(tmp_path / "r.db")) as recording:
        first, second = recording.frames(1)
        replaced, *injected = recording.changes(1)
        found = [each.offset for each in recording.findings(1)]
        sent = b"".join(recording.stream_sent(1, SIDE))
    end = second.frame.offset + len(second.frame.serialize())
    assert (replaced.start_offset, replaced.end_offset) == (second.frame.offset, end)
    assert [(each.start_offset, each.end_offset) for each in injected] == [(end, end)] * 2
    assert found == [second.frame.offset + 2] * 2 + [None]
    expected = START.response_head + first.frame.serialize() + frame(TEXT, b"say REDACTED again!")
    assert sent.startswith(expected)


frames = st.builds(
    lambda opcode, payload, key: frame(opcode, payload, key=key),
    st.sampled_from([TEXT, BINARY, PING]),
    st.lists(st.sampled_from([SECRET, b"word ", b"x" * 100, b"{"]), max_size=3)
    .map(b"".join)
    .map(lambda p: p[:125]),
    st.sampled_from([None, KEY]),
)


@settings(max_examples=12)
@given(st.lists(frames, min_size=1, max_size=5), st.sampled_from([1, 5, 1000]))
def test_frames_without_secrets_are_byte_identical(
    tmp_path_factory: pytest.TempPathFactory, data: list[bytes], step: int
) -> None:
    place = tmp_path_factory.mktemp("redacted") / "r.db"
    recorded(place, dripping(b"".join(data), step), rules=("regex:hunter2[^\\s{]*",))
    with open_recording(str(place)) as recording:
        stored = [each.frame.serialize() for each in recording.frames(1)]
    assert len(stored) == len(data)
    for before, after in zip(data, stored, strict=True):
        if SECRET[:7] not in before and mask(SECRET)[:7] not in before and b"hunter" not in mask(before[6:]):
            assert after == before


def test_the_index_holds_no_secrets(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    recorded(place, in_frames(frame(TEXT, SAID)))
    connection = sqlite3.connect(place)
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        assert_clean(repr(connection.execute(f"select * from {table}").fetchall()).encode())
    connection.close()


def test_frames_behind_what_is_left_out_are_redacted_as_always(tmp_path: Path) -> None:
    junk, more = b"\r\n", b"\r\n\r\n"
    sent = junk + frame(TEXT, PIN) + more + frame(TEXT, SAID) + junk + frame(CLOSE, close(1000))

    def feed(session: SessionRecorder) -> None:
        places = ((0, junk), (sent.index(more), more), (sent.rindex(junk), junk))
        for start, what in places:
            end = start + len(what)
            changed = Changed(ChangeKind.DROPPED, SIDE, start, end, b"", ("stream.stray-line-end",))
            session.change(changed, AT)
        for start in range(0, len(sent), 9):
            session.receive_data(SIDE, sent[start : start + 9], AT)

    recorded(tmp_path / "r.db", feed)
    with open_recording(str(tmp_path / "r.db")) as recording:
        messages = [each.message.payload for each in recording.messages(1, SIDE)]
        assert json.loads(messages[0]) == {"params": {"pin": "REDACTED", "n": 1}}
        assert messages[1] == b"say REDACTED again"
        session = recording.session(1)
        assert session.end is not None
        assert session.end.close_code == 1000
        found = {(each.rule_id, each.repaired) for each in recording.findings(1, SIDE)}
        assert ("stream.stray-line-end", True) in found
        stream = b"".join(recording.stream(1, SIDE))[len(START.response_head) :]
        assert stream.startswith(junk + b"\x81")
        assert b"}" + more + b"\x81" in stream
