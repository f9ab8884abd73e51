"""What was fed in comes out again, byte for byte, whatever it was and however it was cut."""

import tempfile
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.strategies import masking_keys, piece_limits, streams
from tests.store.recording import AT, HELLO, REQUEST, RESPONSE, START, read_streams, record_session
from tests.wire.build import frame
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side
from wsproxy.protocol.grammar import load_dialect
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import Session
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import SessionState, TcpEnd
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.session_recorder import SessionRecorder

MASKED_HELLO = bytes.fromhex("8185 37fa213d 7f9f4d5158")
DEFLATE_RESPONSE = RESPONSE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

large_frames = st.builds(
    lambda size, key, opcode, fin: frame(opcode, bytes(size), fin=fin, key=key),
    st.integers(1000, 4000),
    masking_keys,
    st.integers(0, 2),
    st.booleans(),
)
no_frames = st.binary(max_size=300).map(lambda data: b"\x82\x7f\xff" + bytes(7) + data)
wire_bytes = st.lists(st.one_of(streams, large_frames, no_frames), max_size=3).map(b"".join)


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[Side, bytes]]:
    """What both sides send, cut anywhere, in any order of the two."""
    cut: list[list[tuple[Side, bytes]]] = []
    for side in Side:
        data = draw(wire_bytes)
        places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
        cut.append([(side, data[a:b]) for a, b in zip([0, *places], [*places, len(data)], strict=True)])
    order = draw(st.permutations([side for side, chunks in zip(Side, cut, strict=True) for _ in chunks]))
    left = {side: iter(chunks) for side, chunks in zip(Side, cut, strict=True)}
    return [next(left[side]) for side in order]


def expected(
    chunks: list[tuple[Side, bytes]], session: Session
) -> dict[Side, tuple[list[Frame | FramePiece | OpaqueData], list[Message]]]:
    """What decoding the same bytes yields: events and messages of each side."""
    seen = {
        side: [e for s, data in chunks if s is side for e in session.receive_data(s, data, AT)]
        for side in Side
    }
    for side in Side:
        seen[side] += session.receive_eof(side, AT)
    return {
        side: (
            [e for e in seen[side] if not isinstance(e, Message)],
            [e for e in seen[side] if isinstance(e, Message)],
        )
        for side in Side
    }


def end_both(session: SessionRecorder) -> None:
    for side in Side:
        session.receive_eof(side, "fin", AT)


@settings(max_examples=60)
@given(
    chunks=conversations(),
    piece_limit=piece_limits,
    slice_size=st.sampled_from([1, 7, 200, 65536]),
    batch_size=st.sampled_from([1, 1 << 20]),
    response=st.sampled_from([RESPONSE, DEFLATE_RESPONSE]),
    dialect=st.sampled_from(["rfc6455", "rfc6455", "len32", "hixie76"]),
)
def test_any_session_is_read_as_it_was_received(
    chunks: list[tuple[Side, bytes]],
    piece_limit: int,
    slice_size: int,
    batch_size: int,
    response: bytes,
    dialect: str,
) -> None:
    if sum(len(data) for _, data in chunks) > 1000:
        piece_limit, slice_size = max(piece_limit, 100), max(slice_size, 200)
    start = replace(START, response_head=response, server_dialect=dialect)
    limits = WriterLimits(piece_limit=piece_limit, slice_size=slice_size, batch_size=batch_size)
    sliced = [
        (side, data[at : at + slice_size]) for side, data in chunks for at in range(0, len(data), slice_size)
    ]
    session = Session(dialects={Side.SERVER: load_dialect(dialect)}, piece_limit=piece_limit)
    session.handshake(REQUEST, response)
    wanted = expected(sliced, session)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "recording.db"
        record_session(place, chunks, limits=limits, start=start, then=end_both)
        with open_recording(str(place)) as recording:
            for side in Side:
                check_side(recording, side, chunks, *wanted[side])


