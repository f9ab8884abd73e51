"""What the normalizer leaves alone, how it cuts, and how much it keeps."""

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.conforming import conforming_sessions
from tests.conformance.normalizing import CLIENT, KEY, SERVER, Line, negotiated, profile
from tests.protocol.strategies import chunk_sizes
from tests.wire.build import BINARY, CONT, PING, TEXT, client_frame, frame
from tests.wire.handshakes import RESPONSE, request, response
from wsproxy.conformance.frame_writer import frame_header
from wsproxy.conformance.normalizer import Legs, Normalizer
from wsproxy.conformance.profiles import load_profile, packaged_profiles
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.handshake import parse_request_head, parse_response_head
from wsproxy.protocol.request_body import RequestBody

EXTENSIONS = (
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12",
)


@settings(max_examples=200)
@given(st.data(), st.sampled_from(EXTENSIONS), chunk_sizes, st.sampled_from([3, 40, 65536]))
def test_a_conforming_session_goes_on_byte_for_byte(data, extensions, sizes, piece_limit) -> None:
    agreed = negotiated(extensions)
    line = Line(legs=Legs.alike(agreed), piece_limit=piece_limit)
    for side, sent in data.draw(conforming_sessions(agreed.deflate)):
        line.send(side, sent, sizes)
    assert [out for out in line.out if out.kind != "relayed"] == []
    for side in Side:
        peer = line.peers[side]
        assert peer.error is None
        peer.messages()
        held = line.sent[side.other][line.marks[side.other] :]
        assert peer.received + held == line.sent[side.other]


@settings(max_examples=100)
@given(st.data(), st.sampled_from(EXTENSIONS), st.sampled_from(EXTENSIONS), chunk_sizes)
def test_messages_arrive_whatever_each_leg_agreed_on(data, agreed_by_client, agreed_by_server, sizes) -> None:
    legs = Legs(negotiated(agreed_by_client), negotiated(agreed_by_server))
    sender = data.draw(st.sampled_from(list(Side)))
    direct, line = Line(legs=Legs.alike(legs.of(sender))), Line(legs=legs)
    for side, sent in data.draw(conforming_sessions(legs.of(sender).deflate)):
        if side is sender:
            direct.send(side, sent)
            line.send(side, sent, sizes)
    receiver = line.peers[sender.other]
    assert receiver.error is None
    assert receiver.messages() == direct.peers[sender.other].messages()


@pytest.mark.parametrize("name", packaged_profiles())
def test_a_plain_session_is_not_touched_by_any_profile(name: str) -> None:
    line = Line(load_profile(name))
    greeting = frame(TEXT, b'{"hello": "world"}') + frame(BINARY, bytes(300))
    assert line.send(SERVER, greeting) == greeting
    answer = client_frame(TEXT, "é".encode()) + client_frame(BINARY, b"")
    assert line.send(CLIENT, answer) == answer
    assert {out.kind for out in line.out} == {"relayed"}


def test_a_large_frame_is_not_held() -> None:
    line = Line()
    data = frame(BINARY, bytes(1 << 20))
    assert line.send(SERVER, data[:70_000]) == data[:70_000]
    assert line.send(SERVER, data[70_000:]) == data[70_000:]


def test_a_frame_goes_on_in_one_piece() -> None:
    line = Line()
    data = frame(TEXT, b"hello")
    for byte in data[:-1]:
        assert line.send(SERVER, bytes([byte])) == b""
    assert line.send(SERVER, data[-1:]) == data
    assert len(line.out) == 1


def test_frames_of_one_chunk_go_on_as_one_piece() -> None:
    line = Line()
    line.send(SERVER, frame(TEXT, b"a") * 50)
    assert len(line.out) == 1


@given(
    st.integers(0, 15),
    st.one_of(st.integers(0, 300), st.sampled_from([65535, 65536, (1 << 63) - 1])),
    st.booleans(),
    st.integers(0, 7),
    st.none() | st.binary(min_size=4, max_size=4),
)
def test_headers_are_what_the_grammar_makes_of_them(opcode, length, fin, rsv, key) -> None:
    expected = RFC6455.build_header(opcode, length, fin=fin, rsv=rsv, masking_key=key)
    assert frame_header(opcode, length, fin, rsv, key) == expected


