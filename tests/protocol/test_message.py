"""MessageAssembler: fragments to messages, whatever stands between them, and nothing left out."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.compression import TAIL, Compressor
from tests.protocol.strategies import piece_limits, streams
from tests.wire.build import BINARY, CONT, PING, PONG, TEXT, client_frame, frame
from wsproxy.errors import UsageError
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import Inflater
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData
from wsproxy.protocol.grammar import HIXIE76, RFC6455
from wsproxy.protocol.message import Message, MessageAssembler

RSV1 = 4
ORPHAN = "a continuation frame without a message to continue (RFC 6455 section 5.4)"
REPEATED = "a fragment repeats the message's opcode, taken as its continuation (RFC 6455 section 5.4)"
INSIDE = "sent inside a fragmented message of another opcode (RFC 6455 section 5.4)"
SUPERSEDED = "unfinished: another message began (RFC 6455 section 5.4)"
CUT_OFF = "unfinished: the stream ended"
NOT_AGREED = "RSV1 is set, but no compression was agreed: the payload is as received (RFC 7692 section 6)"
LATE_RSV1 = "RSV1 is set on a continuation frame (RFC 7692 section 6.1)"
WORDS = b"the box says nothing until it is asked in its own spelling"


def assemble(
    *frames: bytes,
    inflater: Inflater | None = None,
    dialect: Dialect = RFC6455,
    piece_limit: int = 65536,
    message_limit: int = 1 << 20,
    eof: bool = True,
) -> list[Message]:
    """The messages in a stream; with `eof`, what is left of it at its end, too."""
    decoder = FrameDecoder(dialect, piece_limit=piece_limit)
    assembler = MessageAssembler(inflater, message_limit=message_limit)
    received = [assembler.receive(event) for event in decoder.receive_data(b"".join(frames))]
    messages = [message for message in received if message is not None]
    return messages + (assembler.receive_eof() if eof else [])


def seen(messages: list[Message]) -> list[tuple[int, bytes, str | None]]:
    return [(message.opcode, message.payload, message.error) for message in messages]


limits = pytest.mark.parametrize("piece_limit", [1, 3, 65536])


@limits
def test_single_frame(piece_limit: int) -> None:
    whole = client_frame(TEXT, b"Hello")
    expected = Message(TEXT, b"Hello", 5, 1, False, 0, len(whole))
    assert assemble(whole, piece_limit=piece_limit) == [expected]


@limits
def test_fragments_with_control_frames_between(piece_limit: int) -> None:
    start = frame(PING, b"are you there")
    first, ping, second = frame(TEXT, b"Hel", fin=False), frame(PING, b"1234"), frame(CONT, b"", fin=False)
    pong, last = frame(PONG), frame(CONT, b"lo")
    messages = assemble(start, first, ping, second, pong, last, frame(BINARY, b"x"), piece_limit=piece_limit)
    end = sum(map(len, (start, first, ping, second, pong, last)))
    assert messages == [
        Message(TEXT, b"Hello", 5, 3, False, len(start), end),
        Message(BINARY, b"x", 1, 1, False, end, end + 3),
    ]


@limits
@pytest.mark.parametrize("opcode", [3, 7])
def test_reserved_data_opcodes_make_messages(opcode: int, piece_limit: int) -> None:
    assert seen(assemble(frame(opcode, b"Hello"), piece_limit=piece_limit)) == [(opcode, b"Hello", None)]


@limits
def test_reserved_control_opcodes_make_none(piece_limit: int) -> None:
    assert assemble(*(frame(opcode, b"Hello") for opcode in range(8, 16)), piece_limit=piece_limit) == []


@limits
def test_hixie_76(piece_limit: int) -> None:
    messages = assemble(b"\0Hello\xff\0\xff", dialect=HIXIE76, piece_limit=piece_limit)
    assert messages == [Message(TEXT, b"Hello", 5, 1, False, 0, 7), Message(TEXT, b"", 0, 1, False, 7, 9)]


@limits
class TestOutOfOrder:
    """Fragments that are not in the order of RFC 6455 section 5.4 (O02, G03, G09, G11, G15, G17, A03)."""

    def test_orphans(self, piece_limit: int) -> None:
        frames = frame(CONT, b"one", fin=False), frame(CONT, b"two"), frame(TEXT, b"three")
        assert seen(assemble(*frames, piece_limit=piece_limit)) == [
            (CONT, b"one", ORPHAN),
            (CONT, b"two", ORPHAN),
            (TEXT, b"three", None),
        ]

    def test_stray_zeros(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"a"), bytes(4), frame(TEXT, b"b")
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(1, b"a", None), (0, b"", ORPHAN), (0, b"", ORPHAN), (1, b"b", None)]

    def test_repeated_opcode(self, piece_limit: int) -> None:
        frames = [
            frame(TEXT, b"a", fin=False),
            frame(TEXT, b"b", fin=False),
            frame(TEXT, b"c"),
            frame(TEXT, b"d"),
        ]
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, b"abc", REPEATED), (TEXT, b"d", None)]
        assert messages[0].frames == 3

    def test_whole_message_inside_another(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hel", fin=False), frame(BINARY, b"inside"), frame(CONT, b"lo")
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(BINARY, b"inside", INSIDE), (TEXT, b"Hello", None)]
        assert [(message.start_offset, message.end_offset) for message in messages] == [(5, 13), (0, 17)]

    def test_another_fragmented_message(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hel", fin=False), frame(BINARY, b"an", fin=False), frame(CONT, b"other")
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, b"Hel", SUPERSEDED), (BINARY, b"another", None)]
        assert messages[0].end_offset == 5

    def test_end_of_the_stream(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hel", fin=False), frame(BINARY, b"inside")[:-2]
        messages = assemble(*frames, piece_limit=piece_limit)
        inside = [(BINARY, b"insi", f"{INSIDE}; {CUT_OFF}")] if piece_limit < 6 else []
        assert seen(messages) == [(TEXT, b"Hel", CUT_OFF), *inside]

    def test_end_of_the_stream_inside_a_frame(self, piece_limit: int) -> None:
        messages = assemble(frame(TEXT, b"Hello", fin=False)[:-2], piece_limit=piece_limit)
        assert seen(messages) == ([(TEXT, b"Hel", CUT_OFF)] if piece_limit < 5 else [])

    def test_opaque_from_here_on(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hel", fin=False), b"\x81\x7f" + b"\xff" * 8
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, b"Hel", "unfinished: no frames can be told apart from here on")]
        assert assemble(frames[1], piece_limit=piece_limit) == []


def test_end_of_the_stream_only_once() -> None:
    assembler = MessageAssembler()
    assembler.receive(Frame(0, b"\x01\x01", False, 0, TEXT, None, 1, b"a"))
    assert len(assembler.receive_eof()) == 1
    assert assembler.receive_eof() == []


def test_piece_of_no_frame_is_ignored() -> None:
    assert MessageAssembler().receive(FramePiece(0, b"a", True)) is None


@limits
class TestCompression:
    def test_compressed(self, piece_limit: int) -> None:
        compressor, inflater = Compressor(), Inflater()
        data = [compressor.compress(WORDS) for _ in range(2)]
        frames = frame(TEXT, data[0], rsv=RSV1), frame(TEXT, b"plain"), client_frame(TEXT, data[1], rsv=RSV1)
        messages = assemble(*frames, inflater=inflater, piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, WORDS, None), (TEXT, b"plain", None), (TEXT, WORDS, None)]
        assert [message.compressed for message in messages] == [True, False, True]
        assert [message.length for message in messages] == [58, 5, 58]

    def test_compressed_fragments(self, piece_limit: int) -> None:
        data = Compressor().compress(WORDS)
        frames = frame(TEXT, data[:9], rsv=RSV1, fin=False), frame(PING), frame(CONT, data[9:])
        messages = assemble(*frames, inflater=Inflater(), piece_limit=piece_limit)
        length = len(b"".join(frames))
        assert messages == [Message(TEXT, WORDS, len(WORDS), 2, True, 0, length)]

    def test_rsv1_on_every_fragment(self, piece_limit: int) -> None:
        data = Compressor().compress(WORDS)
        frames = [
            frame(TEXT, data[:9], rsv=RSV1, fin=False),
            frame(CONT, data[9:12], rsv=RSV1, fin=False),
            frame(CONT, data[12:], rsv=RSV1),
        ]
        messages = assemble(*frames, inflater=Inflater(), piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, WORDS, LATE_RSV1)]

    def test_jetty_mix(self, piece_limit: int) -> None:
        compressor = Compressor()
        first, second, last = (compressor.compress(part) for part in (b"one ", b"two ", b"four"))
        frames = [
            frame(TEXT, first, rsv=RSV1, fin=False),
            frame(CONT, second, rsv=RSV1, fin=False),
            frame(CONT, b"three ", fin=False),
            frame(CONT, last, rsv=RSV1),
        ]
        [message] = assemble(*frames, inflater=Inflater(), piece_limit=piece_limit)
        assert message.payload == b"one two three four"
        each = "each of its frames is compressed by itself (RFC 7692 section 6.1)"
        assert message.error == f"{LATE_RSV1}; {each}"

    def test_rsv1_on_a_later_fragment_only(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"a", fin=False), frame(CONT, Compressor().compress(b"b"), rsv=RSV1)
        [message] = assemble(*frames, inflater=Inflater(), piece_limit=piece_limit)
        assert (message.payload, message.compressed) == (b"ab", True)
        assert LATE_RSV1 in str(message.error)

    def test_zero_bytes(self, piece_limit: int) -> None:
        compressor, inflater = Compressor(), Inflater()
        data = [compressor.compress(WORDS) for _ in range(2)]
        frames = frame(TEXT, data[0], rsv=RSV1), b"\xc1\x00", frame(TEXT, data[1], rsv=RSV1)
        messages = assemble(*frames, inflater=inflater, piece_limit=piece_limit)
        assert [message.payload for message in messages] == [WORDS, b"", WORDS]
        assert [bool(message.error) for message in messages] == [False, True, False]

    def test_corrupt(self, piece_limit: int) -> None:
        [message] = assemble(bytes.fromhex("c20104"), inflater=Inflater(), piece_limit=piece_limit)
        assert message.error

    def test_not_agreed(self, piece_limit: int) -> None:
        data = Compressor().compress(WORDS)
        frames = [
            frame(TEXT, data, rsv=RSV1),
            frame(TEXT, data[:9], rsv=RSV1, fin=False),
            frame(CONT, data[9:]),
        ]
        messages = assemble(*frames, piece_limit=piece_limit)
        assert seen(messages) == [(TEXT, data, NOT_AGREED)] * 2
        assert [message.compressed for message in messages] == [True, True]

    def test_other_reserved_bits_are_no_compression(self, piece_limit: int) -> None:
        [message] = assemble(frame(TEXT, b"a", rsv=3), inflater=Inflater(), piece_limit=piece_limit)
        assert seen([message]) == [(TEXT, b"a", None)]

    def test_unfinished(self, piece_limit: int) -> None:
        data = Compressor().compress(WORDS)
        frames = frame(TEXT, data, rsv=RSV1, fin=False), frame(TEXT, b"", fin=False)
        [message] = assemble(*frames, inflater=Inflater(), piece_limit=piece_limit)
        assert (message.payload, message.error) == (WORDS, f"{REPEATED}; {CUT_OFF}")


@limits
class TestLimit:
    def test_more_than_the_limit(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hello"), frame(TEXT, b"Hello", fin=False), frame(CONT, b"you")
        messages = assemble(*frames, message_limit=3, piece_limit=piece_limit)
        assert [(message.payload, message.length, message.truncated) for message in messages] == [
            (b"Hel", 5, True),
            (b"Hel", 8, True),
        ]

    def test_exactly_the_limit(self, piece_limit: int) -> None:
        assert not assemble(frame(TEXT, b"Hello"), message_limit=5, piece_limit=piece_limit)[0].truncated

    def test_compressed_data_over_the_limit(self, piece_limit: int) -> None:
        compressor, inflater = Compressor(level=0), Inflater(output_limit=20)
        data = [compressor.compress(WORDS) for _ in range(2)]
        frames = [frame(TEXT, data[0][:9], rsv=RSV1, fin=False), frame(CONT, data[0][9:])]
        frames += [frame(TEXT, data[1], rsv=RSV1)]
        messages = assemble(*frames, inflater=inflater, message_limit=20, piece_limit=piece_limit)
        assert [(message.payload, message.length) for message in messages] == [(WORDS[:20], 58)] * 2
        assert [(message.truncated, message.error) for message in messages] == [(True, None)] * 2

    def test_corrupt_data_over_the_limit(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"\xff" * 30, rsv=RSV1), frame(TEXT, Compressor().compress(WORDS), rsv=RSV1)
        messages = assemble(*frames, inflater=Inflater(), message_limit=20, piece_limit=piece_limit)
        assert messages[0].error
        assert seen(messages[1:]) == [(TEXT, WORDS, None)]

    def test_frames_compressed_one_by_one_over_the_limit(self, piece_limit: int) -> None:
        compressor, inflater = Compressor(level=0), Inflater(per_frame=True)
        data = [compressor.compress(WORDS) for _ in range(2)]
        frames = frame(TEXT, data[0], rsv=RSV1, fin=False), frame(CONT, data[1], rsv=RSV1)
        again = frame(TEXT, Compressor().compress(b"a"), rsv=RSV1)
        messages = assemble(*frames, again, inflater=inflater, message_limit=20, piece_limit=piece_limit)
        assert "the payload is what could be inflated" in str(messages[0].error)
        assert seen(messages[1:]) == [(TEXT, b"a", None)]

    def test_rsv1_too_late_to_be_inflated(self, piece_limit: int) -> None:
        frames = frame(TEXT, b"Hello", fin=False), frame(CONT, Compressor().compress(b"b"), rsv=RSV1)
        [message] = assemble(*frames, inflater=Inflater(), message_limit=3, piece_limit=piece_limit)
        assert message.error

    def test_uncompressed_over_the_limit(self, piece_limit: int) -> None:
        [message] = assemble(
            frame(TEXT, b"Hello"), inflater=Inflater(), message_limit=3, piece_limit=piece_limit
        )
        assert (message.payload, message.error) == (b"Hel", None)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        MessageAssembler(message_limit=-1)


def test_memory_does_not_grow_with_the_number_of_fragments() -> None:
    assembler = MessageAssembler(Inflater(), message_limit=1000)
    assembler.receive(Frame(0, b"\x41\x00", False, RSV1, TEXT, None, 0, b""))
    tracemalloc.start()
    try:
        for number in range(50_000):
            assembler.receive(Frame(2 + 2 * number, b"\x40\x00", False, RSV1, CONT, None, 0, b""))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    message = assembler.receive(Frame(0, b"\x80\x04", True, 0, CONT, None, 4, TAIL))
    assert message is not None
    assert (message.frames, message.payload) == (50_002, b"")


def data_received(data: bytes, piece_limit: int) -> tuple[int, int]:
    """How many data frames there are in the stream, and how much payload data of theirs."""
    frames = length = 0
    is_data = False
    for event in FrameDecoder(piece_limit=piece_limit).receive_data(data):
        if isinstance(event, Frame):
            is_data = event.opcode < 8
            frames += is_data
        if is_data and not isinstance(event, OpaqueData):
            length += len(event.payload)
    return frames, length


@given(streams, st.sampled_from([None, False, True]), st.sampled_from([0, 5, 1 << 20]), piece_limits)
def test_no_stream_raises_and_nothing_is_left_out(
    data: bytes, alone: bool | None, message_limit: int, piece_limit: int
) -> None:
    inflater = None if alone is None else Inflater(no_context_takeover=alone, output_limit=message_limit)
    messages = assemble(data, inflater=inflater, message_limit=message_limit, piece_limit=piece_limit)
    frames, length = data_received(data, piece_limit)
    assert sum(message.frames for message in messages) == frames
    assert inflater or sum(message.length for message in messages) == length
    for message in messages:
        assert len(message.payload) <= message_limit
        assert message.truncated == (len(message.payload) < message.length)
        assert 0 <= message.start_offset < message.end_offset <= len(data)
