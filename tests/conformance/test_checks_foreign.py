"""Bytes that are no frame are recognised for what they are; bytes that may be one never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.build import CLOSE, KEY, PING, PONG, TEXT, client_frame, close, frame
from wsproxy.conformance.checks_foreign import foreign_bytes
from wsproxy.conformance.checks_stray import doubtful_rule
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame

FOREIGN = [
    ("stream.http-bytes", b"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", 36, "HTTP/1.1 204 No Content"),
    ("stream.http-bytes", b"HTTP/1.1 500 Oops\r\n\r\n\x81\x00", 21, "500 Oops"),
    ("stream.http-bytes", b"HTTP/1.", 7, "HTTP/1."),
    ("stream.http-bytes", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, "GET / HTTP/1.1"),
    ("stream.http-bytes", b"POST /x HTTP/1.1\nHost: a\n\n", 26, "POST /x"),
    ("stream.http-bytes", b"GET /as/sys", 11, "GET /as/sys"),
    ("stream.tls-bytes", bytes.fromhex("160303002a") + bytes(42) + b"\x81\x00", 47, "handshake record of 42"),
    ("stream.tls-bytes", bytes.fromhex("1503030002 0228"), 7, "alert"),
    ("stream.tls-bytes", bytes.fromhex("17030300ff 00"), 6, "application data"),
    ("stream.chunk-size", b"5\r\n\x81\x03abc\r\n", 3, "chunk of 5 bytes"),
    ("stream.chunk-size", b"1a; ext=1\r\n\x81", 11, "chunk of 26 bytes"),
    ("stream.chunk-size", b"0\r\n\r\n", 3, "last HTTP chunk"),
    ("stream.chunk-size", b"A\r\n\x81\x08abcdefgh\r\n", 3, "chunk of 10 bytes"),
    ("stream.stray-line-end", b"\r\n\x81\x05", 2, "1 CR LF"),
    ("stream.stray-line-end", b"\r\n\r\n", 4, "2 CR LF"),
    ("stream.stray-line-end", b"\r\n5\r\n\x81", 2, "1 CR LF"),
    ("stream.stray-line-end", b"\r\n\x91\x05Hello", 2, "1 CR LF"),
    ("stream.stray-line-end", b"\r\n\x00\x01", 2, "1 CR LF"),
    ("stream.chunk-size", b"7\r\n\x91\x05Hello\r\n", 3, "chunk of 7 bytes"),
    ("stream.stray-line-end", b"\r\x81\x05Hello", 1, "between"),
    ("stream.stray-line-end", b"\r\r\0\x81\x05Hello", 3, "between"),
    ("stream.handshake-bytes", b"HTTP/1.1 101 x\r\nA: b\r\n\r\n\x81\x00", 24, "another opening response"),
    ("stream.handshake-bytes", b"hello\r\nHTTP/1.1 101 x\r\n\r\n\x81\x00", 25, "another opening"),
    ("stream.handshake-bytes", b"X-Last: y\r\nZ: a\n\r\n\x81\x00", 18, "lines of a head"),
    ("stream.stray-space", b" \x81\x05Hello", 1, "' ' between"),
    ("stream.stray-space", b" \t \r\n\x88\x00", 5, "between"),
    ("stream.stray-space", b"\t\x81\x05Hello", 1, "between"),
    ("stream.stray-zero", b"\x00\x81\x05Hello", 1, "zero byte"),
    ("stream.stray-zero", b"\x00\r\n\x81\x05Hello", 1, "zero byte"),
    ("stream.stray-line-end", b"\r\n\x00\x81\x05Hello", 2, "CR LF"),
    ("stream.byte-order-mark", b"\xef\xbb\xbf\x81\x05Hello", 3, "byte order mark"),
    ("stream.bare-text", b'{"a": "b"}', 10, "without a frame"),
    ("stream.bare-text", b"<message/>\x81\x05Hello", 10, "without a frame"),
    ("stream.bare-text", b'{"a": "b"}\x81\x40' + b"x" * 64, 10, "without a frame"),
    ("stream.bare-text", b"Warning: fread() failed in ws.php\x81\x00", 33, "without a frame"),
    ("stream.bare-text", b"OK\r\n\x81\x05Hello", 4, "without a frame"),
    ("stream.bare-text", b"PHP Notice:  Undefined offset: 1", 32, "without a frame"),
    ("stream.bare-text", b'<?xml version="1.0"?><a/>\x81\x00', 25, "without a frame"),
    ("stream.bare-text", '["\u00e9\u4e2d"]'.encode() + b"\xe4\xb8", 9, "without a frame"),
]

MAY_BE_FRAMES = [
    "",
    "00",
    "00 00",
    "00 05 48 65 6C 6C 6F",
    "00 01 61 80 01 62",
    "20",
    "20 20",
    "20 05 48 65 6C 6C 6F",
    "20 80 11 22 33 44",
    "09 05 48 65 6C 6C 6F 81 00",
    "09 20 81 05",
    "EF BB",
    "71 20 74 65 78 74 20 61 6E 64 20 6D 6F 72 65 20 74 65 78 74",
    "01 05 48 65 6C 6C 6F",
    "09 80 11 22 33 44",
    "0A 80 11 22 33 44",
    "41 0D 0A 81",
    "42 0A 0D",
    "47 45",
    "48 65 6C 6C 6F",
    "7B 05 00 01 02 03 04",
    "16 03",
    "30 0D",
    "C1 05 F3 48 CD C9 07",
]


@pytest.mark.parametrize(("rule_id", "data", "length", "words"), FOREIGN)
def test_foreign_bytes_are_recognised(rule_id: str, data: bytes, length: int, words: str) -> None:
    found = foreign_bytes(data)
    assert found is not None
    assert (found.rule_id, found.length) == (rule_id, length)
    assert words in found.detail
    assert rule_id in RULES


@pytest.mark.parametrize("text", MAY_BE_FRAMES)
def test_what_may_be_a_frame_is_left_alone(text: str) -> None:
    assert foreign_bytes(bytes.fromhex(text)) is None


@pytest.mark.parametrize("length", [0, 1, 2, 8, 9, 10, 13, 125])
def test_a_pong_without_fin_is_no_line_feed(length: int) -> None:
    assert foreign_bytes(frame(PONG, b"p" * length, fin=False) + b"\x81\x00", side=Side.SERVER) is None


def test_an_empty_pong_without_fin_that_a_server_masked_is_no_line_feed() -> None:
    pong = frame(PONG, fin=False, key=KEY)
    assert foreign_bytes(pong + b"\x81\x00", side=Side.SERVER) is None
    assert foreign_bytes(b"\n\x80\x05Hello", side=Side.SERVER, message_open=True) is not None


def test_a_zero_byte_may_continue_a_message() -> None:
    assert foreign_bytes(b"\x00\x81\x00\x00\x00\x00A", message_open=True) is None


def test_a_zero_byte_may_stand_before_a_frame_with_a_wrong_rsv_bit() -> None:
    found = foreign_bytes(b"\x00\x91\x05Hello", side=Side.SERVER)
    assert found is not None
    assert (found.rule_id, found.length) == ("stream.stray-zero", 1)
    assert foreign_bytes(b"\x00\x91\x01\x02\x03\x04Hello, all of you", side=Side.CLIENT) is None


@pytest.mark.parametrize(
    "data",
    [b"\0\x01\x05world", b"\0\r\n\r\n\x01\x0aworldworld", b"\0\x09\x01a\x81\x08worldwor"],
)
def test_what_a_zero_byte_is_does_not_depend_on_how_much_has_come(data: bytes) -> None:
    """It is told as soon as enough has come, and not before."""
    told = [foreign_bytes(data[:size], side=Side.SERVER) for size in range(1, len(data) + 1)]
    doubtful = [doubtful_rule(data[:size], Side.SERVER) for size in range(1, len(data) + 1)]
    first = next(n for n, found in enumerate(told) if found)
    assert all(found and found.rule_id == "stream.stray-zero" for found in told[first:])
    assert all(doubtful[1:first])
    assert not any(doubtful[first:])


def test_a_line_feed_may_begin_the_pong_of_a_client_only() -> None:
    assert foreign_bytes(b"\n\x81\x01\x02\x03\x04A", side=Side.CLIENT) is None
    found = foreign_bytes(b"\n\x81\x01A", side=Side.SERVER)
    assert found is not None
    assert (found.rule_id, found.length) == ("stream.stray-line-end", 1)


def test_white_space_stands_before_no_continuation_and_before_a_masked_frame_of_a_client() -> None:
    assert foreign_bytes(b" \x81\x05Hello", side=Side.SERVER, message_open=True) is None
    assert foreign_bytes(b" \x81\x05Hello", side=Side.CLIENT) is None
    assert foreign_bytes(b"\t\x81\x85\x01\x02\x03\x04Hello", side=Side.CLIENT) is None
    found = foreign_bytes(b"  \x81\x85\x01\x02\x03\x04Hello", side=Side.CLIENT)
    assert found is not None
    assert (found.rule_id, found.length) == ("stream.stray-space", 2)


@pytest.mark.parametrize(
    "behind",
    [client_frame(TEXT, b"hello"), client_frame(PING, b"p" * 125)],
    ids=["text", "ping"],
)
def test_a_line_feed_before_a_frame_of_a_client_is_told_by_what_a_pong_would_be_followed_by(
    behind: bytes,
) -> None:
    """It is told once enough has come, and nothing is taken for a frame before."""
    data = b"\n\n" + behind + client_frame(TEXT, b"hello")
    told = [foreign_bytes(data[:size], side=Side.CLIENT) for size in range(1, len(data) + 1)]
    first = next(n for n, found in enumerate(told) if found)
    assert all(
        found and (found.rule_id, found.length) == ("stream.stray-line-end", 2) for found in told[first:]
    )
    assert all(doubtful_rule(data[:size], Side.CLIENT) for size in range(4, first + 1))


def test_a_line_feed_before_the_close_of_a_client_is_told_at_once() -> None:
    found = foreign_bytes(b"\n" + client_frame(CLOSE, close(1000)), side=Side.CLIENT)
    assert found is not None
    assert (found.rule_id, found.length) == ("stream.stray-line-end", 1)


@pytest.mark.parametrize("key", [b"\x81\x82\x83\x84", b"\x01\x02\x03\x04"])
@pytest.mark.parametrize("length", [0, 1, 2, 9])
def test_a_pong_without_fin_of_a_client_is_no_line_feed(length: int, key: bytes) -> None:
    data = frame(PONG, b"p" * length, fin=False, key=key) + client_frame(TEXT, b"hello")
    assert not any(foreign_bytes(data[:size], side=Side.CLIENT) for size in range(1, len(data) + 1))
    assert doubtful_rule(data, Side.CLIENT) is None


@given(
    st.sampled_from([0x0, 0x1, 0x2]),
    st.binary(max_size=300),
    st.booleans(),
    st.sampled_from([0, 0b100]),
    st.none() | st.binary(min_size=4, max_size=4),
)
def test_a_data_frame_is_never_foreign(
    opcode: int, payload: bytes, fin: bool, rsv: int, key: bytes | None
) -> None:
    written = build_frame(opcode, payload, fin=fin, rsv=rsv if opcode else 0, masking_key=key)
    assert foreign_bytes(written.serialize(), message_open=opcode == 0) is None


@given(st.binary(max_size=64))
def test_what_is_foreign_is_there(data: bytes) -> None:
    found = foreign_bytes(data)
    assert found is None or 0 < found.length <= len(data)
