"""Each repair of a frame: what came, what goes on, and under which rule."""

import pytest

from tests.conformance.normalizing import CLIENT, KEY, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CLOSE, CONT, PING, PONG, TEXT, client_frame, close, frame
from wsproxy.conformance.normalizer import Legs
from wsproxy.conformance.repairs_frames import FRAME_REPAIRS
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import HIXIE76, LEN32

DEFLATE = Legs.alike(negotiated("permessage-deflate"))
LONG = "é".encode() * 70


def masked(opcode: int, payload: bytes = b"", fin: bool = True) -> bytes:
    """A frame under the key that the proxy makes up."""
    return frame(opcode, payload, fin=fin, key=KEY)


HEADERS = [
    # M02 M03 M05 M09 M10 P10 P11 P17 P18
    ("frame.unmasked-by-client", CLIENT, frame(TEXT, b"hi"), masked(TEXT, b"hi")),
    ("frame.unmasked-by-client", CLIENT, frame(PONG), masked(PONG)),
    ("frame.unmasked-by-client", CLIENT, frame(CLOSE, close(1000)), masked(CLOSE, close(1000))),
    # M01 M07
    ("frame.masked-by-server", SERVER, client_frame(TEXT, b"hi"), frame(TEXT, b"hi")),
    ("frame.masked-by-server", SERVER, client_frame(TEXT, b"h" * 300), frame(TEXT, b"h" * 300)),
    # F07 F11
    ("frame.rsv-bits", SERVER, frame(TEXT, b"hi", rsv=3), frame(TEXT, b"hi")),
    ("frame.rsv-bits", CLIENT, client_frame(PING, b"hi", rsv=4), client_frame(PING, b"hi")),
    # O01 O03 O05
    ("frame.reserved-opcode", SERVER, frame(7, b"hi"), b""),
    ("frame.reserved-opcode", SERVER, frame(15), b""),
    # L05 L10 L11
    ("frame.length-not-minimal", SERVER, frame(TEXT, b"h" * 125, form=16), frame(TEXT, b"h" * 125)),
    ("frame.length-not-minimal", SERVER, frame(BINARY, bytes(65535), form=64), frame(BINARY, bytes(65535))),
    ("frame.length-not-minimal", CLIENT, client_frame(TEXT, b"h", form=64), client_frame(TEXT, b"h")),
    # C01 C07 C09
    ("control.fragmented", CLIENT, client_frame(PING, b"hi", fin=False), client_frame(PING, b"hi")),
    ("control.fragmented", SERVER, frame(PONG, fin=False), frame(PONG)),
    # C03 C05 C06
    ("control.too-long", SERVER, frame(PING, b"b" * 126), frame(PING, b"b" * 125)),
    ("control.too-long", SERVER, frame(PING, b"b" * 70_000), frame(PING, b"b" * 125)),
    ("control.too-long", SERVER, frame(CLOSE, close(1000, LONG)), frame(CLOSE, close(1000, LONG[:122]))),
]

CLOSES = [
    ("close.one-byte-payload", b"\x03", b""),  # K06
    ("close.reserved-code", close(1005), b""),  # K17 K19 K21
    ("close.reserved-code", close(1005, b"bye"), close(1000, b"bye")),
    ("close.reserved-code", close(1006), close(1011)),  # K02 K18
    ("close.reserved-code", close(1015, b"tls"), close(1011, b"tls")),
    ("close.invalid-code", close(0), b""),  # K05
    ("close.invalid-code", close(0, b"bye"), close(1000, b"bye")),
    ("close.invalid-code", b"1001", close(1001)),  # K01
    ("close.invalid-code", b"1001 going", close(1001, b"going")),
    ("close.invalid-code", b"\xe8\x03", close(1000)),  # K25 K26
    ("close.invalid-code", b"\x00\xe8", close(1000)),  # K27
    ("close.invalid-code", b"\x00\xf3oops", close(1011, b"oops")),
    ("close.invalid-code", b"\x00\x00\x03\xe9away", close(1001, b"away")),
    ("close.invalid-code", b"\xe8\x03\x00\x00", close(1000)),
    ("close.invalid-code", bytes(8), b""),
    ("close.invalid-code", b"We are closed", close(1000, b"We are closed")),  # K06
    ("close.invalid-code", close(65535), close(1011)),  # K07
    ("close.unassigned-code", close(1004, b"x"), close(1011, b"x")),
    ("close.unassigned-code", close(2000), close(1011)),
    ("close.reason-not-utf8", close(1000, b"ab\xe4\xb8"), close(1000, b"ab")),  # K13 K14
    ("close.reason-not-utf8", bytes.fromhex("03e82d87"), close(1000, b"-\xef\xbf\xbd")),  # K23
]

SOUND = [close(1000), close(1013, b"later"), close(3000), close(4999, "é".encode()), b""]


