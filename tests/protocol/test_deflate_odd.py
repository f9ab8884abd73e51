"""permessage-deflate as peers have it: done in ways of their own, inflated all the same, or reported."""

import zlib

import pytest

from tests.protocol.compression import TAIL, Compressor, finished
from tests.protocol.inflated import WORDS, bounded, good
from wsproxy.protocol.deflate import DeflateParameters, Inflater
from wsproxy.protocol.frame import Side
from wsproxy.protocol.inflate import Fragment


class TestOddEndings:
    """Messages that do not end as they should; the next one is not harmed (Z09, Z10, Z11, Z14, Z15)."""

    @pytest.mark.parametrize(
        ("oddity", "payload", "error"),
        [
            pytest.param(b"", b"", "no compressed data", id="zero bytes"),
            pytest.param(
                Compressor().compress(WORDS) + TAIL, WORDS, "not removed from its end", id="tail kept"
            ),
            pytest.param(finished(WORDS), WORDS, "final one", id="final block"),
            pytest.param(
                finished(WORDS) + TAIL, WORDS, "not removed from its end", id="final block and tail"
            ),
            pytest.param(finished(b"a") + finished(b"b"), b"ab", "final one", id="two streams"),
            pytest.param(
                finished(b"a") + Compressor().compress(b"b"), b"ab", None, id="stream after a final block"
            ),
        ],
    )
    @pytest.mark.parametrize("alone", [False, True])
    def test_odd_ending(self, oddity: bytes, payload: bytes, error: str | None, alone: bool) -> None:
        compressor, inflater = Compressor(takeover=not alone), Inflater(no_context_takeover=alone)
        assert inflater.inflate(compressor.compress(b"before " + WORDS)) == good(b"before " + WORDS)
        inflated = inflater.inflate(oddity)
        assert inflated[:2] == (payload, len(payload))
        assert (error or "None") in str(inflated.error)
        after = Compressor(takeover=not alone)
        assert inflater.inflate(after.compress(b"after")) == good(b"after")

    def test_zero_bytes_between_messages_that_belong_together(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
        assert inflater.inflate(b"").payload == b""
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_every_message_with_its_tail(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        for _ in range(3):
            payload, _, error, _ = inflater.inflate(compressor.compress(WORDS) + TAIL)
            assert payload == WORDS
            assert error == "00 00 ff ff was not removed from its end (RFC 7692 section 7.2.1)"

    def test_one_byte_for_nothing_is_usual(self) -> None:
        assert Inflater().inflate(b"\x00") == good(b"")

    def test_takeover_across_a_final_block(self) -> None:
        squeezer = zlib.compressobj(wbits=-15, zdict=WORDS)
        later = squeezer.compress(WORDS) + squeezer.flush(zlib.Z_SYNC_FLUSH)
        inflater = Inflater()
        assert inflater.inflate(finished(WORDS)).payload == WORDS
        assert inflater.inflate(later[:-4]) == good(WORDS)


class TestUnreadable:
    """What cannot be inflated is reported, and what comes next is inflated if anyone could (X05, Z01)."""

    def test_corrupt(self) -> None:
        corrupt = bytes.fromhex("1a5c27a718595a200fd48c9e9c327a72ca")
        error = "it cannot be inflated (invalid distance too far back); the payload is as received"
        assert Inflater().inflate(corrupt)[:3] == (corrupt, 17, error)

    def test_corrupt_at_most_the_limit(self) -> None:
        assert Inflater(output_limit=5).inflate(b"\xff" * 9)[:2] == (b"\xff" * 5, 9)

    def test_cut_off(self) -> None:
        inflated = Inflater().inflate(Compressor().compress(WORDS)[:-9])
        assert inflated.payload
        assert WORDS.startswith(inflated.payload)
        assert inflated.length == len(inflated.payload)
        assert inflated.error == "it stops in the middle of a block; the payload is what could be inflated"

    def test_messages_that_stand_alone_go_on(self) -> None:
        compressor, inflater = Compressor(takeover=False), Inflater(no_context_takeover=True)
        for _ in range(3):
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
            assert inflater.inflate(b"\x04").error

    def test_what_refers_to_nothing_lost_goes_on(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
        assert inflater.inflate(b"\xff\xff").error
        compressor = Compressor()
        assert inflater.inflate(compressor.compress(b"anew " + WORDS)) == good(b"anew " + WORDS)
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_message_from_elsewhere_between_two(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
        assert inflater.inflate(b"\xff\xff").error
        assert inflater.inflate(b"\xff\xff").error
        payload, _, error, _ = inflater.inflate(compressor.compress(WORDS))
        assert payload == WORDS
        assert (
            error == "inflated as if the message that could not be inflated had not been sent; may be wrong"
        )

    def test_reference_into_what_was_lost(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        lost = compressor.compress(WORDS)
        assert inflater.inflate(b"\xff" + lost).error
        assert "too far back" in str(inflater.inflate(compressor.compress(WORDS)).error)

    def test_cut_off_stream(self) -> None:
        inflater = Inflater()
        stream = inflater.stream()
        stream.receive_data(Compressor().compress(WORDS)[:-9])
        payload, _, error, _ = stream.finish()
        assert payload
        assert WORDS.startswith(payload)
        assert error == "it stops in the middle of a block; the payload is what could be inflated"
        assert inflater.inflate(Compressor().compress(WORDS)) == good(WORDS)

    def test_corrupt_stream(self) -> None:
        stream = Inflater().stream()
        stream.receive_data(Compressor().compress(WORDS))
        stream.receive_data(b"\xff" * 9)
        stream.receive_data(b"more")
        assert stream.finish()[:2] == (WORDS, len(WORDS))


class TestWindows:
    """Peers whose window is not the one agreed on (Z02, Z05, Z17, Z19, Z27, C101)."""

    @pytest.mark.parametrize("window_bits", range(9, 16))
    def test_largest_window_whatever_was_agreed(self, window_bits: int) -> None:
        parameters = DeflateParameters(server_max_window_bits=8, client_max_window_bits=8)
        compressor, inflater = Compressor(window_bits=window_bits), parameters.inflater(Side.SERVER)
        noise = bytes((i * i * 31 + i) >> 5 & 0xFF for i in range(32_000))
        for message in (noise, noise[::-1], noise):
            assert inflater.inflate(compressor.compress(message)) == good(message)

    def test_takeover_that_was_not_agreed(self) -> None:
        compressor, inflater = Compressor(), Inflater(no_context_takeover=True)
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
        for _ in range(3):
            payload, _, error, _ = inflater.inflate(compressor.compress(WORDS))
            assert payload == WORDS
            assert error is not None
            assert error.startswith("it refers to an earlier message")

    def test_no_takeover_though_it_was_agreed(self) -> None:
        compressor, inflater = Compressor(takeover=False), Inflater()
        for _ in range(3):
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    @pytest.mark.parametrize("alone", [False, True])
    def test_uncompressed_messages_in_the_window(self, alone: bool) -> None:
        compressor, inflater = Compressor(), Inflater(no_context_takeover=alone)
        compressor.compress(WORDS)
        inflater.pass_plain(WORDS)
        payload, _, error, _ = inflater.inflate(compressor.compress(WORDS))
        assert payload == WORDS
        assert error is not None
        assert error.startswith("its peer also keeps uncompressed messages")
        compressor.compress(b"more " + WORDS[::-1])
        inflater.pass_plain(b"more " + WORDS[::-1])
        for message in (WORDS[::-1], WORDS):
            assert inflater.inflate(compressor.compress(message)) == good(message)

    def test_uncompressed_messages_usually_stay_out(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        for _ in range(3):
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
            inflater.pass_plain(b"in between")

    def test_back_to_the_window_of_compressed_messages(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        compressor.compress(WORDS)
        inflater.pass_plain(WORDS)
        assert inflater.inflate(compressor.compress(WORDS)).error
        inflater.pass_plain(b"far too long to be kept", whole=False)
        for _ in range(2):
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_uncompressed_message_only_known_in_part(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        compressor.compress(WORDS)
        inflater.pass_plain(WORDS, whole=True)
        inflater.pass_plain(WORDS, whole=False)
        assert "too far back" in str(inflater.inflate(compressor.compress(WORDS)).error)

    def test_window_stays_small(self) -> None:
        compressor, inflater = Compressor(level=1), Inflater()
        with bounded(seconds=30, mebibytes=8):
            for turn in range(300):
                message = turn.to_bytes(4, "big") * 2500
                assert inflater.inflate(compressor.compress(message)) == good(message)
                inflater.pass_plain(message)


class TestPartialFlush:
    """Messages that end in the middle of a byte, as Z_PARTIAL_FLUSH ends them."""

    error = "it is flushed in part: it does not end with a byte (RFC 7692 section 7.2.1)"
    said = (
        WORDS,
        b"tick tock",
        WORDS + b"!",
        b"no",
        *(b"number %d of the lot" % n for n in range(60)),
        WORDS,
    )

    @pytest.mark.parametrize("alone", [False, True])
    @pytest.mark.parametrize("level", [1, 6])
    def test_messages_in_a_row(self, alone: bool, level: int) -> None:
        inflater, squeezer = Inflater(), zlib.compressobj(level, wbits=-15)
        for said in self.said:
            if alone:
                squeezer = zlib.compressobj(level, wbits=-15)
            data = squeezer.compress(said) + squeezer.flush(zlib.Z_PARTIAL_FLUSH)
            assert inflater.inflate(data) == (said, len(said), self.error, False)

    def test_in_several_frames(self) -> None:
        inflater, squeezer = Inflater(), zlib.compressobj(wbits=-15)
        for _ in range(3):
            data = squeezer.compress(WORDS) + squeezer.flush(zlib.Z_PARTIAL_FLUSH)
            fragments = [Fragment(True, data[:4]), Fragment(False, data[4:])]
            assert inflater.inflate_fragments(fragments)[:3] == (WORDS, len(WORDS), self.error)

    def test_a_peer_that_flushes_rightly_from_then_on(self) -> None:
        inflater, squeezer = Inflater(), zlib.compressobj(wbits=-15)
        data = squeezer.compress(WORDS) + squeezer.flush(zlib.Z_PARTIAL_FLUSH)
        assert inflater.inflate(data).error == self.error
        compressor = Compressor()
        for _ in range(2):
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_what_is_no_text_is_not_believed(self) -> None:
        squeezer = zlib.compressobj(wbits=-15)
        data = squeezer.compress(bytes(9)) + squeezer.flush(zlib.Z_PARTIAL_FLUSH)
        assert Inflater().inflate(data).failed

    def test_a_message_cut_short_is_none(self) -> None:
        data = Compressor().compress(WORDS)
        assert all(Inflater().inflate(data[:size]).error != self.error for size in range(1, len(data) - 1))


class TestFrames:
    """Messages in several frames that are not one compressed whole (Z07, Z13, Z23)."""

    each = "each of its frames is compressed by itself (RFC 7692 section 6.1)"
    inner = "00 00 ff ff was removed from the end of each frame, not of the message (RFC 7692 section 7.2.1)"

    @pytest.mark.parametrize(
        ("rsv1", "error"),
        [((True, True, True), each), ((True, False, False), inner)],
    )
    def test_each_frame_by_itself(self, rsv1: tuple[bool, ...], error: str) -> None:
        compressor, inflater = Compressor(), Inflater()
        fragments = [Fragment(bit, compressor.compress(WORDS)) for bit in rsv1]
        assert inflater.inflate_fragments(fragments)[:3] == (WORDS * 3, len(WORDS) * 3, error)
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_one_of_the_frames_uncompressed(self) -> None:
        compressor, inflater = Compressor(), Inflater()
        first, last = Fragment(True, compressor.compress(WORDS)), Fragment(True, compressor.compress(b"end"))
        payload, _, error, _ = inflater.inflate_fragments([first, Fragment(False, b" plain "), last])
        assert (payload, error) == (WORDS + b" plain end", self.each)

    def test_only_a_later_frame_compressed(self) -> None:
        fragments = [Fragment(False, b"plain "), Fragment(True, Compressor().compress(WORDS))]
        assert Inflater().inflate_fragments(fragments)[::2] == (b"plain " + WORDS, self.each)

    def test_whole_message_with_rsv1_on_every_frame(self) -> None:
        data = Compressor().compress(WORDS)
        assert Inflater().inflate_fragments([Fragment(True, data[:9]), Fragment(True, data[9:])]) == good(
            WORDS
        )

    def test_deflate_frame(self) -> None:
        compressor, inflater = Compressor(), Inflater(per_frame=True)
        for _ in range(2):
            fragments = [Fragment(True, compressor.compress(WORDS)), Fragment(False, b"!")]
            assert inflater.inflate_fragments(fragments) == good(WORDS + b"!")
            assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_deflate_frame_agreed_and_messages_compressed(self) -> None:
        data = Compressor().compress(WORDS)
        fragments = [Fragment(True, data[:9]), Fragment(False, data[9:])]
        assert Inflater(per_frame=True).inflate_fragments(fragments).payload == WORDS
