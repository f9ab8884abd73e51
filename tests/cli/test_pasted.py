"""What a terminal made of frames is read back, byte for byte where that can be told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproxy.cli.pasted import is_pasted, openings, read_pasted
from wsproxy.demo.device import status_document
from wsproxy.protocol.grammar import build_frame

LOST = "\ufffd"
DOCUMENT = status_document().decode()
FRAME = build_frame(0x1, status_document()).serialize()


def terminal(data: bytes) -> str:
    """What a terminal shows: U+FFFD for what is no UTF-8, nothing for most control characters."""
    return "".join(c for c in data.decode(errors="replace") if c == "\n" or (c >= " " and c != "\x7f"))


@pytest.mark.parametrize(
    "text",
    [
        f"{LOST}~{LOST}{DOCUMENT}",
        f"{LOST}~\x06{LOST}{DOCUMENT}",
        f"{LOST}~{LOST}{DOCUMENT}\n",
        rf"\ufffd~\ufffd{DOCUMENT}",
        rf"\ufffd~\x06\ufffd{DOCUMENT}",
        rf"\uFFFD~\u0006\uFFFD{DOCUMENT}",
        repr(f"{LOST}~\x06{LOST}{DOCUMENT}"),
        ascii(f"{LOST}~{LOST}{DOCUMENT}"),
        json.dumps(f"{LOST}~\x06{LOST}{DOCUMENT}"),
        json.dumps(f"{LOST}~\x06{LOST}{DOCUMENT}", ensure_ascii=False),
        f"{LOST}~\x06\xa7{DOCUMENT}",
    ],
    ids=range(11),
)
def test_the_founding_frame_is_read(text: str) -> None:
    assert is_pasted(text)
    reading = read_pasted(text)
    assert reading is not None
    assert reading.data == FRAME
    assert (reading.lost[0].offset, reading.lost[0].value) == (0, 0x81)
    assert 0x82 in reading.lost[0].others
    assert {lost.offset for lost in reading.lost} <= {0, 2, 3}
    assert reading.trailing_line_end is text.endswith("\n")


def test_which_bytes_are_lost_is_told() -> None:
    reading = read_pasted(f"{LOST}~{LOST}{DOCUMENT}")
    assert reading is not None
    assert [(lost.offset, lost.value, lost.how) for lost in reading.lost] == [
        (0, 0x81, "undecodable"),
        (2, 0x06, "swallowed"),
        (3, 0xA7, "undecodable"),
    ]


def test_several_frames_are_read() -> None:
    data = FRAME + FRAME + build_frame(0x1, b"Hello").serialize()
    reading = read_pasted(terminal(data))
    assert reading is not None
    assert reading.data == data


def test_the_length_of_a_payload_that_is_not_there_can_be_given() -> None:
    assert read_pasted(f"{LOST}~{LOST}{{") is None
    reading = read_pasted(f"{LOST}~{LOST}{{", 1703)
    assert reading is not None
    assert reading.data == FRAME[:5]


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=400))
def test_a_text_frame_in_any_length_form_is_read(text: str) -> None:
    # A payload that itself looks like the beginning of a length or of JSON cut short has other readings.
    payload = ("x" + text).encode()
    data = build_frame(0x1, payload).serialize()
    reading = read_pasted(terminal(data))
    assert reading is not None
    assert reading.data == data


@pytest.mark.parametrize("size", [65536, 100000])
def test_a_64_bit_length_is_read(size: int) -> None:
    data = build_frame(0x1, b"x" * size).serialize()
    for text in (terminal(data), data.decode(errors="replace")):
        reading = read_pasted(text)
        assert reading is not None
        assert reading.data == data


def test_non_ascii_text_is_counted_in_bytes() -> None:
    data = build_frame(0x1, "\u00e9".encode() * 150).serialize()
    reading = read_pasted(terminal(data))
    assert reading is not None
    assert reading.data == data


def test_a_text_that_breaks_off_has_openings() -> None:
    assert read_pasted(f"{LOST}~{LOST}{DOCUMENT[:900]}") is None
    likeliest, *_ = openings(f"{LOST}~{LOST}{DOCUMENT[:900]}")
    assert likeliest.header == ("??", "7E", "??", "??")
    assert likeliest.lengths == (128, 32767)
    assert likeliest.payload.startswith("{")
    assert not likeliest.masked


def test_a_masked_frame_cannot_be_read() -> None:
    text = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58").decode(errors="replace")
    assert read_pasted(text) is None
    assert openings(text)[0].masked


def test_text_without_a_header_has_no_reading() -> None:
    assert read_pasted(f"hello world {LOST}") is None


@given(st.text(st.sampled_from(f"{LOST}{LOST}{LOST}~{{}}\n\x06ab\u00e9\x7f\x00\xa7"), max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    reading = read_pasted(text)
    if reading is not None:
        assert all(lost.offset < len(reading.data) for lost in reading.lost)
    assert len(openings(text)) <= 4