def passes(line: Line, side: Side, data: bytes, expected: bytes, *rules: str) -> None:
    """The line makes this of that, for these reasons, and the receiver has no complaint."""
    assert line.send(side, data) == expected
    assert line.rules(side) == list(rules)
    assert line.peers[side.other].error is None


@pytest.mark.parametrize(("rule", "side", "came", "goes"), HEADERS)
def test_a_header_is_mended(rule: str, side: Side, came: bytes, goes: bytes) -> None:
    passes(Line(), side, came, goes, rule)


@pytest.mark.parametrize(("rule", "side", "came", "goes"), HEADERS)
def test_a_header_goes_on_as_it_came_if_its_repair_is_off(rule, side, came, goes) -> None:
    line = Line(profile(off=[rule, "deflate.rsv1-on-control"]))
    assert line.send(side, came) == came
    assert line.rules(side) == []


@pytest.mark.parametrize("code", [1005, 1006, 2000, 65535])
def test_a_close_with_two_faults_is_mended_for_both(code: int) -> None:
    line = Line()
    line.send(Side.SERVER, frame(CLOSE, close(code, b"bye\xe2\x82")))
    rules = line.rules(Side.SERVER)
    assert rules[0] == "close.reason-not-utf8"
    assert rules[1:] in (["close.reserved-code"], ["close.unassigned-code"], ["close.invalid-code"])
    assert line.peers[Side.CLIENT].error is None


@pytest.mark.parametrize(("rule", "came", "goes"), CLOSES)
def test_a_close_is_mended(rule: str, came: bytes, goes: bytes) -> None:
    passes(Line(), SERVER, frame(CLOSE, came), frame(CLOSE, goes), rule)
    passes(Line(), CLIENT, client_frame(CLOSE, came), client_frame(CLOSE, goes), rule)


@pytest.mark.parametrize("payload", SOUND)
def test_a_sound_close_is_left_alone(payload: bytes) -> None:
    passes(Line(), SERVER, frame(CLOSE, payload), frame(CLOSE, payload))


def test_a_close_that_was_not_masked_although_it_says_so() -> None:
    came = bytes.fromhex("88 a8 0c 22 38 4e 03 ea") + b"Received frame had RSV bits 2 or 3 set"  # P19
    line = Line()
    line.send(CLIENT, came)
    assert line.rules(CLIENT) == ["frame.payload-unmasked"]
    close_seen = line.peers[SERVER].protocol.close_rcvd
    assert close_seen is not None
    assert (close_seen.code, close_seen.reason) == (1002, "Received frame had RSV bits 2 or 3 set")


def test_what_one_receiver_needs_is_done_only_for_it() -> None:
    okhttp = profile(close_codes={"1013": 1011}, close_with_code=True, zero_key=True)
    passes(Line(okhttp), SERVER, frame(CLOSE, close(1013)), frame(CLOSE, close(1011)), "close.unknown-code")
    passes(Line(okhttp), SERVER, frame(CLOSE), frame(CLOSE, close(1000)), "close.empty")
    zero = frame(TEXT, b"hi", key=bytes(4))
    passes(Line(okhttp), CLIENT, client_frame(TEXT, b"hi"), zero, "frame.key-not-zero")
    passes(Line(okhttp), CLIENT, zero, zero)


def test_reserved_data_can_go_on_as_binary() -> None:
    line = Line(profile(reserved_opcodes="binary"))
    passes(line, SERVER, frame(7, b"hi"), frame(BINARY, b"hi"), "frame.reserved-opcode")


def test_a_dropped_message_is_dropped_with_its_fragments() -> None:
    line = Line()
    came = frame(3, b"a", fin=False) + frame(PING) + frame(CONT, b"b", fin=False) + frame(CONT, b"c")
    assert line.send(SERVER, came + frame(TEXT, b"d")) == frame(PING) + frame(TEXT, b"d")


def test_opcodes_of_an_early_draft() -> None:  # D05
    line = Line(profile(on=["frame.draft-opcode"], opcodes={"4": 1, "5": 2, "1": 8, "2": 9, "3": 10}))
    assert line.send(SERVER, frame(4, b"hi") + frame(5, b"hi")) == frame(TEXT, b"hi") + frame(BINARY, b"hi")
    assert line.send(SERVER, frame(2, b"p")) == frame(PING, b"p")
    assert line.send(SERVER, frame(1, close(1000))) == frame(CLOSE, close(1000))
    assert set(line.rules(SERVER)) == {"frame.draft-opcode"}


def test_frames_of_another_dialect_are_written_anew() -> None:  # L01 L02
    line = Line(dialects={SERVER: LEN32})
    passes(line, SERVER, frame(BINARY, bytes(65536), form=32), frame(BINARY, bytes(65536)), "frame.dialect")
    assert line.send(CLIENT, client_frame(BINARY, bytes(65537))) == frame(
        BINARY, bytes(65537), key=bytes.fromhex("37fa213d"), form=32
    )


