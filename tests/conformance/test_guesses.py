"""Guesses about headers that do not say what they should: right on real faults, silent on what conforms."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.conforming import conforming_sessions
from tests.conformance.normalizing import CLIENT, SERVER, Line, profile
from tests.wire.build import BINARY, PING, PONG, TEXT, client_frame, frame, words
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import DOUBLED, LEN7, LEN32, LEN126, LITTLE_ENDIAN, LITTLE_ENDIAN32
from wsproxy.protocol.masking import apply_mask_from_start

GUESSING = profile(on=["frame.length-encoding", "frame.header-twice", "stream.resync"])
KEY = b"\x9a\x12\xb4\x56"


def written(dialect: Dialect, side: Side, payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame as a peer with that dialect writes it."""
    key = KEY if side is CLIENT else None
    header = dialect.build_header(opcode, len(payload), masking_key=key)
    return header + (apply_mask_from_start(payload, key) if key else payload)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("cut", [0, 1, 1000])
@pytest.mark.parametrize(
    ("dialect", "size"),
    [
        (LEN32, 65_536),  # L01 L02
        (LEN32, 100_000),
        (LEN126, 300),  # L03
        (LEN126, 100_000),
        (LEN7, 126),  # L06
        (LEN7, 127),
        (LITTLE_ENDIAN, 300),  # L07
        (LITTLE_ENDIAN, 1703),
        (LITTLE_ENDIAN, 70_000),
        (LITTLE_ENDIAN32, 300),
        (LITTLE_ENDIAN32, 1703),
        (DOUBLED, 65_536),
        (DOUBLED, 123_456),
    ],
    ids=lambda value: value if isinstance(value, int) else value.name,
)
def test_a_length_is_guessed(dialect: Dialect, size: int, side: Side, cut: int) -> None:
    line = Line(GUESSING)
    said = [b"hello", words(size), b"and on", words(size)]
    data = b"".join(written(dialect, side, text) for text in said)
    line.send(side, data, (cut,) if cut > 1 else ())
    if cut == 1:
        line = Line(GUESSING)
        for start in range(0, len(data), 97):
            line.send(side, data[start : start + 97])
    line.wait(10)
    assert line.peers[side.other].messages() == [(TEXT, text) for text in said]
    assert set(line.rules(side)) == {"frame.length-encoding"}


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("size", [300, 1703, 65_535, 65_536, 70_000])
@pytest.mark.parametrize(("order", "wide"), [("little", 8), ("little", 4), ("big", 4)])
def test_a_length_that_is_always_written_long_is_guessed(
    order: Literal["little", "big"], wide: int, size: int, side: Side
) -> None:
    """The 127 and eight bytes the wrong way round, or four: for messages of any length over 125 bytes."""
    key = KEY if side is CLIENT else b""
    header = bytes((0x81, 127 | (0x80 if key else 0))) + size.to_bytes(wide, order) + key
    payload = apply_mask_from_start(words(size), KEY) if key else words(size)
    for data in (header + payload, (header + payload) * 2):
        line = Line(GUESSING)
        line.send(side, data)
        line.wait(10)
        assert line.peers[side.other].messages() == [(TEXT, words(size))] * (
            len(data) // len(header + payload)
        )
        assert "frame.length-encoding" in line.rules(side)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("cut", range(1, 12))
@pytest.mark.parametrize("dialect", [LEN126, LITTLE_ENDIAN, LEN32], ids=lambda dialect: dialect.name)
def test_a_length_is_guessed_however_its_header_is_cut(dialect: Dialect, cut: int, side: Side) -> None:  # L03
    line = Line(GUESSING)
    text = words(70_000 if dialect is LEN32 else 300)
    data = written(dialect, side, text) + written(dialect, side, b"and on")
    line.send(side, data[:cut])
    line.send(side, data[cut:])
    line.wait(10)
    assert line.peers[side.other].messages() == [(TEXT, text), (TEXT, b"and on")]


