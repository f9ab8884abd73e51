"""HeadReader: the same head however the stream was cut, decided from as few bytes as will do."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.head_strategies import heads
from tests.protocol.strategies import chunk_sizes
from tests.protocol.wire_events import cut
from tests.wire.handshakes import REQUEST, RESPONSE
from tests.wire.heads import HEADLESS, REQUESTS, RESPONSES, HeadlessVector, RequestVector, ResponseVector
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.head_reader import HEAD_LIMIT, HeadReader

FRAME = b"\x81\x02hi"

whole_requests = [
    vector for vector in REQUESTS if vector.raw.strip() and vector.name not in ("method-only", "cut-off")
]
whole_responses = [
    vector
    for vector in RESPONSES
    if vector.raw.endswith((b"\n\n", b"\n\r\n", b"\n \t\r\n")) and vector.name != "interim-alone"
]


def read(reader: HeadReader, chunks: Iterable[bytes]) -> tuple[bytes | None, bytes, str | None]:
    """The head, everything behind it (or all there is, if it is not decided) and the reason for no head."""
    left = iter(chunks)
    for chunk in left:
        if reader.receive_data(chunk) is not None:
            break
    rest = reader.pending if reader.head is None else reader.rest + b"".join(left)
    return reader.head, rest, reader.reason


@pytest.mark.parametrize("sizes", [[1 << 20], [1], [3, 0, 5]], ids=["whole", "bytes", "uneven"])
@pytest.mark.parametrize("vector", whole_requests, ids=lambda vector: vector.name)
def test_request(vector: RequestVector, sizes: list[int]) -> None:
    head, _, blank = (
        vector.raw.partition(b"\r\n\r\n") if vector.name == "hixie-76" else (vector.raw, b"", b"")
    )
    whole = head + b"\r\n\r\n" if blank else head
    assert read(HeadReader(Side.CLIENT), cut(vector.raw + FRAME, sizes)) == (whole, blank + FRAME, None)


@pytest.mark.parametrize("sizes", [[1 << 20], [1], [3, 0, 5]], ids=["whole", "bytes", "uneven"])
@pytest.mark.parametrize("vector", whole_responses, ids=lambda vector: vector.name)
def test_response(vector: ResponseVector, sizes: list[int]) -> None:
    reader = HeadReader(Side.SERVER)
    assert read(reader, cut(vector.raw + FRAME, sizes)) == (vector.raw, FRAME, None)
    assert not reader.headless
    assert reader.pending == b""


@pytest.mark.parametrize("vector", HEADLESS, ids=lambda vector: vector.name)
def test_frames_without_a_head(vector: HeadlessVector) -> None:
    waiting, deciding = vector.data[: vector.decided_after - 1], vector.data[: vector.decided_after]
    assert read(HeadReader(Side.SERVER), [waiting]) == (None, waiting, None)
    for sizes in ([1], [len(vector.data)]):
        reader = HeadReader(Side.SERVER)
        head, rest, reason = read(reader, cut(deciding, sizes))
        assert (head, rest, reader.headless) == (b"", deciding, True)
        assert reason == "the bytes begin no HTTP response"


@pytest.mark.parametrize(
    ("data", "decided_after"),
    [(b"\x16\x03\x01\x02\x00", 1), (b"\r\n\x81\x00", 3), (b"GET\r\n", 4), (b"a" * 40, 33), (b"1 2", 1)],
)
def test_no_request(data: bytes, decided_after: int) -> None:
    reader = HeadReader(Side.CLIENT)
    assert reader.receive_data(data[: decided_after - 1]) is None
    assert reader.receive_data(data[decided_after - 1 :]) == b""
    assert (reader.rest, reader.reason) == (data, "the bytes begin no HTTP request")


def test_a_hundred_is_a_request_target() -> None:
    raw = b"GET 100 HTTP/1.1\r\n\r\n"
    assert HeadReader(Side.CLIENT).receive_data(raw + raw) == raw


def test_frames_after_an_interim_response() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert read(HeadReader(Side.SERVER), [interim, FRAME]) == (
        interim,
        FRAME,
        "the bytes begin no HTTP response",
    )


@pytest.mark.parametrize("sizes", [[1], [1 << 20]])
@pytest.mark.parametrize(
    ("side", "head", "rest"),
    [
        (Side.SERVER, b"HTTP/1.1 101 x\rA: b\r\r", FRAME),
        (Side.CLIENT, b"GET / HTTP/1.1\rA: b\r\r", FRAME),
        (Side.SERVER, b"HTTP/1.1 101 x\r\nA: b\rc\r\n\r\n", FRAME),
        (Side.SERVER, b"HTTP/1.1 101 x\r\r\nA: b\r\r\n\r\r\n", FRAME),
        (Side.SERVER, b"HTTP/1.1 101 x\r\nA: b\r\n", b"\x81\x01x"),
        (Side.SERVER, b"HTTP/1.1 101 x\r\nA: b\r\n \r\n", b"\x81\x01x"),
        (Side.SERVER, b"HTTP/1.1 101 x\r\n  A: b\r\n  \r\n", FRAME),
        (Side.SERVER, b"HTTP/1.1 101 x\r\n\0A: b\r\n\0\r\n", b"\0\x81\x01x"),
        (Side.SERVER, b"\xef\xbb\xbfHTTP/1.1 101 x\r\n\r\n", FRAME),
        (Side.CLIENT, b"\xef\xbb\xbf \0GET / HTTP/1.1\r\n\r\n", FRAME),
        (Side.SERVER, b"101 Switching Protocols\r\n\r\n", FRAME),
        (
            Side.SERVER,
            b"HTTP/1.0 200 Connection established\r\n\r\nHTTP/1.1 101 x\r\n\r\n",
            FRAME,
        ),
        (Side.SERVER, b"HTTP/1.1 100 Continue\r\nA: b\r\nHTTP/1.1 101 x\r\nA: b\r\n\r\n", FRAME),
    ],
)
def test_odd_heads(side: Side, head: bytes, rest: bytes, sizes: list[int]) -> None:
    reader = HeadReader(side)
    assert read(reader, cut(head + rest, sizes)) == (head, rest, None)


def test_not_ascii_once_it_is_http() -> None:
    assert read(HeadReader(Side.SERVER), [b"HTTP/\xff\n\n"])[0] == b"HTTP/\xff\n\n"


def test_any_byte_behind_a_status() -> None:
    assert read(HeadReader(Side.SERVER), [b"ICY 200 \xff\n\n"])[0] == b"ICY 200 \xff\n\n"


@pytest.mark.parametrize("sizes", [[1], [1 << 20]])
def test_limit(sizes: list[int]) -> None:
    within = b"GET / HTTP/1.1\r\nA: " + b"b" * 100 + b"\r\n\r\n"
    assert read(HeadReader(Side.CLIENT, limit=len(within)), cut(within + FRAME, sizes))[0] == within
    reader = HeadReader(Side.CLIENT, limit=len(within) - 1)
    reason = f"no head ended within {len(within) - 1} bytes"
    assert read(reader, cut(within + FRAME, sizes)) == (b"", within + FRAME, reason)
    assert reader.headless


def test_a_reader_that_is_misused_says_how_to_use_it() -> None:
    with pytest.raises(UsageError, match="at least 1 byte"):
        HeadReader(Side.CLIENT, limit=0)
    reader = HeadReader(Side.CLIENT)
    reader.receive_data(REQUEST)
    with pytest.raises(UsageError, match="FrameDecoder"):
        reader.receive_data(b"")


@given(heads, chunk_sizes, st.sampled_from(list(Side)), st.sampled_from([1, 20, 50, HEAD_LIMIT]))
def test_cutting_changes_nothing(data: bytes, sizes: list[int], side: Side, limit: int) -> None:
    whole = read(HeadReader(side, limit=limit), [data])
    assert read(HeadReader(side, limit=limit), cut(data, sizes)) == whole
    assert read(HeadReader(side, limit=limit), cut(data, [1])) == whole
    head, rest, reason = whole
    assert (head or b"") + rest == data
    assert head is not None or (len(data) <= limit and reason is None)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 60_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 15_000 + b"\r\n",
        b"\r\n" * 32_000 + b"GET / HTTP/1.1\r\n\r\n",
        b"\r" * 60_000 + b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["long-field", "many-fields", "blank-lines", "carriage-returns"],
)
def test_single_bytes_are_not_slow(head: bytes) -> None:
    start = time.process_time()
    assert read(HeadReader(Side.CLIENT), cut(head, [1]))[0] == head
    assert time.process_time() - start < 5


def test_many_interim_responses_are_not_slow() -> None:
    head = b"HTTP/1.1 100 c\n\n" * 4000 + RESPONSE
    start = time.process_time()
    assert read(HeadReader(Side.SERVER), cut(head, [1]))[0] == head
    assert time.process_time() - start < 5


def test_a_line_that_begins_with_a_control_character_is_a_line() -> None:
    head = b"GET / HTTP/1.1\r\n\x01\x02: \x7f\r\n\x02\r\n\r\n"
    reader = HeadReader(Side.CLIENT)
    assert reader.receive_data(head + b"\x81\x80") == head
    assert reader.rest == b"\x81\x80"
