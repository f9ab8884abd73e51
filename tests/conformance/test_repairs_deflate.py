"""Compressed messages: those that pass, and those that go on inflated."""

import gzip
import random
import zlib

import pytest

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CLOSE, CONT, PING, TEXT, client_frame, close, frame
from wsproxy.conformance.checks_deflate import UNMARKED
from wsproxy.conformance.normalizer import Legs

DEFLATE = negotiated("permessage-deflate")
BOTH = Legs.alike(DEFLATE)


class Deflater:
    """Compresses one message after the other."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(wbits=-15)

    def message(self, data: bytes) -> bytes:
        return (self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def got(line: Line, side=CLIENT) -> list[bytes]:
    assert line.peers[side].error is None
    return [payload for _, payload in line.peers[side].messages()]


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


@pytest.mark.parametrize("wrap", [zlib.compress, gzip.compress])
def test_what_is_compressed_as_a_file_is(wrap) -> None:
    line = Line(legs=BOTH)
    line.send(SERVER, frame(TEXT, wrap(b"a message"), rsv=4) * 2)
    assert got(line) == [b"a message"] * 2
    assert set(line.rules(SERVER)) == {"deflate.wrapped", "deflate.final-block", "deflate.ended"}


def test_what_is_not_compressed_at_all_is_read_as_it_is() -> None:
    line, deflater = Line(legs=BOTH), Deflater()
    said = [b"tick tock tick tock", b"a message", b"tick tock tick tock"]
    line.send(SERVER, frame(TEXT, deflater.message(said[0]), rsv=4))
    line.send(SERVER, frame(TEXT, said[1], rsv=4))
    line.send(SERVER, frame(TEXT, deflater.message(said[2]), rsv=4))
    assert got(line) == said
    assert line.rules(SERVER) == ["deflate.not-compressed", "deflate.ended"]


def test_what_is_compressed_and_not_marked_so() -> None:
    line, deflater = Line(legs=BOTH), Deflater()
    said = [b"tick tock tick tock", b"tick tock tick tock, again", b"plain", b"tick tock"]
    for text in said[:2]:
        line.send(SERVER, frame(TEXT, deflater.message(text)))
    line.send(SERVER, frame(TEXT, said[2]) + frame(TEXT, deflater.message(said[3]), rsv=4))
    assert got(line) == said
    assert line.rules(SERVER) == [UNMARKED, UNMARKED, "deflate.ended", "deflate.ended"]
    # Text that is no UTF-8 stays what it is, and spoils nothing.
    line = Line(legs=BOTH)
    first = frame(TEXT, Deflater().message(b"tick tock"), rsv=4)
    assert line.send(SERVER, first) == first
    line.send(SERVER, frame(TEXT, b"caf\xe9 au lait"))
    assert got(line)[1] == "caf\N{REPLACEMENT CHARACTER} au lait".encode()


@pytest.mark.parametrize("marked", [(), (1,), (2,), (1, 2)])
@pytest.mark.parametrize("sizes", [(), (1,), (7,)])
def test_fragments_of_what_is_compressed_and_not_marked_so(marked, sizes) -> None:
    line, deflater = Line(legs=BOTH), Deflater()
    said = [b"tick tock tick tock", b"a message and more of it", b"tick tock tick tock, said the clock"]
    for each in said:
        data = deflater.message(each)
        cuts = (0, 4, 9, len(data))
        for n in range(3):
            rsv = 4 if n in marked else 0
            line.send(
                SERVER,
                frame(CONT if n else TEXT, data[cuts[n] : cuts[n + 1]], fin=n == 2, rsv=rsv),
                sizes,
            )
    assert got(line) == said
    assert UNMARKED in line.rules(SERVER)


def test_fragments_of_text_that_are_cut_in_a_character_go_on_at_once() -> None:
    line = Line(legs=BOTH)
    for part in (
        frame(TEXT, "gr\u00fc".encode()[:3], fin=False),
        frame(CONT, "\u00fc\u00df".encode()[1:], fin=False),
    ):
        assert line.send(SERVER, part) == part


def test_a_flush_in_part() -> None:
    squeezer, line = zlib.compressobj(wbits=-15), Line(legs=BOTH)
    said = [b"tick tock tick tock", b"a message", b"tick tock tick tock"]
    for each in said:
        data = squeezer.compress(each) + squeezer.flush(zlib.Z_PARTIAL_FLUSH)
        line.send(SERVER, frame(TEXT, data, rsv=4))
    assert got(line) == said
    assert set(line.rules(SERVER)) == {"deflate.partial-flush", "deflate.ended"}


def test_what_is_compressed_to_a_few_ascii_characters_and_never_marked() -> None:
    """The same again is little more than a reference, which may be UTF-8 by chance."""
    line, deflater = Line(legs=BOTH), Deflater()
    lamp = b'{"lamp": {"state": "on", "level": 100}}'
    sent = [deflater.message(lamp) for _ in range(3)]
    assert sent[2].isascii()
    for each in sent:
        line.send(SERVER, frame(TEXT, each))
    line.send(SERVER, frame(TEXT, b"plain, with a tab\t"))
    assert got(line) == [lamp] * 3 + [b"plain, with a tab\t"]
    assert line.rules(SERVER).count(UNMARKED) == 3


def test_compression_that_a_message_spoils_is_not_spoiled_by_a_plain_one() -> None:
    line, deflater = Line(legs=BOTH), Deflater()
    line.send(SERVER, frame(TEXT, deflater.message(b"tick tock tick tock"), rsv=4))
    line.send(SERVER, frame(TEXT, b"\x04", rsv=4) + frame(TEXT, b"all that is plain here, and long enough"))
    line.send(SERVER, frame(TEXT, deflater.message(b"tick tock tick tock"), rsv=4))
    assert got(line)[-1] == b"tick tock tick tock"


def test_a_zlib_stream_over_several_messages() -> None:
    line, compressor = Line(legs=BOTH), zlib.compressobj()
    for _ in range(3):
        data = compressor.compress(b"tick tock") + compressor.flush(zlib.Z_SYNC_FLUSH)
        line.send(SERVER, frame(TEXT, data[:-4], rsv=4))
    assert got(line) == [b"tick tock"] * 3
    assert set(line.rules(SERVER)) == {"deflate.wrapped", "deflate.ended"}


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
    expected = "deflate.ended" if legs.server.deflate else "frame.rsv-bits"
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
    assert line.rules(SERVER) == ["deflate.rsv1-on-control", "deflate.rsv1-on-continuation"]


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
    assert set(line.rules(SERVER)) == {"deflate.ended"}


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


def test_faults_are_named_once_messages_go_on_inflated_too() -> None:
    deflater, line = Deflater(), Line(legs=BOTH)
    line.send(SERVER, frame(TEXT, deflater.message(b"first") + b"\x00\x00\xff\xff", rsv=4))
    data = deflater.message(b"second")
    line.send(SERVER, frame(TEXT, data[:3], fin=False, rsv=4) + frame(CONT, data[3:], rsv=4))
    assert got(line) == [b"first", b"second"]
    assert "deflate.rsv1-on-continuation" in line.rules(SERVER)
