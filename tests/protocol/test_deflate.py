"""permessage-deflate: what was agreed on is read, and what was compressed by it is inflated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
from tests.protocol.inflated import WORDS, bounded, good
from wsproxy.errors import UsageError
from wsproxy.protocol.deflate import DeflateParameters, Inflater
from wsproxy.protocol.frame import Side
from wsproxy.protocol.inflate import Fragment

messages = st.lists(
    st.one_of(st.binary(max_size=40), st.sampled_from([WORDS, WORDS * 3, WORDS * 700, b"", b"a"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ("", None),
        ("foo; permessage-deflate", None),
        ('foo="permessage-deflate, permessage-deflate"', None),
        (';, ,; ,"', None),
        ("permessage-deflate", DeflateParameters()),
        ("foo;a=1, Permessage-Deflate , bar", DeflateParameters()),
        (
            "permessage-deflate; server_no_context_takeover;client_no_context_takeover",
            DeflateParameters(server_no_context_takeover=True, client_no_context_takeover=True),
        ),
        (
            "permessage-deflate ; client_max_window_bits ; server_max_window_bits = 10",
            DeflateParameters(server_max_window_bits=10),
        ),
        ('permessage-deflate; server_max_window_bits="12"', DeflateParameters(server_max_window_bits=12)),
        ("permessage-deflate;client_max_window_bits=08", DeflateParameters(client_max_window_bits=8)),
        ("permessage-deflate; client_max_window_bits=16", DeflateParameters()),
        ("permessage-deflate; client_max_window_bits=7", DeflateParameters()),
        (
            "permessage-deflate; client_max_window_bits=" + "0" * 5000 + "9",
            DeflateParameters(client_max_window_bits=9),
        ),
        ("permessage-deflate; client_max_window_bits=abc;;=", DeflateParameters()),
        ('permessage-deflate; x="a;b,\\"c', DeflateParameters()),
        (
            "x-webkit-deflate-frame; no_context_takeover; max_window_bits=9",
            DeflateParameters("x-webkit-deflate-frame", True, True, True, 9, 9),
        ),
        ("deflate-frame", DeflateParameters("deflate-frame", per_frame=True)),
    ],
)
def test_an_extension_field_is_read_with_its_parameters(
    value: str, parameters: DeflateParameters | None
) -> None:
    assert DeflateParameters.from_extension_header(value) == parameters


@given(st.text(alphabet='permessage-deflate;,=" \\x\xe9', max_size=80))
def test_parameters_never_raise(value: str) -> None:
    DeflateParameters.from_extension_header(value)


def test_parameters_are_not_slow() -> None:
    with bounded(seconds=5, mebibytes=200):
        for value in (";" * 200_000, '"' * 200_000, "a=b;" * 50_000, 'a="\\' * 50_000, ", " * 100_000):
            DeflateParameters.from_extension_header(value)


@pytest.mark.parametrize("side", list(Side))
def test_each_side_has_its_own_inflater(side: Side) -> None:
    parameters = DeflateParameters(client_no_context_takeover=True)
    compressor, inflater = Compressor(), parameters.inflater(side)
    compressor.compress(WORDS)
    assert inflater.inflate(compressor.compress(b"")) == good(b"")
    inflater = parameters.inflater(side)
    compressor = Compressor()
    assert inflater.inflate(compressor.compress(WORDS)) == good(WORDS)
    reported = inflater.inflate(compressor.compress(WORDS)).error
    assert (reported is not None) == (side is Side.CLIENT)


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        pytest.param("f248cdc9c90700", b"Hello", id="7.2.3.1 one block"),
        pytest.param("000500faff48656c6c6f00", b"Hello", id="7.2.3.3 no compression"),
        pytest.param("f348cdc9c9070000", b"Hello", id="7.2.3.4 a final block"),
        pytest.param("f248050000 00ffffcac9c90700", b"Hello", id="7.2.3.5 two blocks"),
        pytest.param("00", b"", id="7.2.3.6 empty"),
    ],
)
def test_examples_of_the_rfc(data: str, payload: bytes) -> None:
    assert Inflater().inflate(bytes.fromhex(data)) == good(payload)


def test_example_of_the_rfc_with_context_takeover() -> None:
    inflater = Inflater()
    assert inflater.inflate(bytes.fromhex("f248cdc9c90700")) == good(b"Hello")
    assert inflater.inflate(bytes.fromhex("f200110000")) == good(b"Hello")


@given(messages, st.booleans(), st.booleans(), st.integers(9, 15), st.integers(0, 9), st.integers(0, 3))
def test_round_trip(
    sent: list[bytes], takeover: bool, agreed: bool, window_bits: int, level: int, pieces: int
) -> None:
    compressor = Compressor(takeover=takeover, window_bits=window_bits, level=level)
    inflater = Inflater(no_context_takeover=agreed and not takeover)
    for message in sent:
        data = compressor.compress(message)
        size = len(data) // (pieces + 1) + 1
        fragments = [Fragment(not start, data[start : start + size]) for start in range(0, len(data), size)]
        inflated = inflater.inflate(data) if pieces == 0 else inflater.inflate_fragments(fragments)
        assert inflated == good(message)


@given(messages, st.integers(1, 50))
def test_stream_round_trip(sent: list[bytes], size: int) -> None:
    compressor, inflater = Compressor(), Inflater()
    for message in sent:
        data, stream = compressor.compress(message), inflater.stream()
        for start in range(0, len(data), size):
            stream.receive_data(data[start : start + size])
        assert stream.finish() == good(message)
        assert inflater.inflate(compressor.compress(message)) == good(message)


@given(
    st.lists(st.lists(st.tuples(st.booleans(), st.binary(max_size=30)), min_size=1, max_size=4), max_size=6),
    st.booleans(),
    st.booleans(),
    st.integers(0, 40),
)
def test_garbage_never_raises(
    received: list[list[tuple[bool, bytes]]], alone: bool, per_frame: bool, limit: int
) -> None:
    inflater = Inflater(no_context_takeover=alone, per_frame=per_frame, output_limit=limit)
    for fragments in received:
        inflater.pass_plain(fragments[0][1], whole=fragments[0][0])
        first, *others = [Fragment(*fragment) for fragment in fragments]
        results = [
            inflater.inflate(first.data),
            inflater.inflate_fragments([first._replace(rsv1=True), *others]),
        ]
        stream = inflater.stream()
        for fragment in fragments:
            stream.receive_data(fragment[1])
        for payload, length, _, _ in (*results, stream.finish()):
            assert len(payload) == min(limit, length)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        Inflater(output_limit=-1)
