"""The body behind an upgrade request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.build import lines
from wsproxy.protocol.heads import RequestHead, parse_request_head
from wsproxy.protocol.request_body import RequestBody

CHUNKED = b"Transfer-Encoding: gzip, chunked"


def head(*fields: bytes) -> RequestHead:
    return parse_request_head(lines(b"GET / HTTP/1.1", *fields))


def size(body: RequestBody, *data: bytes) -> int:
    return sum(map(body.receive_data, data))


@pytest.mark.parametrize(
    ("fields", "data", "wanted"),
    [
        ((), b"frames", 0),
        ((b"Content-Length: 5",), b"helloframes", 5),
        ((b"Content-Length: 5",), b"hel", 3),
        ((b"Content-Length: -5",), b"hello", 0),
        ((b"Content-Length: 5, 5",), b"hello", 0),
        ((b"Content-Length: 5", CHUNKED), b"0\r\n\r\nframes", 5),
        ((b"Transfer-Encoding: chunked, gzip",), b"0\r\n\r\n", 0),
        ((CHUNKED,), b"3\nabc\n0\n\n\x81\x00", 9),
        ((CHUNKED,), b"3\r\nabcd\r\n", 6),
        ((CHUNKED,), b"\x81\x80abcd", 0),
        ((CHUNKED,), b"1\r\n\x81\r\n\x81\x80abcd", 6),
        ((CHUNKED,), b"fffffffffffffffff\r\n", 0),
    ],
)
def test_how_much_belongs_to_it(fields: tuple[bytes, ...], data: bytes, wanted: int) -> None:
    assert size(RequestBody(head(*fields)), data) == wanted


def test_it_is_bounded() -> None:
    assert size(RequestBody(head(b"Content-Length: 999999999"), limit=100), bytes(60), bytes(60)) == 100
    assert size(RequestBody(head(CHUNKED), limit=100), b"ffffffff\r\n", bytes(200)) == 100


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=4),
    st.sampled_from([b"", b"A: b\r\n"]),
    st.binary(max_size=20),
    st.lists(st.integers(1, 7), max_size=40),
)
def test_chunks_end_at_the_same_byte_in_any_cutting(
    chunks: list[bytes], trailer: bytes, behind: bytes, cuts: list[int]
) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"
    rest = body + behind
    pieces = []
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert size(RequestBody(head(CHUNKED)), *pieces, rest) == len(body)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_whatever_comes_it_never_raises_nor_takes_more_than_came(data: bytes, cut: int) -> None:
    body = RequestBody(head(CHUNKED))
    first = body.receive_data(data[:cut])
    assert 0 <= first <= len(data[:cut])
    assert 0 <= body.receive_data(data[cut:]) <= len(data[cut:])
