"""Each repair of a message, of the order of its frames, and of its compression."""

import random
import zlib

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


class Deflater:
    """Compresses one message after the other."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(wbits=-15)

    def message(self, data: bytes) -> bytes:
        return (self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


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
            ["message-interrupted"] * 2,
        ),
        # G03: a whole message inside another one goes behind it
        (
            frame(TEXT, b"a", fin=False) + frame(BINARY, b"x") + frame(CONT, b"b"),
            frame(TEXT, b"a", fin=False) + frame(CONT, b"b") + frame(BINARY, b"x"),
            ["message-interrupted"] * 2,
        ),
        # ... and another one's beginning ends it
        (
            frame(TEXT, b"a", fin=False) + frame(BINARY, b"x", fin=False) + frame(CONT, b"y"),
            frame(TEXT, b"a", fin=False) + frame(CONT) + frame(BINARY, b"x", fin=False) + frame(CONT, b"y"),
            ["message-unfinished"],
        ),
        # G09 G15 G17: a fragment of nothing
        (
            frame(TEXT, b"a") + frame(CONT, b"b"),
            frame(TEXT, b"a") + frame(TEXT, b"b"),
            ["message-orphan-continuation"],
        ),
        (frame(CONT, b"\xff__", fin=False), frame(BINARY, b"\xff__"), ["message-orphan-continuation"]),
        (frame(CONT, fin=False) + frame(TEXT, b"a"), frame(TEXT, b"a"), ["message-orphan-continuation"]),
        # a Close inside a message
        (
            frame(TEXT, b"a\xe4", fin=False) + frame(CLOSE, close(1000)),
            frame(TEXT, b"a\xe4", fin=False) + frame(CONT, b"\x80\x80") + frame(CLOSE, close(1000)),
            ["message-unfinished"],
        ),
        # E09 E10 E14 H01: after a Close
        (
            frame(CLOSE, close(1000)) + frame(CLOSE) + b"HTTP/1.1 204 No Content\r\n\r\n",
            frame(CLOSE, close(1000)),
            ["stream-frame-after-close"],
        ),
        # U01 U02 U03 U05 U06
        (frame(TEXT, b"a\xe4"), frame(TEXT, b"a" + REPLACED), ["message-text-not-utf8"]),
        (
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"a", fin=False) + frame(CONT, b"\xad"),
            frame(TEXT, b"\xe4\xb8", fin=False) + frame(CONT, b"\x80a", fin=False) + frame(CONT, REPLACED),
            ["message-text-not-utf8"] * 2,
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
    assert set(line.rules(SERVER)) == {"message-text-not-utf8"}
    if policy in ("binary", "transcode:latin-1"):
        assert Line(profile(utf8=policy)).send(SERVER, CUT) == goes
    off = Line(profile(off=["message-text-not-utf8"], utf8=policy))
    assert off.send(SERVER, NOT_UTF8 + CUT) == NOT_UTF8 + CUT


def test_a_large_text_is_mended_in_place() -> None:
    line = Line()
    line.send(SERVER, frame(TEXT, "é".encode() * 50_000 + b"\xe9!" + "é".encode() * 5), [4097])
    (text,) = got(line)
    assert text == "é".encode() * 50_000 + b"?!" + "é".encode() * 5


@pytest.mark.parametrize(
    ("rule", "came", "goes", "options"),
    [
        ("message-nul-padding", b'{"k":"v"}' + bytes(9), b'{"k":"v"}', {}),  # N01 N02
        ("message-byte-order-mark", b"\xef\xbb\xbf{}", b"{}", {}),  # U10
        ("message-wrong-opcode", b"INVITE", None, {"retype": {"*": "binary"}}),  # B01
    ],
)
def test_a_repair_that_must_be_asked_for(rule, came, goes, options) -> None:
    expected = frame(BINARY, came) if goes is None else frame(TEXT, goes)
    asked = profile(on=[rule], **options)
    assert Line(asked).send(SERVER, frame(TEXT, came)) == expected
    line = Line(asked)
    assert line.send(SERVER, frame(TEXT, came[:3], fin=False)) + line.send(SERVER, frame(CONT, came[3:]))
    assert got(line) == [came if goes is None else goes]
    assert set(line.rules(SERVER)) <= {rule, "message-fragmented"}
    off = profile(off=[rule], **options)
    assert Line(off).send(SERVER, frame(TEXT, came)) == frame(TEXT, came)


def test_stomp_keeps_its_zero_byte() -> None:  # N06
    legs = Legs.alike(negotiated(subprotocol="v12.stomp"))
    line = Line(profile(on=["message-nul-padding"]), legs)
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
    line = Line(profile(on=["message-several-json"]))
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
    assert "message-fragmented" in line.rules(SERVER)


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


# --- compression


def test_compressed_messages_of_a_conforming_peer_pass() -> None:
    deflater, line = Deflater(), Line(legs=BOTH)
    for _ in range(3):
        came = frame(TEXT, deflater.message(b'{"n": 1}' * 9), rsv=4)
        assert line.send(SERVER, came) == came


@pytest.mark.parametrize(
    "bad",
    [
        lambda _: b"",  # Z09 Z10 Z11
        lambda deflater: deflater.message(b"tail") + b"\0\0\xff\xff",  # Z14
        lambda deflater: deflater.message(b"bad \xff"),
    ],
)
def test_a_message_compressed_otherwise_is_inflated_and_so_are_those_behind_it(bad) -> None:
    line = Line(legs=BOTH)
    deflater = Deflater()
    first = frame(TEXT, deflater.message(b"first"), rsv=4)
    assert line.send(SERVER, first) == first
    line.send(SERVER, frame(TEXT, bad(deflater), rsv=4))
    assert not line.out[-1].data[0] & 0x40
    line.send(SERVER, frame(TEXT, deflater.message(b"first"), rsv=4))
    assert got(line)[0] == b"first"
    assert got(line)[-1] == b"first"
    assert not line.out[-1].data[0] & 0x40


def test_every_message_a_stream_of_its_own() -> None:  # Z04 Z15
    line = Line(legs=BOTH)
    for _ in range(3):
        line.send(SERVER, frame(TEXT, zlib.compress(b"final", wbits=-15), rsv=4))
    assert got(line) == [b"final"] * 3


def test_a_message_that_cannot_be_inflated() -> None:  # X05 Z01
    came = frame(BINARY, b"\x04", rsv=4)
    assert Line(legs=BOTH).send(SERVER, came) == b""
    assert Line(profile(inflate_failure="close"), BOTH).send(SERVER, came) == frame(CLOSE, close(1007))


@pytest.mark.parametrize("legs", [Legs(negotiated(), DEFLATE), Legs()])
def test_a_receiver_without_compression_gets_it_inflated(legs: Legs) -> None:  # F02 Z22 Z26 F09
    deflater, line = Deflater(), Line(legs=legs)
    for text in (b"hello", b"hello", b"hello again"):
        line.send(SERVER, frame(TEXT, deflater.message(text), rsv=4))
    assert got(line) == [b"hello", b"hello", b"hello again"]
    expected = "compression-ended" if legs.server.deflate else "frame-rsv-bits"
    assert set(line.rules(SERVER)) == {expected}


def test_rsv1_without_compression_means_nothing() -> None:
    line = Line()
    assert line.send(SERVER, frame(TEXT, b"just text", rsv=4)) == frame(TEXT, b"just text")


def test_a_sender_without_compression_needs_none() -> None:
    line = Line(legs=Legs(DEFLATE, negotiated()))
    assert line.send(SERVER, frame(TEXT, b"plain")) == frame(TEXT, b"plain")


def test_the_bit_set_on_every_fragment() -> None:  # Z07
    data = Deflater().message(b"one stream in two fragments")
    line = Line(legs=BOTH)
    line.send(
        SERVER, frame(TEXT, data[:9], fin=False, rsv=4) + frame(PING, rsv=4) + frame(CONT, data[9:], rsv=4)
    )
    assert got(line) == [b"one stream in two fragments"]
    assert line.rules(SERVER) == ["frame-rsv1-on-control", "frame-rsv1-on-continuation"]


def test_each_fragment_compressed_by_itself() -> None:  # Z07 Z23
    line = Line(legs=BOTH)
    parts = [Deflater().message(part) for part in (b"one ", b"two")]
    line.send(SERVER, frame(TEXT, parts[0], fin=False, rsv=4) + frame(CONT, parts[1], rsv=4))
    assert got(line) == [b"one two"]


@pytest.mark.parametrize("late", [False, True])
def test_a_compressed_message_that_cannot_be_held_goes_on_inflated(late: bool) -> None:
    text = random.Random(7).randbytes(90_000)
    deflater = Deflater()
    data = deflater.message(text)
    line = Line(profile(hold_limit=1 << 20 if late else 40_000, hold_time=2.0), BOTH)
    for start in range(0, len(data), 20_000):
        last = start + 20_000 >= len(data)
        line.send(
            SERVER,
            frame(CONT if start else BINARY, data[start : start + 20_000], fin=last, rsv=0 if start else 4),
        )
        line.wait(3.0 if late else 0)
    line.send(SERVER, frame(BINARY, deflater.message(text[:50]), rsv=4))
    assert got(line) == [text, text[:50]]
    assert set(line.rules(SERVER)) == {"compression-ended"}


def test_a_bomb_ends_the_session() -> None:
    bomb = Deflater().message(bytes(1 << 22))
    line = Line(profile(hold_limit=1 << 16), Legs(negotiated(), DEFLATE))
    assert line.send(SERVER, frame(BINARY, bomb, rsv=4)) == frame(CLOSE, close(1009))


def test_safari_compresses_each_frame() -> None:  # Z23
    legs = Legs(negotiated("x-webkit-deflate-frame"), DEFLATE)
    line = Line(legs=legs)
    parts = [Deflater().message(part) for part in (b"one ", b"two")]
    line.send(CLIENT, client_frame(TEXT, parts[0], fin=False, rsv=4) + client_frame(CONT, parts[1], rsv=4))
    assert got(line, SERVER) == [b"one two"]


# --- text in pieces

pieces = st.lists(
    st.binary(max_size=6) | st.sampled_from(["é€😀".encode()[:size] for size in range(10)]), max_size=5
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
        *("message-wrong-opcode", "message-byte-order-mark", "message-nul-padding"),
        *("message-text-not-utf8", "message-several-json"),
    }
    assert tested == {rule_id for rule_id, _ in MESSAGE_REPAIRS}
