"""Compressed messages that become very large."""

from tests.protocol.compression import Compressor
from tests.protocol.inflated import WORDS, bounded, good
from wsproxy.protocol.deflate import Inflater
from wsproxy.protocol.inflate import Fragment


class TestBombs:
    """Little data that becomes much: cut at the limit, given up far beyond it, and never slow."""

    bomb = Compressor().compress(bytes(1 << 28))

    def test_output_is_cut_and_the_window_kept(self) -> None:
        compressor, inflater = Compressor(), Inflater(output_limit=1000)
        message = WORDS * 100
        assert inflater.inflate(compressor.compress(message))[:3] == (message[:1000], len(message), None)
        assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)

    def test_nothing_is_kept(self) -> None:
        assert Inflater(output_limit=0).inflate(Compressor().compress(WORDS))[:3] == (b"", len(WORDS), None)

    def test_output_of_exactly_the_limit(self) -> None:
        assert Inflater(output_limit=len(WORDS)).inflate(Compressor().compress(WORDS)) == good(WORDS)

    def test_large_honest_message(self) -> None:
        message = b"".join(b'{"id":%d},' % number for number in range(400_000))
        compressor, inflater = Compressor(), Inflater()
        with bounded(seconds=30, mebibytes=16):
            assert inflater.inflate(compressor.compress(message))[:3] == (
                message[: 1 << 20],
                len(message),
                None,
            )
        assert inflater.inflate(compressor.compress(message[-99:])) == good(message[-99:])

    def test_bomb(self) -> None:
        inflater = Inflater()
        with bounded(seconds=10, mebibytes=8):
            payload, length, error, _ = inflater.inflate(self.bomb)
        assert payload == bytes(1 << 20)
        assert length < 64 << 20
        assert error == f"it inflates to more than {length} bytes; the payload is what could be inflated"
        assert inflater.inflate(Compressor().compress(WORDS)) == good(WORDS)

    def test_streamed_bomb(self) -> None:
        stream = Inflater().stream()
        with bounded(seconds=10, mebibytes=8):
            for start in range(0, len(self.bomb), 1000):
                stream.receive_data(self.bomb[start : start + 1000])
            payload, length, error, _ = stream.finish()
        assert (payload, length < 64 << 20) == (bytes(1 << 20), True)
        assert error is not None

    def test_bomb_that_fails_at_its_end_is_not_tried_in_every_way(self) -> None:
        inflater = Inflater(no_context_takeover=True)
        inflater.pass_plain(WORDS)
        bomb = self.bomb[:100_000]
        fragments = [Fragment(True, bomb), Fragment(True, b"\xff" * 9), Fragment(True, b"\xff" * 9)]
        with bounded(seconds=10, mebibytes=8):
            assert inflater.inflate_fragments(fragments).error

    def test_final_blocks_without_end(self) -> None:
        with bounded(seconds=10, mebibytes=8):
            error = Inflater().inflate(b"\x03\x00" * 200_000).error
        assert error == "it has more than 256 final blocks; the payload is what could be inflated"