def test_what_is_kept_is_bounded() -> None:
    line = Normalizer(
        profile(hold_limit=1 << 16), Legs.alike(negotiated("permessage-deflate")), masking_key=lambda: KEY
    )
    compressor = zlib.compressobj(wbits=-15)
    junk = [
        frame(TEXT, b"x" * 100, fin=False),
        frame(BINARY, b"y" * 100),
        frame(PING, b"p" * 125),
        frame(TEXT, compressor.compress(bytes(9000)) + compressor.flush(zlib.Z_SYNC_FLUSH), fin=False, rsv=4),
        frame(CONT, b"\xe4\xb8", fin=False, rsv=4),
        b"\x00\x81",
        b"\r\n",
    ]
    for data in junk:
        line.receive_data(SERVER, data * 20, 1)
    tracemalloc.start()
    try:
        for _ in range(40):
            for data in junk:
                line.receive_data(SERVER, data * 20, 1)
                line.receive_data(CLIENT, data * 20, 1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3_000_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "junk",
    [b"\x00\x81\x00", b"\r\n", b"\x00", b"5\r\n", b"\x81\x01\xff", b"\x01\x01\xe4", b"\xc1\x00", b"\x89\x00"],
)
def test_no_junk_takes_long(junk: bytes) -> None:
    normalizer = Normalizer(load_profile("strict"), Legs(), masking_key=lambda: KEY)
    for _ in range(2):
        normalizer.receive_data(SERVER, junk * (65536 // len(junk)), 1)
    normalizer.receive_eof(SERVER, 1)


@pytest.mark.parametrize("sizes", [(), (1,), (3,)])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize(
    ("announced", "body"),
    [(b"Content-Length: 5", b"hello"), (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n")],
)
def test_a_body_of_the_request_that_comes_late_does_not_go_on(announced, body, late, sizes) -> None:
    line = Line(bodies={CLIENT: RequestBody(parse_request_head(request(announced)))})
    frames = client_frame(TEXT, b"hello") + client_frame(TEXT, b"again")
    assert line.send(CLIENT, (body if late else b"") + frames, sizes) == frames
    assert line.rules(CLIENT) == ["handshake.request.body"] * len(line.rules(CLIENT))
    assert bool(line.rules(CLIENT)) is late


@pytest.mark.parametrize("sizes", [(), (1,), (2,)])
@pytest.mark.parametrize("body", [b"OK", b"<html>it works</html>", b""])
def test_a_body_behind_the_101_does_not_go_on(body: bytes, sizes: tuple[int, ...]) -> None:
    line = Line(
        bodies={SERVER: RequestBody(parse_response_head(response(b"Content-Length: %d" % len(body))))}
    )
    frames = frame(TEXT, b"hello") + frame(TEXT, b"again")
    assert line.send(SERVER, body + frames, sizes) == frames
    assert set(line.rules(SERVER)) <= {"handshake.response.body"}
    assert bool(line.rules(SERVER)) is bool(body)


def test_a_body_that_the_101_only_announces_is_not_waited_for() -> None:
    line = Line(bodies={SERVER: RequestBody(parse_response_head(response(b"Content-Length: 9")))})
    assert line.send(SERVER, frame(TEXT, b"hello")) == frame(TEXT, b"hello")


@pytest.mark.parametrize("size", [1, 3, 20, 50, 1 << 16])
@pytest.mark.parametrize(
    ("side", "stray"),
    [
        (SERVER, RESPONSE),
        (SERVER, b"\n"),
        (SERVER, b"\r"),
        (SERVER, b"\r\n\r\n\n"),
        (CLIENT, b"\r"),
        (CLIENT, b"Sec-WebSocket-Version: 13\r\nX-Last: y\r\n\r\n"),
        (CLIENT, b"Authorization: Basic YWRtaW4=\nX-Last: y\n\n"),
    ],
)
def test_what_the_opening_handshake_left_does_not_go_on(side: Side, stray: bytes, size: int) -> None:
    line = Line()
    key = KEY if side is CLIENT else None
    first, second = frame(TEXT, b"hello", key=key), frame(TEXT, b"again", key=key)
    assert line.send(side, stray + first + second, (size,)) == first + second
    if stray == RESPONSE:
        again = Line()
        assert again.send(side, first + stray + second, (size,)) == first + second


def test_a_line_of_text_before_the_101_does_not_go_on_either() -> None:
    frames = frame(TEXT, b"hello")
    assert Line().send(SERVER, b"device ready\r\n" + RESPONSE + frames) == frames


def test_another_answer_in_the_stream_still_ends_the_session() -> None:
    line = Line()
    sent = line.send(SERVER, RESPONSE.replace(b" 101", b" 500"), (1,))
    assert sent.startswith(b"\x88")
    assert "stream.http-bytes" in line.rules(SERVER)
