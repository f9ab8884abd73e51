"""Whatever two peers send, what comes out of profile `strict` is what a strict peer takes."""

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.protocol.strategies import chunk_sizes, streams
from tests.wire.build import frame
from wsproxy.conformance.normalizer import Legs
from wsproxy.conformance.profiles import load_profile, packaged_profiles
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import HIXIE76, LEN32, RFC6455

EXTENSIONS = (
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=10",
)
JUNK = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x17\x03\x03\x00\x13" + bytes(19),
    b"\r\n",
    b"\x00\x81",
    b"5\r\n\x81\x03abc\r\n",
    b'{"some": "text", "without": "a frame"}',
    b"\xff\xff" + b"\xff" * 12,
    b"\xef\xbb\xbf",
    b"\0\r\n",
    b"Warning: fread() failed in ws.php on line 88",
    b"\x09\x01a\x00\x01b\x80\x01c",
)


def deflate(data: bytes, *, final: bool = False) -> bytes:
    """One message compressed by itself."""
    compressor = zlib.compressobj(wbits=-15)
    done = compressor.compress(data) + compressor.flush(zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH)
    return done if final else done[:-4]


texts = st.one_of(
    st.text(max_size=12).map(str.encode),
    st.binary(max_size=8),
    st.sampled_from(["é€😀".encode()[:size] for size in range(10)]),
    st.sampled_from(
        [b"\x80", b"\xad", b"\xbf\xbd", b"\xed\xa0\x80", b"\xed", b"\xed\xa0", b"\xa0", b"\xf0", b"\xe4\xb8"]
    ),
)
compressed = st.one_of(
    st.builds(deflate, texts, final=st.booleans()),
    st.builds(zlib.compress, texts),
    texts,
    st.binary(max_size=9),
)
keys = st.sampled_from([None, b"\x01\x02\x03\x04", bytes(4)])
closes = st.one_of(
    st.just(b""),
    st.binary(max_size=4),
    st.builds(lambda code, reason: code.to_bytes(2) + reason, st.integers(0, 65535), texts),
    st.sampled_from([b"1001", b"\xe8\x03", b"\x00\xe8", b"We"]),
)
data_frames = st.builds(
    lambda opcode, payload, fin, rsv, key: frame(opcode, payload, fin=fin, rsv=rsv, key=key),
    st.sampled_from([0, 0, 1, 1, 1, 2, 3]),
    texts,
    st.booleans(),
    st.sampled_from([0, 0, 0, 2]),
    keys,
)
compressed_frames = st.builds(
    lambda opcode, payload, fin, rsv, key: frame(opcode, payload, fin=fin, rsv=rsv, key=key),
    st.sampled_from([0, 1, 1, 2]),
    compressed,
    st.booleans(),
    st.sampled_from([4, 4, 0]),
    keys,
)
control_frames = st.builds(
    lambda opcode, payload, fin, key, form: frame(opcode, payload, fin=fin, key=key, form=form),
    st.sampled_from([9, 9, 10, 10, 11]),
    st.sampled_from([b"", b"a", b"abc", b"x" * 126, bytes(200)]),
    st.booleans(),
    keys,
    st.sampled_from([16, 64]),
)
close_frames = st.builds(lambda payload, key: frame(8, payload, key=key), closes, keys)
pieces = st.one_of(data_frames, data_frames, compressed_frames, control_frames, st.sampled_from(JUNK))
sessions = st.lists(pieces | close_frames, max_size=10).map(b"".join) | streams
steps = st.lists(st.tuples(st.sampled_from(list(Side)), sessions, chunk_sizes), max_size=5)
extensions = st.sampled_from(EXTENSIONS)


@st.composite
def legs_of(draw: st.DrawFn) -> Legs:
    same = draw(st.booleans())
    first = negotiated(draw(extensions))
    return Legs.alike(first) if same else Legs(first, negotiated(draw(extensions)))


def check_peers(line: Line) -> None:
    for side, peer in line.peers.items():
        assert peer.error is None, (side, peer.error)
        peer.messages()


@settings(max_examples=300)
@given(legs_of(), steps, st.sampled_from([3, 40, 65536]), st.lists(st.floats(0, 30), max_size=3))
def test_a_strict_peer_takes_all_of_it(legs, steps, piece_limit, waits) -> None:
    line = Line(legs=legs, piece_limit=piece_limit)
    for turn, (side, data, sizes) in enumerate(steps):
        line.send(side, data, sizes)
        check_peers(line)
        if turn < len(waits):
            line.wait(waits[turn])
            check_peers(line)
    for side in Side:
        line.end(side)
        assert line.marks[side] == len(line.sent[side]), "not all is accounted for"
        check_peers(line)
        # A frame that was too large to be held and then was cut short is all that no Close fits behind.
        if line.normalizer.closed(side):
            line.peers[side.other].receive_eof()
            check_peers(line)
        else:
            assert line.normalizer.cut_short(side)


EVERYTHING = [
    profile(on=RULES),
    profile(on=RULES, utf8="guess", frame_gap=0.5, zero_key=True, reserved_opcodes="binary"),
    profile(
        on=RULES, utf8="carry", drop_at_close=True, frame_limit=7, no_control_inside=True, bare_text="mend"
    ),
    profile(on=RULES, whole_messages=True, chunks="mend", first_frame_delay=1.0, hold_limit=2000),
]


@settings(max_examples=300)
@given(
    st.sampled_from([*map(load_profile, packaged_profiles()), *EVERYTHING]),
    legs_of(),
    steps,
    st.sampled_from([3, 40, 65536]),
    st.lists(st.floats(0, 100), max_size=3),
)
def test_nothing_is_raised_and_nothing_is_lost_in_any_profile(
    chosen, legs, steps, piece_limit, waits
) -> None:
    line = Line(chosen, legs, piece_limit=piece_limit)
    for turn, (side, data, sizes) in enumerate(steps):
        line.send(side, data, sizes)
        if turn < len(waits):
            line.wait(waits[turn])
    for side in Side:
        line.end(side)
        assert line.marks[side] == len(line.sent[side])


@settings(max_examples=200)
@given(legs_of(), steps, st.sampled_from([3, 65536]))
def test_without_repairs_all_goes_on_as_it_came(legs, steps, piece_limit) -> None:
    line = Line(load_profile("handshake"), legs, piece_limit=piece_limit)
    for side, data, sizes in steps:
        line.send(side, data, sizes)
    for side in Side:
        line.end(side)
        assert line.marks[side] == len(line.sent[side])
    assert {out.kind for out in line.out} <= {"relayed"}


@settings(max_examples=150)
@given(
    st.sampled_from([LEN32, HIXIE76]),
    st.sampled_from([LEN32, HIXIE76, RFC6455]),
    steps,
    st.sampled_from([3, 65536]),
)
def test_a_strict_peer_takes_what_another_dialect_said(dialect, other, steps, piece_limit) -> None:
    line = Line(dialects={SERVER: dialect, CLIENT: other}, piece_limit=piece_limit)
    for side, data, sizes in steps:
        line.send(side, data, sizes)
    for side in Side:
        line.end(side)
        assert line.marks[side] == len(line.sent[side])
    if dialect is other:
        assert {out.kind for out in line.out} <= {"relayed"}
    if other is RFC6455:
        assert line.peers[CLIENT].error is None
        line.peers[CLIENT].messages()