def test_a_hixie_device_is_bridged() -> None:  # D01 D02 D03
    line = Line(dialects={SERVER: HIXIE76})
    assert line.send(SERVER, b"\x00hello\xff") == frame(TEXT, b"hello")
    assert line.send(CLIENT, client_frame(TEXT, b"answer")) == b"\x00answer\xff"
    assert (
        line.send(CLIENT, client_frame(TEXT, b"in ", fin=False) + client_frame(CONT, b"two"))
        == b"\x00in two\xff"
    )
    assert line.send(CLIENT, client_frame(PING, b"lost")) == b""
    assert line.send(CLIENT, client_frame(CLOSE, close(1000))) == b"\xff\x00"
    assert line.send(SERVER, b"\xff\x00") == frame(CLOSE)


def test_a_hixie_client_is_bridged() -> None:
    line = Line(dialects={CLIENT: HIXIE76})
    assert line.send(CLIENT, b"\x00hello\xff") == masked(TEXT, b"hello")
    assert line.send(SERVER, frame(TEXT, b"answer")) == b"\x00answer\xff"
    assert line.send(CLIENT, b"\x00" + b"x" * 70_000 + b"\xff")
    assert line.peers[SERVER].error is None
    assert [len(payload) for _, payload in line.peers[SERVER].messages()] == [5, 70_000]
    assert line.send(CLIENT, b"\xff\x00") == masked(CLOSE)


def test_large_frames_pass_under_another_header() -> None:
    line = Line()
    payload = bytes(range(256)) * 800
    came = frame(BINARY, payload)
    first = line.send(CLIENT, came[:70_000])
    assert len(first) > 60_000
    line.send(CLIENT, came[70_000:], [1000])
    assert line.peers[SERVER].received == masked(BINARY, payload)
    line.send(SERVER, client_frame(BINARY, payload), [1 << 15])
    assert line.peers[CLIENT].received == came


def test_a_ping_waits_for_the_large_frame_under_way() -> None:
    line = Line(profile(answer_pings="at-once"))
    data = frame(BINARY, bytes(100_000))
    line.send(SERVER, data[:70_000])
    line.send(CLIENT, client_frame(PING, b"hi"))
    assert line.send(SERVER, data[70_000:]).endswith(b"\0" + frame(PONG, b"hi"))
    assert line.peers[CLIENT].error is None


def test_a_peer_that_never_sets_fin() -> None:
    came = frame(TEXT, b"one", fin=False) + frame(BINARY, b"two", fin=False, key=KEY)
    line = Line(profile(on=["message.fin-missing"]))
    assert line.send(SERVER, came + frame(TEXT, b"x" * 70_000, fin=False), [9000]) == (
        frame(TEXT, b"one") + frame(BINARY, b"two") + frame(TEXT, b"x" * 70_000)
    )
    assert set(line.rules(SERVER)) == {"message.fin-missing", "frame.masked-by-server"}


def test_every_repair_of_a_frame_is_tested_here() -> None:
    tested = {row[0] for row in (*HEADERS, *CLOSES)} | {
        *("frame.payload-unmasked", "close.unknown-code", "close.empty", "frame.key-not-zero"),
        *("frame.draft-opcode", "frame.dialect", "message.fin-missing"),
        # Guesses: test_guesses.py.
        "frame.length-encoding",
        # With compression: test_repairs_deflate.py.
        *("deflate.rsv1-on-control", "deflate.rsv1-on-continuation"),
    }
    assert tested >= {kind.rule_id for kind in FRAME_REPAIRS}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("stray", [b"\0", b"\r\n", b"\0\r\n", b"\r\n\0"])
def test_stray_bytes_before_any_frame_are_taken_out_in_any_cutting(side: Side, stray: bytes) -> None:
    """A05 A07 G15: before fragments, control frames without FIN and, where it can be told, wrong RSV bits."""
    key = KEY if side is CLIENT else None
    begun = stray + frame(TEXT, b"all ", fin=False, key=key) + frame(CONT, b"of it", key=key)
    pinged = stray + frame(PING, b"anyone", fin=False, key=key)
    odd = stray + frame(TEXT, b"odd", rsv=2 if stray == b"\r\n" or side is SERVER else 0, key=key)
    whole = begun + pinged + odd + frame(CLOSE, close(1000), key=key)
    for size in range(1, len(whole) + 1):
        line = Line()
        line.send(side, whole, (size,))
        assert line.peers[side.other].messages() == [(TEXT, b"all of it"), (TEXT, b"odd")]
        assert [each.opcode for each in line.peers[side.other].frames if each.opcode >= CLOSE] == [
            PING,
            CLOSE,
        ]
