"""Each repair of a message, of the order of its frames, and of its compression."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CLOSE, CONT, PING, TEXT, client_frame, close, frame
from wsproxy.conformance.normalizer import Legs
from wsproxy.conformance.repairs_messages import MESSAGE_REPAIRS
from wsproxy.conformance.utf8_stream import Utf8Stream, completion, is_utf8

DEFLATE = negotiated("permessage-deflate")
BOTH = Legs.alike(DEFLATE)
REPLACED = "\N{REPLACEMENT CHARACTER}".encode()


def got(line: Line, side=CLIENT) -> list[bytes]:
    assert line.peers[side].error is None
    return [payload for _, payload in line.peers[side].messages()]


@pytest.mark.parametrize(
    ("came", "goes", "rules"),
    [
        # O02 G11: the opcode repeated
        (
            frame(TEXT, b"a", fin=False) + frame(TEXT, b"b", fin=False) + frame(TEXT, b"c"),
            frame(TEXT, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c"),
            ["message.interrupted"] * 2,
        ),
        # G03: a whole message inside another one goes behind it
        (
            frame(TEXT, b"a", fin=False) + frame(BINARY, b"x") + frame(CONT, b"b"),
            frame(TEXT, b"a", fin=False) + frame(CONT, b"b") + frame(BINARY, b"x"),
            ["message.interrupted"] * 2,
        ),
        # ... and another one's beginning ends it
        (
            frame(TEXT, b"a", fin=False) + frame(BINARY, b"x", fin=False) + frame(CONT, b"y"),
            frame(TEXT, b"a", fin=False) + frame(CONT) + frame(BINARY, b"x", fin=False) + frame(CONT, b"y"),
            ["message.unfinished"],
        ),
        # G09 G15 G17: a fragment of nothing
        (
            frame(TEXT, b"a") + frame(CONT, b"b"),
            frame(TEXT, b"a") + frame(TEXT, b"b"),
            ["message.orphan-continuation"],
        ),
        (frame(CONT, b"\xff__"), frame(BINARY, b"\xff__"), ["message.orphan-continuation"]),
        (frame(CONT, b"text"), frame(TEXT, b"text"), ["message.orphan-continuation"]),
        # ... is one with those behind it, but for what begins another one
        (
            frame(TEXT, b"a") + frame(CONT, b"b", fin=False) + frame(CONT, b"c") + frame(TEXT, b"d"),
            frame(TEXT, b"a") + frame(TEXT, b"b", fin=False) + frame(CONT, b"c") + frame(TEXT, b"d"),
            ["message.orphan-continuation"],
        ),
        (
            frame(CONT, b"b", fin=False) + frame(TEXT, b"c") + frame(BINARY, b"d"),
            frame(TEXT, b"b", fin=False) + frame(CONT) + frame(TEXT, b"c") + frame(BINARY, b"d"),
            ["message.orphan-continuation", "message.unfinished"],
        ),
        # the rest of a control frame is no message
        (
            frame(PING, b"a", fin=False)
            + frame(CONT, b"b", fin=False)
            + frame(CONT, b"c")
            + frame(TEXT, b"d"),
            frame(PING, b"a") + frame(TEXT, b"d"),
            ["control.fragmented"] * 3,
        ),
        (
            frame(TEXT, b"a", fin=False) + frame(PING, b"b", fin=False) + frame(CONT, b"c"),
            frame(TEXT, b"a", fin=False) + frame(PING, b"b") + frame(CONT, b"c"),
            ["control.fragmented"],
        ),
        (frame(CONT, fin=False) + frame(TEXT, b"a"), frame(TEXT, b"a"), ["message.orphan-continuation"]),
        # a Close inside a message: finished, the half would look whole
        (
            frame(TEXT, b"a\xe4", fin=False) + frame(CLOSE, close(1000)),
            frame(TEXT, b"a\xe4", fin=False) + frame(CLOSE, close(1000)),
            [],
        ),
        # E09 E10 E14 H01: after a Close
        (
            frame(CLOSE, close(1000)) + frame(CLOSE) + b"HTTP/1.1 204 No Content\r\n\r\n",
            frame(CLOSE, close(1000)),
            ["close.frame-after"],
        ),
        # U01 U02 U03 U05 U06
        (frame(TEXT, b"a\xe4"), frame(TEXT, b"a" + REPLACED), ["message.text-not-utf8"]),
        (
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"a", fin=False) + frame(CONT, b"\xad"),
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"\x80a", fin=False) + frame(CONT, REPLACED),
            ["message.text-not-utf8"] * 2,
        ),
        (
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"\xad"),
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"\xad"),
            [],
        ),
    ],
)
@pytest.mark.parametrize("sizes", [(), (1,)])
def test_messages_in_order(came: bytes, goes: bytes, rules: list[str], sizes) -> None:
    line = Line()
    assert line.send(SERVER, came, sizes) == goes
    assert list(dict.fromkeys(line.rules(SERVER))) == list(dict.fromkeys(rules))
    got(line)


def test_a_message_does_not_wait_for_ever_behind_one_that_was_broken_off() -> None:  # G03 O02
    line = Line(profile(hold_time=1.0))
    line.send(SERVER, frame(BINARY, b"half", fin=False) + frame(TEXT, b"one"))
    line.wait(0.5)
    line.send(SERVER, frame(TEXT, b"two"))
    assert got(line) == []
    line.wait(0.6)
    assert got(line) == [b"half", b"one", b"two"]
    line.send(SERVER, frame(TEXT, b"three"))
    assert got(line)[3:] == [b"three"]


HELD: tuple[dict[str, Any], ...] = (
    {},
    {"whole_messages": True},
    {"whole_messages": True, "hold_limit": 300},
    {"no_control_inside": True},
    {"frame_limit": 7},
    {"utf8": "guess"},
    {"on": ["message.split-json", "message.several-json", "message.nul-padding"]},
    {"on": ["message.split-json"], "hold_limit": 300},
)
WHOLE = frame(TEXT, b'{"whole": 1}')
HALF = frame(TEXT, b'{"half": ', fin=False)
HALVES = (
    HALF,
    HALF + frame(CONT, b'"tr\xc3', fin=False),
    HALF + frame(PING, b"p"),
    frame(TEXT, b'{"half": ' + bytes(400), fin=False),
    frame(BINARY, b"half", fin=False) + frame(BINARY, b"message", fin=False),
)


@pytest.mark.parametrize("ending", ["close", "end", "timeout"])
@pytest.mark.parametrize("options", HELD)
@pytest.mark.parametrize("half", HALVES)
def test_half_a_message_never_arrives_as_a_whole_one(
    half: bytes, options: dict[str, Any], ending: str
) -> None:
    line = Line(profile(**options))
    line.send(SERVER, WHOLE + half)
    if ending == "close":
        line.send(SERVER, frame(CLOSE, close(1000)))
    elif ending == "end":
        line.end(SERVER)
    else:
        line.send(CLIENT, client_frame(CLOSE, close(1000)))
        line.wait(100)
    assert got(line) == [b'{"whole": 1}']
    assert line.peers[CLIENT].protocol.close_rcvd is not None


def test_half_a_compressed_message_never_arrives_as_a_whole_one() -> None:
    for limit in (10, 1 << 20):
        line = Line(profile(hold_limit=limit), BOTH)
        line.send(SERVER, frame(TEXT, b"\xf2H\xcd\xc9\xc9\x07\x00", fin=False, rsv=4))
        line.send(SERVER, frame(CLOSE, close(1000)))
        assert got(line) == []
        assert line.peers[CLIENT].protocol.close_rcvd is not None


def test_what_waited_behind_half_a_message_is_not_sent_inside_it() -> None:
    line = Line()
    line.send(SERVER, frame(TEXT, b"a", fin=False) + frame(BINARY, b"x"))
    assert line.send(SERVER, frame(CLOSE, close(1000))) == frame(CLOSE, close(1000))
    assert got(line) == []
    assert line.rules(SERVER) == ["message.interrupted"]


def test_what_was_deferred_is_bounded() -> None:
    line = Line(profile(hold_limit=2000))
    line.send(SERVER, frame(TEXT, b"a", fin=False) + frame(BINARY, bytes(500)) * 4)
    assert got(line) == [b"a", *[bytes(500)] * 4]
    assert line.send(SERVER, frame(CONT, b"b")) == frame(BINARY, b"b")


NOT_UTF8 = frame(TEXT, b"\xe5\xe4\xf6")
CUT = frame(TEXT, b"\xe5", fin=False) + frame(CONT, b"\xe4\xf6")


@pytest.mark.parametrize(
    ("policy", "goes"),
    [
        ("replace", frame(TEXT, REPLACED * 3)),
        ("binary", frame(BINARY, b"\xe5\xe4\xf6")),
        ("transcode:latin-1", frame(TEXT, "åäö".encode())),
        ("close", frame(CLOSE, close(1007))),
    ],
)
def test_text_that_is_not_utf8(policy: str, goes: bytes) -> None:
    line = Line(profile(utf8=policy))
    assert line.send(SERVER, NOT_UTF8) == goes
    assert set(line.rules(SERVER)) == {"message.text-not-utf8"}
    if policy in ("binary", "transcode:latin-1"):
        assert Line(profile(utf8=policy)).send(SERVER, CUT) == goes
    off = Line(profile(off=["message.text-not-utf8"], utf8=policy))
    assert off.send(SERVER, NOT_UTF8 + CUT) == NOT_UTF8 + CUT


def test_a_large_text_is_mended_in_place() -> None:
    line = Line()
    line.send(SERVER, frame(TEXT, "é".encode() * 50_000 + b"\xe9!" + "é".encode() * 5), [4097])
    (text,) = got(line)
    assert text == "é".encode() * 50_000 + b"?!" + "é".encode() * 5


@pytest.mark.parametrize(
    ("rule", "came", "goes", "options"),
    [
        ("message.nul-padding", b'{"k":"v"}' + bytes(9), b'{"k":"v"}', {}),  # N01 N02
        ("message.byte-order-mark", b"\xef\xbb\xbf{}", b"{}", {}),  # U10
        ("message.wrong-opcode", b"INVITE", None, {"retype": {"*": "binary"}}),  # B01
    ],
)
def test_a_repair_that_must_be_asked_for(rule, came, goes, options) -> None:
    expected = frame(BINARY, came) if goes is None else frame(TEXT, goes)
    asked = profile(on=[rule], **options)
    assert Line(asked).send(SERVER, frame(TEXT, came)) == expected
    line = Line(asked)
    assert line.send(SERVER, frame(TEXT, came[:3], fin=False)) + line.send(SERVER, frame(CONT, came[3:]))
    assert got(line) == [came if goes is None else goes]
    assert set(line.rules(SERVER)) <= {rule, "message.fragmented"}
    off = profile(off=[rule], **options)
    assert Line(off).send(SERVER, frame(TEXT, came)) == frame(TEXT, came)


def test_stomp_keeps_its_zero_byte() -> None:  # N06
    legs = Legs.alike(negotiated(subprotocol="v12.stomp"))
    line = Line(profile(on=["message.nul-padding"]), legs)
    assert line.send(SERVER, frame(TEXT, b"SEND\n\n\0")) == frame(TEXT, b"SEND\n\n\0")


@pytest.mark.parametrize(
    ("subprotocol", "came", "goes"), [("mqtt", TEXT, BINARY), ("sip", BINARY, TEXT), ("chat", TEXT, TEXT)]
)
def test_the_subprotocol_says_whether_it_is_text(subprotocol: str, came: int, goes: int) -> None:  # B01 V03
    line = Line(legs=Legs.alike(negotiated(subprotocol=subprotocol)))
    assert line.send(CLIENT, client_frame(came, b"\x10ok")) == client_frame(goes, b"\x10ok")
    fragments = client_frame(came, b"a", fin=False), client_frame(CONT, b"b")
    assert b"".join(line.send(CLIENT, each) for each in fragments)
    assert line.peers[SERVER].messages() == [(goes, b"\x10ok"), (goes, b"ab")]


def test_binary_that_is_no_text_stays_binary() -> None:
    line = Line(legs=Legs.alike(negotiated(subprotocol="sip")))
    assert line.send(SERVER, frame(BINARY, b"\xff")) == frame(BINARY, b"\xff")


def test_json_documents_one_behind_the_other() -> None:  # J01 J02 J03
    line = Line(profile(on=["message.several-json"]))
    came = b'{"newPos":{"pos":"1:1"}} {"newPos":{"pos":"2:2"}}'
    assert line.send(SERVER, frame(TEXT, came)) == frame(TEXT, came[:24]) + frame(TEXT, came[25:])
    for left_alone in (b"{}", b'{"a":1', b"[1] x", b"12 13", b"[" * 100_000):
        assert line.send(SERVER, frame(TEXT, left_alone)) == frame(TEXT, left_alone)


def test_a_receiver_that_takes_no_fragments() -> None:  # G02 G05 G06 G14
    line = Line(profile(whole_messages=True))
    line.send(SERVER, frame(TEXT, b"a", fin=False))
    assert line.out == []
    line.send(SERVER, frame(PING, b"p"))
    assert line.send(SERVER, frame(CONT, b"b")) == frame(TEXT, b"ab") + frame(PING, b"p")
    assert "message.fragmented" in line.rules(SERVER)


def test_a_receiver_that_takes_no_control_frame_inside() -> None:  # G01
    line = Line(profile(no_control_inside=True))
    came = frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONT, b"b")
    assert line.send(SERVER, came) == frame(TEXT, b"a", fin=False) + frame(CONT, b"b") + frame(PING, b"p")


@pytest.mark.parametrize("size", [65_536, 70_000, 200_000])
def test_a_receiver_that_takes_small_frames_only(size: int) -> None:  # L09 S05 S06 S07
    line = Line(profile(frame_limit=65_535))
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    line.send(CLIENT, client_frame(BINARY, payload), [50_000])
    assert max(len(each.data) for each in line.peers[SERVER].frames) <= 65_535
    assert line.peers[SERVER].messages() == [(BINARY, payload)]
    assert line.peers[SERVER].error is None
    small = client_frame(BINARY, bytes(65_535))
    assert line.send(CLIENT, small) == small


pieces = st.lists(
    st.binary(max_size=6)
    | st.sampled_from([b"\xed", b"\xa0", b"\xed\xa0", b"\xed\x9f"])
    | st.sampled_from(["é€😀".encode()[:size] for size in range(10)]),
    max_size=5,
)


@given(pieces)
def test_text_mended_frame_by_frame_is_utf8(parts: list[bytes]) -> None:
    stream, out = Utf8Stream(), b""
    for turn, part in enumerate(parts):
        mended = stream.whole(part, last=turn == len(parts) - 1)
        out += part if mended is None else mended
    assert is_utf8(out) or not parts
    if is_utf8(b"".join(parts)):
        assert out == b"".join(parts)


@given(pieces.filter(bool))
def test_text_mended_in_place_keeps_its_length(parts: list[bytes]) -> None:
    stream, out, held = Utf8Stream(), b"", b""
    for turn, part in enumerate(parts):
        mended, cut = stream.piece(held + part, last=turn == len(parts) - 1)
        held = mended[len(mended) - cut :]
        out += mended[: len(mended) - cut]
    assert len(out) == sum(map(len, parts))
    assert is_utf8(out)
    if is_utf8(b"".join(parts)):
        assert out == b"".join(parts)


@given(st.characters(codec="utf-8", min_codepoint=0x80), st.integers(1, 3))
def test_a_character_begun_can_be_completed(character: str, size: int) -> None:
    begun = character.encode()[:size]
    if not is_utf8(begun):
        assert len((begun + completion(begun)).decode()) == 1


def test_every_repair_of_a_message_is_tested_here() -> None:
    tested = {
        *("message.wrong-opcode", "message.byte-order-mark", "message.nul-padding"),
        *("message.text-not-utf8", "message.several-json", "frame.payload-unmasked"),
    }
    assert tested == {rule_id for rule_id, _ in MESSAGE_REPAIRS}


def test_the_faults_of_its_frames_are_named_with_those_of_a_message() -> None:
    line = Line()
    assert line.send(SERVER, client_frame(TEXT, b"a\xff", rsv=2)) == frame(TEXT, b"a\xef\xbf\xbd")
    assert line.rules(SERVER) == ["frame.masked-by-server", "frame.rsv-bits", "message.text-not-utf8"]
