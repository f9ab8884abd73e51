"""Messages written anew, and everything else as it was."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
from tests.protocol.strategies import chunk_sizes, streams
from tests.wire.build import BINARY, CLOSE, CONT, KEY, PING, TEXT, close, frame
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.frame_queue import Moved
from wsproxy.protocol.grammar import HIXIE76, LEN32, RFC6455
from wsproxy.protocol.message import Message, MessageAssembler
from wsproxy.protocol.rewrite import MessageRewriter, StreamRewriter

SECRET, NEW = b"secret", b"REDACTED"
TAKEOVER = DeflateParameters()
ALONE = DeflateParameters(server_no_context_takeover=True)


def without_secret(message: Message) -> bytes | None:
    return message.payload.replace(SECRET, NEW)


def untouched(message: Message) -> bytes | None:
    return None


def chunks(data: bytes, sizes: list[int]) -> Iterable[bytes]:
    place = 0
    while data:
        size = sizes[place % len(sizes)]
        yield data[:size]
        data, place = data[size:], place + 1


def rewritten(
    data: bytes,
    change: Callable[[Message], bytes | None] = without_secret,
    *,
    sizes: list[int] | None = None,
    deflate: DeflateParameters | None = None,
    dialect: Dialect = RFC6455,
    limit: int = 1 << 20,
    overwrite: bool = False,
    moved: list[Moved] | None = None,
) -> bytes:
    rewriter = MessageRewriter(
        change,
        Side.SERVER,
        deflate=deflate,
        dialect=dialect,
        limit=limit,
        overwrite=overwrite,
        on_move=(lambda move: None) if moved is None else moved.append,
    )
    stream = StreamRewriter(rewriter, dialect)
    out = b"".join(map(stream.receive_data, chunks(data, sizes or [len(data) or 1])))
    out += stream.receive_eof()
    assert rewriter.settled == len(data)
    return out


def decoded(data: bytes, deflate: DeflateParameters | None = None) -> tuple[list[Message], list[Frame]]:
    """The messages, and the control frames."""
    decoder = FrameDecoder()
    assembler = MessageAssembler(None if deflate is None else deflate.inflater(Side.SERVER))
    messages, controls = [], []
    for event in decoder.receive_data(data):
        if (message := assembler.receive(event)) is not None:
            messages.append(message)
        if isinstance(event, Frame) and event.is_control:
            controls.append(event)
    assert decoder.at_boundary
    return messages, controls


@dataclass(frozen=True)
class Sent:
    opcode: int
    payload: bytes
    compressed: bool
    cuts: tuple[int, ...]
    pings: bool
    key: bytes | None
    form: int


sent = st.builds(
    Sent,
    opcode=st.sampled_from([TEXT, BINARY]),
    payload=st.lists(st.sampled_from([SECRET, b"word", b"a longer phrase ", b"\xff", b"x" * 120])).map(
        b"".join
    ),
    compressed=st.booleans(),
    cuts=st.lists(st.integers(0, 1000), max_size=4).map(tuple),
    pings=st.booleans(),
    key=st.sampled_from([None, KEY, bytes(4)]),
    form=st.sampled_from([0, 64]),
)


def wire(each: Sent, compressor: Compressor | None) -> list[bytes]:
    """The frames of a message, those between its fragments included."""
    squeezed = each.compressed and compressor is not None
    data = compressor.compress(each.payload) if squeezed and compressor is not None else each.payload
    cuts = [0, *sorted(min(cut, len(data)) for cut in each.cuts), len(data)]
    frames = []
    for place, (start, end) in enumerate(pairwise(cuts)):
        last = place == len(cuts) - 2
        rsv = 4 if squeezed and place == 0 else 0
        opcode = CONT if place else each.opcode
        frames.append(frame(opcode, data[start:end], fin=last, rsv=rsv, key=each.key, form=each.form))
        if each.pings and not last:
            frames.append(frame(PING, b"between", key=each.key))
    return frames


@given(streams, chunk_sizes, st.sampled_from([None, TAKEOVER, ALONE]), st.sampled_from([0, 30, 1 << 20]))
def test_what_nobody_changes_is_written_as_received(
    data: bytes, sizes: list[int], deflate: DeflateParameters | None, limit: int
) -> None:
    assert rewritten(data, untouched, sizes=sizes, deflate=deflate, limit=limit) == data


@given(
    streams,
    chunk_sizes,
    st.sampled_from([None, TAKEOVER, ALONE]),
    st.sampled_from([RFC6455, LEN32, HIXIE76]),
    st.sampled_from([10, 100, 1 << 20]),
    st.booleans(),
)
def test_the_cutting_does_not_matter(
    data: bytes,
    sizes: list[int],
    deflate: DeflateParameters | None,
    dialect: Dialect,
    limit: int,
    overwrite: bool,
) -> None:
    def swapped(message: Message) -> bytes:
        return message.payload.replace(b"\0", b"zero").replace(b"\1", b"")

    def out(sizes: list[int]) -> bytes:
        return rewritten(
            data, swapped, sizes=sizes, deflate=deflate, dialect=dialect, limit=limit, overwrite=overwrite
        )

    assert out(sizes) == out([len(data) or 1])


@given(st.lists(sent, max_size=6), chunk_sizes, st.sampled_from([None, TAKEOVER, ALONE]), st.booleans())
def test_changed_messages_are_written_anew(
    messages: list[Sent], sizes: list[int], deflate: DeflateParameters | None, overwrite: bool
) -> None:
    compressor = None if deflate is None else Compressor(takeover=not deflate.server_no_context_takeover)
    frames = [wire(each, compressor) for each in messages]
    data = b"".join(map(b"".join, frames))
    moved: list[Moved] = []
    out = rewritten(data, sizes=sizes, deflate=deflate, overwrite=overwrite, moved=moved)
    before, controls = decoded(data, deflate)
    after, controls_after = decoded(out, deflate)
    assert [message.payload for message in after] == [each.payload.replace(SECRET, NEW) for each in messages]
    assert [message.error for message in after] == [None] * len(messages)
    kept = ("opcode", "frames", "compressed")
    assert [[getattr(m, name) for name in kept] for m in after] == [
        [getattr(m, name) for name in kept] for m in before
    ]
    assert [c.serialize() for c in controls_after] == [c.serialize() for c in controls]
    assert len(out) == len(data) + sum((m.new_end - m.new_start) - (m.end - m.start) for m in moved)
    assert all(move.end <= later.start for move, later in pairwise(moved))


@given(st.lists(sent, max_size=6), st.sampled_from([None, ALONE]))
def test_frames_of_other_messages_stay_byte_identical(
    messages: list[Sent], deflate: DeflateParameters | None
) -> None:
    compressor = None if deflate is None else Compressor(takeover=False)
    frames = [wire(each, compressor) for each in messages]
    out = rewritten(b"".join(map(b"".join, frames)), deflate=deflate)
    for each, its_frames in zip(messages, frames, strict=True):
        if SECRET not in each.payload:
            assert out.startswith(b"".join(its_frames))
            out = out[len(b"".join(its_frames)) :]
        else:
            count = len(its_frames)
            decoder = FrameDecoder()
            taken = [event for event in decoder.receive_data(out) if isinstance(event, Frame)][:count]
            out = out[sum(len(event.serialize()) for event in taken) :]
    assert not out


def test_with_context_takeover_only_what_comes_after_is_compressed_again() -> None:
    compressor = Compressor()
    texts = [b"first words", b"a secret here", b"first words and a secret here", b"first words"]
    frames = [frame(TEXT, compressor.compress(text), rsv=4) for text in texts]
    out = rewritten(b"".join(frames), deflate=TAKEOVER)
    assert out.startswith(frames[0])
    assert [m.payload for m in decoded(out, TAKEOVER)[0]] == [text.replace(SECRET, NEW) for text in texts]
    strict = zlib.decompressobj(-15)
    payloads = [e.payload for e in FrameDecoder().receive_data(out) if isinstance(e, Frame)]
    assert [strict.decompress(each + b"\0\0\xff\xff") for each in payloads] == [
        text.replace(SECRET, NEW) for text in texts
    ]


@pytest.mark.parametrize("bits", range(8, 16))
def test_a_small_window_is_kept_to(bits: int) -> None:
    agreed = DeflateParameters(server_max_window_bits=bits)
    texts = [b"secret " + bytes(range(256)) * 3, bytes(range(256)) * 5]
    compressor = Compressor(window_bits=9)
    out = rewritten(b"".join(frame(BINARY, compressor.compress(t), rsv=4) for t in texts), deflate=agreed)
    strict = zlib.decompressobj(-bits)
    payloads = [e.payload for e in FrameDecoder().receive_data(out) if isinstance(e, Frame)]
    found = [strict.decompress(each + b"\0\0\xff\xff") for each in payloads]
    assert found == [text.replace(SECRET, NEW) for text in texts]


def test_fragments_beside_the_change_stay_as_they_were() -> None:
    parts = [b"in front of", b" the secr", b"et and be", b"hind it"]
    frames = [
        frame(CONT if place else TEXT, part, fin=place == 3, key=KEY) for place, part in enumerate(parts)
    ]
    out = rewritten(b"".join(frames))
    assert out.startswith(frames[0])
    assert out.endswith(frames[3])
    assert decoded(out)[0][0].payload == b"in front of the REDACTED and behind it"


@pytest.mark.parametrize(
    ("size", "form", "header"),
    [
        (124, 0, b"\x81\x7e\x00\x7e"),
        (10, 0, b"\x81\x0c"),
        (10, 16, b"\x81\x7e\x00\x0c"),
        (10, 64, b"\x81\x7f" + bytes(7) + b"\x0c"),
    ],
)
def test_the_length_form_is_minimal_unless_it_was_wider(size: int, form: int, header: bytes) -> None:
    payload = (SECRET + b"x" * size)[:size]
    assert rewritten(frame(TEXT, payload, form=form)).startswith(header)


def test_a_close_reason_is_changed_and_stays_a_close_reason() -> None:
    reason = b"secret " * 16 + "äöü".encode()
    out = rewritten(frame(CLOSE, close(1008, reason)))
    (event,) = FrameDecoder().receive_data(out)
    assert isinstance(event, Frame)
    assert event.payload[:2] == (1008).to_bytes(2)
    assert len(event.payload) <= 125
    assert event.payload[2:].decode().startswith("REDACTED REDACTED")
    assert SECRET not in out


LARGE = b"secret" * 20_000
AFTER = frame(TEXT, b"after it")
UNSEEN = {
    "too-large": frame(TEXT, LARGE, key=KEY),
    "too-large-in-fragments": b"".join(
        [frame(TEXT, SECRET, fin=False), frame(PING, b"here"), *[frame(CONT, SECRET * 50, fin=False)] * 50]
    )
    + frame(CONT, SECRET),
    "compressed-and-too-large": frame(TEXT, Compressor().compress(LARGE * 4), rsv=4),
    "cannot-be-inflated": frame(TEXT, b"\xff" + SECRET, rsv=4),
    "superseded": frame(TEXT, SECRET, fin=False) + frame(BINARY, b"new", fin=False) + frame(CONT, b""),
    "large-ping": frame(PING, LARGE),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_cannot_be_looked_at_is_overwritten_in_frames_of_the_same_size(name: str) -> None:
    data = UNSEEN[name] + AFTER
    out = rewritten(data, deflate=TAKEOVER, limit=10_000, overwrite=True)
    assert len(out) == len(data)
    assert out.endswith(AFTER)
    unmasked = b"".join(
        event.payload for event in FrameDecoder().receive_data(out) if hasattr(event, "payload")
    )
    assert b"secret" not in unmasked
    assert b"REDACT" in unmasked
    assert rewritten(data, deflate=TAKEOVER, limit=10_000) == data


@pytest.mark.parametrize("cut", range(1, 30))
def test_what_the_stream_s_end_cuts_off_is_overwritten(cut: int) -> None:
    data = frame(TEXT, b"secretsecretsecretsecret", key=KEY)[:cut]
    out = rewritten(data, untouched, overwrite=True)
    assert len(out) == len(data)
    assert out[:6] == data[:6]
    decoder = FrameDecoder()
    decoder.receive_data(out + bytes(30 - cut))
    begun = out[6:]
    assert begun == bytes(a ^ b for a, b in zip(b"REDACTED" * 3, KEY * 6, strict=True))[: len(begun)]


def test_opaque_bytes_are_overwritten_and_stay_opaque() -> None:
    data = AFTER + b"\x81\x7f" + b"\xff" * 8 + SECRET * 100
    out = rewritten(data, untouched, sizes=[7], overwrite=True)
    assert out.startswith(data[:20])
    assert SECRET not in out
    decoder = FrameDecoder()
    decoder.receive_data(out)
    assert decoder.opaque
    assert rewritten(data, without_secret) == data


def test_a_dialect_for_reading_only_has_its_text_changed_too() -> None:
    assert rewritten(b"\0a secret\xff\0more\xff", dialect=HIXIE76) == b"\0a REDACTED\xff\0more\xff"


def test_frame_by_frame_compression_is_kept() -> None:
    agreed = DeflateParameters("x-webkit-deflate-frame", True)
    compressor = Compressor()
    data = frame(TEXT, compressor.compress(b"one sec"), rsv=4, fin=False)
    data += frame(CONT, compressor.compress(b"ret two"), rsv=4)
    messages, _ = decoded(rewritten(data, deflate=agreed), agreed)
    assert [(m.payload, m.frames, m.compressed) for m in messages] == [(b"one REDACTED two", 2, True)]


def test_pings_inside_an_unfinished_message_take_no_more_than_the_limit() -> None:
    rewriter = MessageRewriter(without_secret, Side.SERVER, limit=10_000)
    stream = StreamRewriter(rewriter)
    data = frame(TEXT, b"begun", fin=False) + frame(PING, b"still here") * 1000
    out = stream.receive_data(data)
    assert len(data) - len(out) < 10_000
