"""Session: both sides of a connection, each with its dialect and its compression."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
from tests.protocol.strategies import chunk_sizes, streams
from tests.protocol.wire_events import cut, serialized, whole
from tests.wire.build import BINARY, CLOSE, CONT, PING, TEXT, client_frame, close, frame, lines, words
from tests.wire.handshakes import REQUEST, RESPONSE, SWITCHING
from tests.wire.heads import REQUESTS, RESPONSES
from wsproxy.errors import UsageError
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side
from wsproxy.protocol.grammar import HIXIE76, LEN32
from wsproxy.protocol.handshake import Negotiated
from wsproxy.protocol.message import Message
from wsproxy.protocol.session import CloseSeen, Session, SessionEvent

RSV1 = 4
DEFLATE = lines(SWITCHING, b"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover")


def messages(events: Sequence[SessionEvent]) -> list[Message]:
    return [event for event in events if isinstance(event, Message)]


def whole_frames(events: Sequence[SessionEvent]) -> list[Frame | OpaqueData]:
    return whole(event for event in events if not isinstance(event, Message))


def wire(events: Sequence[SessionEvent]) -> bytes:
    return serialized(event for event in events if not isinstance(event, Message))


def test_sky_q_story() -> None:
    session = Session()
    session.handshake(REQUEST, RESPONSE)
    status = words(1703)
    data = bytes.fromhex("817e06a7") + status
    received, message = session.receive_data(Side.SERVER, data, 1)
    assert received == Frame(0, data[:4], True, 0, TEXT, None, 1703, status)
    assert message == Message(TEXT, status, 1703, 1, False, 0, 1707)
    assert (session.pending(Side.SERVER), session.opaque(Side.SERVER), session.close) == (b"", False, None)


def test_message_stands_behind_its_last_frame_or_piece() -> None:
    session = Session(piece_limit=4)
    data = frame(TEXT, b"ab", fin=False) + frame(PING) + frame(CONT, b"cdefgh") + frame(BINARY, b"x")
    events = session.receive_data(Side.SERVER, data, 1)
    kinds = [type(event) for event in events]
    assert kinds == [Frame, Frame, Frame, FramePiece, Message, Frame, Message]
    assert [message.payload for message in messages(events)] == [b"abcdefgh", b"x"]
    assert wire(events) == data


def test_sides_are_apart() -> None:
    session = Session()
    assert session.receive_data(Side.CLIENT, client_frame(TEXT, b"Hel", fin=False), 1)[1:] == []
    assert messages(session.receive_data(Side.SERVER, frame(TEXT, b"whole"), 2))[0].payload == b"whole"
    assert messages(session.receive_data(Side.CLIENT, client_frame(CONT, b"lo"), 3))[0].payload == b"Hello"


def test_handshake_says_what_was_negotiated() -> None:
    session = Session()
    extensions = "permessage-deflate; client_no_context_takeover"
    parameters = DeflateParameters(client_no_context_takeover=True)
    assert session.handshake(REQUEST, DEFLATE) == Negotiated(None, extensions, parameters)
    assert session.request is not None
    assert session.request.raw == REQUEST
    assert session.response is not None
    assert session.response.raw == DEFLATE


def test_compression_of_each_side() -> None:
    session = Session(message_limit=30)
    session.handshake(REQUEST, DEFLATE)
    text = words(100)
    server, client = Compressor(), Compressor()
    for turn in range(2):
        [from_server] = messages(
            session.receive_data(Side.SERVER, frame(TEXT, server.compress(text), rsv=RSV1), 1)
        )
        [from_client] = messages(
            session.receive_data(Side.CLIENT, client_frame(TEXT, client.compress(text), rsv=RSV1), 1)
        )
        assert from_server[1:3] == from_client[1:3] == (text[:30], 100)
        assert from_server.error is None
        assert bool(from_client.error) == (turn == 1)


def test_no_response_head() -> None:
    session = Session()
    assert session.handshake(REQUEST, b"") == Negotiated()
    assert messages(session.receive_data(Side.SERVER, frame(TEXT, b"at once"), 1))[0].payload == b"at once"


def test_handshake_comes_first() -> None:
    session = Session()
    session.receive_data(Side.CLIENT, b"\x81", 1)
    with pytest.raises(UsageError, match="before receive_data"):
        session.handshake(REQUEST, RESPONSE)


@pytest.mark.parametrize(("piece_limit", "message_limit"), [(0, 1), (1, -1)])
def test_limits_that_make_no_sense(piece_limit: int, message_limit: int) -> None:
    with pytest.raises(UsageError):
        Session(piece_limit=piece_limit, message_limit=message_limit)


def test_dialect_of_each_side() -> None:
    session = Session(dialects={Side.SERVER: LEN32, Side.CLIENT: HIXIE76})
    payload = words(70_000)
    received = session.receive_data(Side.SERVER, b"\x81\x7f\x00\x01\x11\x70" + payload, 1)
    assert messages(received)[0].payload == payload
    assert messages(session.receive_data(Side.CLIENT, b"\x00Hello\xff", 1))[0].payload == b"Hello"


def test_dialect_of_one_side_only() -> None:
    session = Session(dialects={Side.CLIENT: HIXIE76})
    assert messages(session.receive_data(Side.SERVER, frame(TEXT, b"Hello"), 1))[0].payload == b"Hello"


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        pytest.param(close(1000, b"done"), 1000, "done", id="RFC 6455 5.5.1"),
        pytest.param(b"", None, "", id="empty"),
        pytest.param(b"\x03", None, "\x03", id="one byte"),
        pytest.param(close(1005), 1005, "", id="K17"),
        pytest.param(b"1001", 0x3130, "01", id="K01"),
        pytest.param(close(1000, b"\xe4\xb8"), 1000, "\ufffd", id="K14"),
        pytest.param(close(1000, b"r" * 200), 1000, "r" * 200, id="C06"),
    ],
)
def test_close(payload: bytes, code: int | None, reason: str) -> None:
    session = Session()
    session.receive_data(
        Side.SERVER, frame(PING, b"a") + frame(CLOSE, payload) + frame(CLOSE, close(1001)), 7
    )
    session.receive_data(Side.CLIENT, client_frame(CLOSE, close(1002)), 8)
    assert session.close == CloseSeen(Side.SERVER, 7, code, reason)


def test_close_too_large_to_be_one() -> None:
    session = Session(piece_limit=10)
    session.receive_data(Side.SERVER, frame(CLOSE, close(1000, b"far too long")), 7)
    assert session.close is None


def test_end_of_a_side() -> None:
    session = Session()
    session.receive_data(Side.SERVER, frame(TEXT, b"Hel", fin=False) + b"\x80", 1)
    assert session.pending(Side.SERVER) == b"\x80"
    [left] = session.receive_eof(Side.SERVER, 2)
    assert (left.payload, left.error) == (b"Hel", "unfinished: the stream ended")
    assert session.receive_eof(Side.SERVER, 3) == []
    assert session.ends == {Side.SERVER: 2}


def test_opaque() -> None:
    session = Session()
    data = b"\x81\x7f" + b"\xff" * 20
    events = session.receive_data(Side.SERVER, data, 1)
    assert [type(event) for event in events] == [OpaqueData]
    assert wire(events) == data
    assert (session.opaque(Side.SERVER), session.opaque(Side.CLIENT)) == (True, False)


@given(
    st.sampled_from([vector.raw for vector in REQUESTS]),
    st.sampled_from([DEFLATE, *(vector.raw for vector in RESPONSES)]),
    streams,
    chunk_sizes,
    st.sampled_from(list(Side)),
)
def test_cutting_changes_nothing(
    request: bytes, response: bytes, data: bytes, sizes: list[int], side: Side
) -> None:
    uncut, pieces = Session(), Session()
    assert uncut.handshake(request, response) == pieces.handshake(request, response)
    at_once = uncut.receive_data(side, data, 1)
    in_pieces = [event for chunk in cut(data, sizes) for event in pieces.receive_data(side, chunk, 1)]
    assert messages(in_pieces) == messages(at_once)
    assert whole_frames(in_pieces) == whole_frames(at_once)
    assert wire(at_once) + uncut.pending(side) == data
    assert (uncut.close, uncut.opaque(side)) == (pieces.close, pieces.opaque(side))
    assert uncut.receive_eof(side, 2) == pieces.receive_eof(side, 2)
