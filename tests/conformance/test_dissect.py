"""Any input is cut into parts that are all of it, whatever it is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.strategies import streams
from wsproxy.conformance.dissect import BytesPart, FramePart, Part, dissect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import DIALECTS, RFC6455
from wsproxy.protocol.masking import apply_mask

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
RESPONSE = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"
FOREIGN = st.sampled_from(
    [
        b"HTTP/1.1 500 x\r\n\r\n",
        b"\x16\x03\x03\x00\x04abcd",
        b"\r\n",
        b"5\r\n",
        b"0\r\n\r\n",
        b'{"a": "bare text"}',
    ]
)


def bytes_of(part: Part) -> bytes:
    """The bytes of a part, as they were."""
    if isinstance(part, BytesPart):
        return part.data
    frame = part.frame
    payload = apply_mask(frame.payload, frame.masking_key) if frame.masking_key else frame.payload
    return frame.header + payload + frame.trailer


@given(
    st.lists(streams | FOREIGN | st.binary(max_size=8), max_size=4).map(b"".join),
    st.sampled_from(sorted(DIALECTS)),
)
@example(b"\x81\xfe\x00", "rfc6455")
@example(b"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05\x01\x02\x03\x04ab", "rfc6455")
@example(b"\x80\x81\x80\x80\x01", "hixie76")
def test_the_parts_are_all_of_the_input(data: bytes, dialect: str) -> None:
    side, parts = dissect(data, DIALECTS[dialect])
    assert b"".join(map(bytes_of, parts)) == data
    position = 0
    for part in parts:
        assert part.offset == position
        assert all(finding.side is side and finding.rule for finding in part.findings)
        position += part.size if isinstance(part, FramePart) else len(part.data)


@pytest.mark.parametrize(
    ("data", "side"),
    [
        (REQUEST + b"\x81\x00", Side.CLIENT),
        (RESPONSE + b"\x81\x00", Side.SERVER),
        (REQUEST + RESPONSE + b"\x81\x80aaaa", Side.CLIENT),
        (REQUEST + RESPONSE + b"\x81\x00", Side.SERVER),
        (b"\x81\x80aaaa", Side.CLIENT),
        (b"\x81\x00", Side.SERVER),
        (b"\x81", Side.SERVER),
        (b"", Side.SERVER),
    ],
)
def test_who_sent_it_is_told(data: bytes, side: Side) -> None:
    assert dissect(data, RFC6455)[0] is side
    assert dissect(data, RFC6455, side.other)[0] is side.other


def test_heads_are_parts_of_their_own() -> None:
    _, parts = dissect(REQUEST + RESPONSE + b"\x81\x00" + RESPONSE, RFC6455)
    request, response, frame, stray = parts
    assert isinstance(request, BytesPart)
    assert isinstance(response, BytesPart)
    assert request.is_head
    assert response.is_head
    assert isinstance(frame, FramePart)
    assert [finding.rule_id for finding in stray.findings] == ["stream.handshake-bytes"]
    _, (only,) = dissect(RESPONSE, RFC6455, heads=False)
    assert [finding.rule_id for finding in only.findings] == ["stream.handshake-bytes"]


def test_what_is_missing_of_a_frame_is_counted() -> None:
    for data, missing in ((b"\x81\x05Hel", 2), (b"\x81\x05", 5), (b"\x81", None), (b"\x81\x05Hello", 0)):
        _, (part,) = dissect(data, RFC6455)
        assert isinstance(part, FramePart)
        assert part.missing == missing
        assert part.size == len(data)


def test_a_frame_that_announces_the_impossible_is_opaque() -> None:
    _, (part,) = dissect(bytes.fromhex("82 7f ff ff ff ff ff ff ff ff 00"), RFC6455)
    assert [finding.rule_id for finding in part.findings] == ["frame.length-top-bit"]


def test_messages_are_put_together_and_checked() -> None:
    _, parts = dissect(bytes.fromhex("01 01 e4 89 00 80 01 b8"), RFC6455)
    last = parts[-1]
    assert isinstance(last, FramePart)
    assert last.message is not None
    assert (last.message.payload, last.message.frames) == (b"\xe4\xb8", 2)
    assert [finding.rule_id for finding in last.findings] == ["message.text-not-utf8"]
    assert last.findings[0].offset == last.offset
