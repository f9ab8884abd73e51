"""Each rule is found where it is broken, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproxy.conformance.checks_frames import (
    FrameContext,
    check_frame,
    check_message,
    check_opaque,
    context_for,
)
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Frame, OpaqueData, Side
from wsproxy.protocol.grammar import DIALECTS, RFC6455, build_frame
from wsproxy.protocol.message import Message, MessageAssembler

SERVER, CLIENT = FrameContext(Side.SERVER), FrameContext(Side.CLIENT)
DEFLATED = FrameContext(Side.SERVER, rsv_defined=0b100)
OPEN = FrameContext(Side.SERVER, message_open=True)
CLOSED = FrameContext(Side.SERVER, closed=True)
KEY = "11 22 33 44"

BROKEN = [
    ("frame.rsv-bits", "C1 00", SERVER, "RSV1 is set"),
    ("frame.rsv-bits", "B1 00", SERVER, "RSV2 and RSV3 are set"),
    ("frame.rsv-bits", "A1 00", DEFLATED, "RSV2 is set"),
    ("deflate.rsv1-on-control", "C9 00", DEFLATED, "ping"),
    (
        "deflate.rsv1-on-continuation",
        "C0 00",
        FrameContext(Side.SERVER, 0b100, message_open=True),
        "continuation",
    ),
    ("frame.reserved-opcode", "83 00", SERVER, "data frame"),
    ("frame.reserved-opcode", "8F 00", SERVER, "control frame"),
    ("frame.unmasked-by-client", "81 00", CLIENT, "not masked"),
    ("frame.masked-by-server", f"81 80 {KEY}", SERVER, "11 22 33 44"),
    ("frame.masking-key-zero", "81 80 00 00 00 00", CLIENT, "00 00 00 00"),
    ("frame.length-not-minimal", "82 7E 00 7D" + " 41" * 125, SERVER, "7 bits are enough"),
    ("frame.length-not-minimal", "82 7F 00 00 00 00 00 00 00 01 41", SERVER, "8 extra bytes"),
    ("frame.length-not-minimal", f"82 FE 00 01 {KEY} 41", CLIENT, "2 extra bytes"),
    ("control.fragmented", "09 00", SERVER, "a ping frame without FIN"),
    ("control.fragmented", "08 00", SERVER, "a close frame without FIN"),
    ("control.too-long", "89 7E 00 7E" + " 41" * 126, SERVER, "126 bytes"),
    ("close.one-byte-payload", "88 01 03", SERVER, "one byte (03)"),
    ("close.reserved-code", "88 02 03 ED", SERVER, "1005"),
    ("close.reserved-code", "88 02 03 EE", SERVER, "1006"),
    ("close.reserved-code", "88 02 03 F7", SERVER, "1015"),
    ("close.invalid-code", "88 02 00 00", SERVER, "close code 0"),
    ("close.invalid-code", "88 02 FF FF", SERVER, "close code 65535"),
    ("close.invalid-code", "88 02 E8 03", SERVER, "1000 with its bytes swapped"),
    ("close.invalid-code", "88 02 00 E8", SERVER, "1000 without its high byte"),
    ("close.invalid-code", "88 04 31 30 30 31", SERVER, "1001 was written as text"),
    ("close.invalid-code", "88 04 57 65 20 61", SERVER, "text ('We'...)"),
    ("close.unassigned-code", "88 02 03 EC", SERVER, "1004"),
    ("close.unassigned-code", "88 02 07 D0", SERVER, "2000"),
    ("close.reason-not-utf8", "88 04 03 E8 E4 B8", SERVER, "cut in the middle of a character"),
    ("close.reason-not-utf8", "88 03 03 E8 FF", SERVER, "byte 0xFF at byte 0"),
    ("message.orphan-continuation", "80 00", SERVER, "no message is under way"),
    ("message.interrupted", "81 00", OPEN, "a text frame before"),
    ("close.frame-after", "81 00", CLOSED, "a text frame after"),
    ("close.frame-after", "88 00", CLOSED, "a close frame after"),
]

CONFORMING = [
    ("81 05 48 65 6C 6C 6F", SERVER),
    ("81 85 37 FA 21 3D 7F 9F 4D 51 58", CLIENT),
    ("01 03 48 65 6C", SERVER),
    ("80 02 6C 6F", OPEN),
    ("00 02 6C 6F", OPEN),
    ("89 05 48 65 6C 6C 6F", OPEN),
    ("8A 00", SERVER),
    ("88 00", SERVER),
    ("88 02 03 E8", SERVER),
    ("88 02 03 F6", SERVER),
    ("88 02 0B B8", SERVER),
    ("88 05 13 87 E4 BD A0", SERVER),
    ("82 7E 00 7E" + " 00" * 126, SERVER),
    ("C1 01 00", DEFLATED),
    ("89 7D" + " 00" * 125, SERVER),
]


def frame(text: str) -> Frame:
    (event,) = FrameDecoder().receive_data(bytes.fromhex(text))
    assert isinstance(event, Frame)
    return event


@pytest.mark.parametrize(("rule_id", "text", "context", "words"), BROKEN)
def test_a_departure_is_found(rule_id: str, text: str, context: FrameContext, words: str) -> None:
    (finding,) = check_frame(frame(text), context)
    assert finding.rule_id == rule_id
    assert words in finding.detail
    assert (finding.side, finding.offset) == (context.side, 0)
    assert finding.rule is RULES[rule_id]


@pytest.mark.parametrize(("text", "context"), CONFORMING)
def test_a_conforming_frame_has_no_finding(text: str, context: FrameContext) -> None:
    assert check_frame(frame(text), context) == []


def test_the_smallest_and_largest_close_codes_are_allowed() -> None:
    odd = {}
    for code in range(1 << 16):
        found = check_frame(build_frame(0x8, code.to_bytes(2)), SERVER)
        if found:
            (odd[code],) = (finding.rule_id for finding in found)
    assert set(range(1 << 16)) - set(odd) == {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
    assert [code for code, rule in odd.items() if rule == "close.reserved-code"] == [1005, 1006, 1015]
    assert {code for code, rule in odd.items() if rule == "close.unassigned-code"} == {
        1004,
        *range(1016, 3000),
    }


def test_several_departures_of_one_frame_are_all_found() -> None:
    found = check_frame(frame(f"7B FE 00 01 {KEY} 41"), SERVER)
    assert [finding.rule_id for finding in found] == [
        "frame.masked-by-server",
        "frame.rsv-bits",
        "frame.reserved-opcode",
        "frame.length-not-minimal",
        "control.fragmented",
    ]


def test_a_side_s_context_follows_its_frames() -> None:
    context = SERVER
    for text, message_open in (
        ("01 00", True),
        ("89 00", True),
        ("00 00", True),
        ("80 00", False),
        ("81 00", False),
    ):
        assert check_frame(frame(text), context) == []
        context = context.after(frame(text))
        assert context.message_open is message_open
    assert not context.closed
    assert context.after(frame("88 00")).closed


def test_what_was_negotiated_decides_on_reserved_bits() -> None:
    assert context_for(Side.CLIENT, None) == FrameContext(Side.CLIENT)
    assert context_for(Side.CLIENT, "permessage-deflate; client_max_window_bits").rsv_defined == 0b100
    assert context_for(Side.CLIENT, "x-unknown").rsv_defined == 0b111
    per_frame = context_for(Side.SERVER, "x-webkit-deflate-frame")
    opened = per_frame.after(frame("41 00"))
    assert check_frame(frame("C0 00"), opened) == []


def test_only_the_header_of_a_frame_in_pieces_is_checked() -> None:
    begun = frame("88 02 00 00")._replace(length=70000)
    assert [finding.rule_id for finding in check_frame(begun, SERVER)] == ["control.too-long"]


def test_frames_without_a_length_have_no_rules() -> None:
    (event,) = FrameDecoder(DIALECTS["hixie76"]).receive_data(b"\x00Hello\xff")
    assert isinstance(event, Frame)
    assert check_frame(event, CLIENT) == []


def message(*frames: str, deflate: bool = False) -> Message:
    assembler = MessageAssembler(DeflateParameters().inflater(Side.SERVER) if deflate else None)
    events = FrameDecoder().receive_data(bytes.fromhex("".join(frames)))
    found = [assembled for event in events if (assembled := assembler.receive(event)) is not None]
    return found[-1]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (["81 03 E5 E4 F6"], "byte 0xE5 at byte 0"),
        (["81 02 E4 B8"], "cut in the middle of a character: e4 b8 at byte 0"),
        (["01 01 E4", "80 01 B8"], "cut in the middle"),
        (["81 03 ED A0 80"], "byte 0xED"),
    ],
)
def test_text_that_is_not_utf8_is_found(frames: list[str], words: str) -> None:
    (finding,) = check_message(message(*frames), Side.SERVER)
    assert finding.rule_id == "message.text-not-utf8"
    assert words in finding.detail


@pytest.mark.parametrize("frames", [["82 01 FF"], ["01 01 E4", "80 02 B8 AD"], ["81 00"]])
def test_binary_and_split_characters_are_no_finding(frames: list[str]) -> None:
    assert check_message(message(*frames), Side.SERVER) == []


def test_a_truncated_text_may_end_in_the_middle_of_a_character() -> None:
    cut = Message(1, "中".encode()[:2], 3, 1, False, 0, 5, truncated=True)
    assert check_message(cut, Side.SERVER) == []


def test_a_message_that_cannot_be_inflated_is_found() -> None:
    (finding,) = check_message(message("C2 01 04", deflate=True), Side.SERVER)
    assert finding.rule_id == "deflate.damaged"


def test_what_a_frame_check_says_is_not_said_again() -> None:
    late = message("41 01 00", "C0 01 00", deflate=True)
    assert late.error
    assert [f.rule_id for f in check_message(late, Side.SERVER) if "RSV1" in f.detail] == []
    assert check_message(message("C1 00"), Side.SERVER) == []


def test_the_point_of_no_return_is_named() -> None:
    (event,) = FrameDecoder().receive_data(bytes.fromhex("82 7F 80 00 00 00 00 00 00 00 41"))
    assert isinstance(event, OpaqueData)
    assert [f.rule_id for f in check_opaque(event, Side.SERVER)] == ["frame.length-top-bit"]
    other = OpaqueData(7, b"\x00", "no mark ends this frame")
    assert check_opaque(other, Side.CLIENT) == [Finding("stream.opaque", other.reason, Side.CLIENT, 7)]


@given(st.binary(max_size=400), st.sampled_from(sorted(DIALECTS)), st.sampled_from(Side))
def test_no_bytes_make_a_check_raise(data: bytes, dialect: str, side: Side) -> None:
    context = FrameContext(side)
    assembler = MessageAssembler(DeflateParameters().inflater(side))
    for event in FrameDecoder(DIALECTS[dialect]).receive_data(data):
        if isinstance(event, Frame):
            findings = check_frame(event, context)
            assert all(finding.rule.sentence and finding.detail for finding in findings)
            context = context.after(event)
        assembled = assembler.receive(event)
        if assembled is not None:
            check_message(assembled, side)


@given(
    st.sampled_from([0x1, 0x2, 0x9, 0xA]),
    st.text(max_size=40),
    st.sampled_from(Side),
    st.binary(min_size=4, max_size=4).filter(any),
)
def test_what_we_write_conforms(opcode: int, text: str, side: Side, key: bytes) -> None:
    payload = text.encode()[: 125 if opcode >= 8 else None]
    written = build_frame(opcode, payload, masking_key=key if side is Side.CLIENT else None, dialect=RFC6455)
    assert check_frame(written, FrameContext(side)) == []