def check_side(
    recording: Recording,
    side: Side,
    chunks: list[tuple[Side, bytes]],
    events: list[Frame | FramePiece | OpaqueData],
    messages: list[Message],
) -> None:
    stored = recording.session(1)
    head = stored.start.request_head if side is Side.CLIENT else stored.start.response_head
    received = b"".join(data for sender, data in chunks if sender is side)
    assert b"".join(recording.stream(1, side)) == b"".join(recording.stream_sent(1, side)) == head + received
    assert [event.event for event in recording.events(1, side)] == events
    frames = [event for event in events if isinstance(event, Frame)]
    assert [frame.frame for frame in recording.frames(1, side)] == frames
    # Those that were given up come late, but belong where they end.
    messages.sort(key=lambda message: message.end_offset)
    assert [message.message for message in recording.messages(1, side)] == messages
    counts = stored.counts(side)
    assert (counts.frames, counts.messages, counts.received_bytes) == (
        len(frames),
        len(messages),
        len(received),
    )
    assert received.endswith(recording.tail(1, side))


def test_a_session_is_read_as_it_was_recorded(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    chunks = [(Side.CLIENT, MASKED_HELLO), (Side.SERVER, HELLO + b"\x88\x04\x03\xe8ok")]
    record_session(place, chunks, then=lambda session: session.receive_eof(Side.SERVER, "fin", AT))
    with open_recording(str(place)) as recording:
        (session,) = recording.sessions()
        assert session == recording.session("last") == recording.session(1) == recording.session("1")
        assert (session.id, session.state, session.start) == (1, SessionState.ENDED, START)
        end = session.end
        assert end is not None
        assert (end.close_code, end.close_reason, end.closed_by) == (1000, "ok", Side.SERVER)
        assert (end.client_end, end.server_end) == (TcpEnd.OPEN, TcpEnd.FIN)
        assert end.ended_at_ns == AT + 2
        assert session.last_at_ns == AT + 1
        assert [(m.side, m.message.payload) for m in recording.messages(1)] == [
            (Side.CLIENT, b"Hello"),
            (Side.SERVER, b"Hello"),
        ]
        assert [(f.at_ns, f.frame.opcode) for f in recording.frames(1)] == [(AT, 1), (AT + 1, 1), (AT + 1, 8)]
        assert b"".join(recording.stream(1, Side.CLIENT)) == REQUEST + MASKED_HELLO


def test_events_go_on_after_any_of_them(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(
        place,
        [(Side.CLIENT, HELLO * 300), (Side.SERVER, HELLO), (Side.CLIENT, HELLO)],
    )
    with open_recording(str(place)) as recording:
        events = list(recording.events(1))
        assert len(events) == 302
        assert [event.side for event in events[-2:]] == [Side.SERVER, Side.CLIENT]
        assert list(recording.events(1, after=events[149].id)) == events[150:]
        frames = list(recording.frames(1))
        assert list(recording.frames(1, after=frames[299].id)) == frames[300:]
        messages = list(recording.messages(1))
        assert list(recording.messages(1, after=messages[10].id)) == messages[11:]
        assert [message.id for message in messages] == [frame.id for frame in frames]


@pytest.mark.parametrize("sizes", [(70_000,), (200_000,), (1 << 20,), ((1 << 20) + 1,)])
def test_a_large_message_is_kept_once(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    place = tmp_path / "recording.db"
    payload = b"payload " * (sizes[0] // 8) + b"x" * (sizes[0] % 8)
    data = frame(2, payload, key=b"key!")
    record_session(place, [(Side.CLIENT, data[at : at + 65536]) for at in range(0, len(data), 65536)])
    assert place.stat().st_size < len(payload) * 1.4 + 400_000
    with open_recording(str(place)) as recording:
        (stored,) = recording.messages(1)
        assert stored.message.length == len(payload)
        assert stored.message.payload == payload[: 1 << 20]
        assert stored.message.truncated is (len(payload) > 1 << 20)
        (cut,) = recording.messages(1, limit=100)
        assert (cut.message.payload, cut.message.truncated) == (payload[:100], True)
        assert b"".join(recording.payload(stored.id)) == payload


def test_an_assembled_message_is_kept_up_to_the_limit(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    data = frame(1, b"0123456789", fin=False) + frame(0, b"abcdefghij") + frame(1, b"single frame")
    record_session(place, [(Side.SERVER, data)], limits=WriterLimits(message_limit=12))
    with open_recording(str(place)) as recording:
        assembled, single = (stored.message for stored in recording.messages(1))
        assert (assembled.payload, assembled.length, assembled.truncated) == (b"0123456789ab", 20, True)
        assert single.payload == b"single frame"
    assert read_streams(place)[Side.SERVER] == data


def test_the_payload_of_a_frame_cut_short_is_what_came_of_it(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    data = frame(2, bytes(300_000))[:150_000]
    record_session(place, [(Side.SERVER, data), (Side.CLIENT, HELLO)])
    with open_recording(str(place)) as recording:
        first, second = recording.frames(1)
        assert b"".join(recording.payload(first.id)) == bytes(150_000 - 10)
        assert b"".join(recording.payload(second.id)) == b"Hello"
        assert list(recording.payload(second.id + 1)) == []
        assert [message.message.payload for message in recording.messages(1)] == [b"Hello"]


def test_findings_are_kept(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"

    def find(session: SessionRecorder) -> None:
        session.finding("frame.masked-by-server", "key 00", Side.SERVER, 12, AT, repaired=True)
        session.finding("handshake", "odd\0 \ud800", Side.CLIENT, None, AT)

    record_session(place, [], then=find)
    with open_recording(str(place)) as recording:
        found = [(f.side, f.rule_id, f.detail, f.offset, f.repaired) for f in recording.findings(1)]
    assert found == [
        (Side.SERVER, "frame.masked-by-server", "key 00", 12, True),
        (Side.CLIENT, "handshake", "odd\\x00 \\ud800", None, False),
    ]


def test_text_that_no_database_takes_is_kept_in_another_form(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    start = replace(START, target="ws://device/\ud800\0", subprotocol="odd\0", request_head=b"\0\xff")
    record_session(place, [(Side.SERVER, b"\x88\x05\x03\xe8a\0b")], start=start)
    with open_recording(str(place)) as recording:
        session = recording.session(1)
        assert (session.start.target, session.start.subprotocol) == ("ws://device/\\ud800\\x00", "odd\\x00")
        assert session.start.request_head == b"\0\xff"
        assert session.end.close_reason == "a\\x00b"


def test_heads_as_sent_are_kept_where_they_differ(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO)], start=replace(START, request_head_sent=b"other"))
    record_session(place, [], start=replace(START, response_head_sent=b"another"))
    with open_recording(str(place)) as recording:
        assert b"".join(recording.stream_sent(1, Side.CLIENT)) == b"other"
        assert b"".join(recording.stream_sent(1, Side.SERVER)) == RESPONSE + HELLO
        assert b"".join(recording.stream_sent(2, Side.CLIENT)) == REQUEST
        assert b"".join(recording.stream_sent(2, Side.SERVER)) == b"another"
        assert b"".join(recording.stream(2, Side.SERVER)) == RESPONSE


def test_sessions_recorded_side_by_side_do_not_mix(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.CLIENT, frame(2, bytes([n]))) for n in range(200)])
    for _ in range(2):
        record_session(place, [(Side.SERVER, HELLO)])
    with open_recording(str(place)) as recording:
        assert [session.id for session in recording.sessions()] == [1, 2, 3]
        assert len(list(recording.frames(1))) == 200
        assert len(list(chain(recording.frames(2), recording.frames(3)))) == 2
        assert recording.session("last").id == 3