@pytest.mark.parametrize("cut", [1000, *range(6, 12)])
@pytest.mark.parametrize("size", [65_535, 70_000])
def test_a_length_that_is_shifted_is_guessed(size: int, cut: int) -> None:  # L17
    line = Line(GUESSING)
    large = b"\x81" + size.to_bytes(8, "big") + b"\x42" + words(size)
    small = [frame(TEXT, words(300)), frame(PING), frame(TEXT, b"")]
    data = small[0] + large + b"".join(small) + large + small[0]
    line.send(SERVER, data[: len(small[0]) + cut])
    line.send(SERVER, data[len(small[0]) + cut :])
    said = [words(300), words(size), words(300), b"", words(size), words(300)]
    assert line.peers[CLIENT].messages() == [(TEXT, text) for text in said]
    rules = set(line.rules(SERVER)) - {"frame.length-not-minimal"}
    assert rules == {"frame.length-encoding"}


def with_length(side: Side, length: bytes, payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame with these bytes as its length."""
    key = KEY if side is CLIENT else b""
    form = {2: 126, 8: 127}[len(length)]
    header = bytes((0x80 | opcode, form | (0x80 if key else 0))) + length + key
    return header + (apply_mask_from_start(payload, key) if key else payload)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("sizes", [(), (97,), (1000,)])
@pytest.mark.parametrize(
    ("length", "size"),
    [
        (b"\xff\x80", 128),
        (b"\xff\xfe", 254),
        (b"\xff" * 6 + b"\x80\x00", 32_768),
        (b"\xff" * 6 + b"\xea\x60", 60_000),
    ],
)
def test_a_length_with_a_sign_is_guessed(length: bytes, size: int, sizes, side: Side) -> None:
    line = Line(GUESSING)
    data = with_length(side, length, words(size))
    line.send(side, (data + with_length(side, length, words(size))) * 2, sizes)
    line.wait(10)
    assert line.peers[side.other].messages() == [(TEXT, words(size))] * 4
    assert set(line.rules(side)) - {"frame.length-not-minimal"} == {"frame.length-encoding"}


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("opcode", "sizes"),
    [
        (TEXT, ()),
        (TEXT, (1,)),
        (TEXT, (97,)),
        (TEXT, (200,)),
        (BINARY, ()),
        (BINARY, (97,)),
        (BINARY, (200,)),
    ],
)
@pytest.mark.parametrize("counted", [2, 4, 8])
def test_a_length_that_counts_the_header_is_guessed(counted: int, opcode: int, sizes, side: Side) -> None:
    line = Line(GUESSING)
    data = b"".join(
        with_length(side, (size + counted).to_bytes(2), words(size), opcode) for size in (200, 124, 1703)
    )
    line.send(side, data, sizes)
    line.wait(10)
    assert line.peers[side.other].messages() == [(opcode, words(size)) for size in (200, 124, 1703)]
    assert set(line.rules(side)) - {"frame.length-not-minimal"} == {"frame.length-encoding"}


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("missing", range(1, 12))
def test_what_looks_like_a_frame_at_the_end_of_one_is_none(missing: int, opcode: int) -> None:
    line = Line(GUESSING)
    text = words(180) + (b"\x81\x05" if opcode == BINARY else b"AB") * 10
    data = frame(opcode, text)
    line.send(SERVER, data[:-missing])
    line.send(SERVER, data[-missing:] + frame(PING))
    assert line.peers[CLIENT].received == data + frame(PING)


@pytest.mark.parametrize("came", ["817e0000", "817e000161", "01FE0000 61626364"])
def test_a_short_length_that_is_written_long_waits_for_so_long_and_no_longer(came: str) -> None:
    data = bytes.fromhex(came)
    side = CLIENT if data[1] & 0x80 else SERVER
    line, right = Line(GUESSING), Line()
    expected = right.send(side, data)
    assert expected
    assert line.send(side, data) == b""
    line.wait(10)
    assert line.peers[side.other].received == expected
    assert line.send(side, frame(PING) if side is SERVER else client_frame(PING))


def test_the_last_frame_is_told_by_the_silence_behind_it() -> None:
    line = Line(GUESSING)
    text = words(1703)
    assert line.send(SERVER, written(LITTLE_ENDIAN, SERVER, text)) == b""
    line.wait(6)
    assert line.peers[CLIENT].messages() == [(TEXT, text)]


def test_a_slow_frame_is_not_guessed_at() -> None:
    line = Line(GUESSING)
    slow = frame(TEXT, words(50_000))
    for start in range(0, len(slow), 7_000):
        line.send(SERVER, slow[start : start + 7_000])
        line.wait(20)
    assert line.peers[CLIENT].received == slow


@pytest.mark.parametrize("sizes", [(), (1,), (50,)])
@pytest.mark.parametrize("behind", [b"", frame(TEXT, b"next"), frame(PING)])
@pytest.mark.parametrize("torn", [1, 2, 3])
def test_a_header_that_is_there_twice(torn: int, behind: bytes, sizes) -> None:  # Q06
    line = Line(GUESSING)
    whole = frame(TEXT, words(512))
    line.send(SERVER, frame(TEXT, b"first") + whole[:4] * torn + whole + behind, sizes)
    assert line.peers[CLIENT].received == frame(TEXT, b"first") + whole + behind
    assert line.rules(SERVER) == ["frame.header-twice"] * torn


def test_a_frame_is_found_again() -> None:  # F03 Q05
    line = Line(GUESSING)
    tail = b'temp": 21, "unit": "C"}'
    line.send(SERVER, frame(TEXT, b"first") + tail + frame(TEXT, b"again") + frame(PONG, b"x"))
    assert line.peers[CLIENT].messages() == [(TEXT, b"first"), (TEXT, b"again")]
    assert set(line.rules(SERVER)) == {"stream.resync"}


@pytest.mark.parametrize("size", range(48, 62))
def test_no_frame_behind_one_found_again_is_lost(size: int) -> None:
    line = Line(GUESSING)
    said = [words(size), words(300), b"end"]
    line.send(SERVER, b"temp: 21, unit" + b"".join(frame(TEXT, text) for text in said))
    assert line.peers[CLIENT].messages() == [(TEXT, text) for text in said]
    assert set(line.rules(SERVER)) == {"stream.resync"}


@given(conforming_sessions(), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_what_conforms_is_not_guessed_at(steps, size: int) -> None:
    line = Line(GUESSING)
    for side, data in steps:
        assert line.send(side, data, (size,)) == data
        line.wait(7)
    assert {*line.rules(CLIENT), *line.rules(SERVER)} <= {"close.unanswered", "keepalive.ping-unanswered"}


@pytest.mark.parametrize("size", [126, 127, 300, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("cut", [13, 1460, 4096])
def test_large_frames_that_conform_pass(size: int, cut: int) -> None:
    for opcode in (TEXT, BINARY):
        line = Line(GUESSING)
        data = frame(opcode, words(size)) * 3
        assert line.send(SERVER, data, (cut,)) == data
        other = Line(GUESSING)
        masked = client_frame(opcode, words(size)) * 3
        assert other.send(CLIENT, masked, (cut,)) == masked


def test_every_frame_between_lines_of_text_is_found() -> None:
    line = Line(profile(on=["stream.resync"]))
    log = b"Warning: fread() failed in ws.php on line 88"
    line.send(SERVER, log + frame(TEXT, b"one") + log + frame(TEXT, b"two") + log)
    assert line.peers[CLIENT].received == frame(TEXT, b"one") + frame(TEXT, b"two")


NORDIC = ("på gården", "ÅÄÖ", "😀 and 中文", "é", "grün" * 40, "plain", "日本" * 100)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("sizes", [(), (7,), (40,)])
@pytest.mark.parametrize("unit", [1, 2])
def test_a_length_in_characters_is_guessed(unit: int, sizes, side: Side) -> None:
    line, data = Line(GUESSING), b""
    for text in NORDIC:
        payload = text.encode()
        count = len(text) if unit == 1 else len(text.encode("utf-16-le")) // 2
        length = bytes((count | (0x80 if side is CLIENT else 0),)) if count < 126 else b""
        key = KEY if side is CLIENT else None
        body = (key or b"") + (apply_mask_from_start(payload, key) if key else payload)
        data += b"\x81" + length + body if length else with_length(side, count.to_bytes(2), payload)
    line.send(side, data, sizes)
    line.wait(10)
    assert line.peers[side.other].messages() == [(TEXT, text.encode()) for text in NORDIC]
    assert set(line.rules(side)) == {"frame.length-encoding"}


@pytest.mark.parametrize("behind", [b"", frame(TEXT, b"next")])
def test_a_text_cut_in_a_character_waits_for_so_long_and_no_longer(behind: bytes) -> None:
    line, right = Line(GUESSING), Line()
    data = frame(TEXT, "grün".encode()[:3])
    expected = right.send(SERVER, data + behind)
    line.send(SERVER, data)
    line.wait(10)
    line.send(SERVER, behind)
    assert line.peers[CLIENT].received == expected
