"""Heads: every byte kept, everything a peer may mean by them read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.head_strategies import heads
from tests.wire.heads import REQUESTS, RESPONSES, RequestVector, ResponseVector
from wsproxy.protocol.heads import (
    Head,
    announces_another,
    is_interim,
    parse_request_head,
    parse_response_head,
)


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector.name)
def test_request(vector: RequestVector) -> None:
    head = parse_request_head(vector.raw)
    assert head.raw == vector.raw
    assert (head.method, head.target, head.version) == (vector.method, vector.target, vector.version)
    assert {name: head.get_all(name) for name in vector.values} == vector.values


@pytest.mark.parametrize("vector", RESPONSES, ids=lambda vector: vector.name)
def test_response(vector: ResponseVector) -> None:
    head = parse_response_head(vector.raw)
    assert head.raw == vector.raw
    assert (head.version, head.status, head.reason) == (vector.version, vector.status, vector.reason)
    assert {name: head.get_all(name) for name in vector.values} == vector.values


def test_every_part_keeps_its_bytes() -> None:
    raw = b"\r\nHTTP/1.1 100 C\n\nHTTP/1.1 101\r\nA :\tb\r\n  c\r\nnothing\n\r\r\n\x81\x00"
    head = parse_response_head(raw)
    assert head.preamble == b"\r\nHTTP/1.1 100 C\n\n"
    assert head.start_line == b"HTTP/1.1 101\r\n"
    assert [field.raw for field in head.fields] == [b"A :\tb\r\n  c\r\n", b"nothing\n"]
    assert [(field.name, field.value) for field in head.fields] == [(b"A", b"b c"), (b"", b"nothing")]
    assert head.end == b"\r\r\n\x81\x00"


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (b" A: 1\r\n B: 2\r\n  3\r\n", [(b"A", b"1"), (b"B", b"2 3")]),
        (b" A: 1\r\nB: 2\r\n 3\r\n", [(b"A", b"1"), (b"B", b"2 3")]),
        (b" folded\r\nB:\r\n 3\r\n", [(b"", b"folded"), (b"B", b"3")]),
    ],
    ids=["all-indented", "only-the-first-indented", "a-fold-of-nothing"],
)
def test_what_continues_a_field(lines: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    head = parse_request_head(b"GET / HTTP/1.1\r\n" + lines + b"\r\n")
    assert [(field.name, field.value) for field in head.fields] == fields


def test_first_value_of_a_name() -> None:
    head = parse_request_head(b"GET / HTTP/1.1\r\nX - A: 1\r\nx-a: 2\r\n\r\n")
    assert head.get("X-a") == b"1"
    assert head.get("x-b") is None


def test_tokens_of_all_values() -> None:
    head = parse_request_head(b'GET / HTTP/1.1\nUpgrade: a,,B , "C"\nupgrade:\n d\xe9\n\n')
    assert head.tokens("upgrade") == ["a", "b", "c", "d\xe9"]
    assert head.tokens("connection") == []


@pytest.mark.parametrize(
    ("status", "interim"),
    [(None, False), (99, False), (100, True), (101, False), (102, True), (199, True), (200, False)],
)
def test_interim(status: int | None, interim: bool) -> None:
    assert is_interim(status) is interim


@pytest.mark.parametrize(
    ("start_line", "announces"),
    [
        (b"HTTP/1.1 100 Continue\r\n", True),
        (b"HTTP/1.0 200 Connection established\r\n", True),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"\r\n", False),
    ],
)
def test_what_announces_another_response(start_line: bytes, announces: bool) -> None:
    assert announces_another(start_line) is announces


@given(st.one_of(heads, st.binary(max_size=200)))
def test_any_bytes_are_kept(raw: bytes) -> None:
    parsed: tuple[Head, ...] = (parse_request_head(raw), parse_response_head(raw))
    assert [head.raw for head in parsed] == [raw, raw]
    for head in parsed:
        assert not any(field.name != field.name.strip() for field in head.fields)
        assert all(b"\n" not in field.value for field in head.fields)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET " + b" " * 500_000 + b"x",
        b"HTTP/" * 100_000,
        b"HTTP/1.1" + b" " * 500_000 + b"x",
        b"a" * 500_000,
        b"\r" * 500_000,
        b"\n" * 500_000,
        b"HTTP/1.1 100 c\n\n" * 30_000,
        b"x\n" + b"a:\n" * 100_000,
        b"x\na:\n" + b" \n" * 100_000,
        b"x\na:" + b"," * 500_000,
    ],
    ids=range(10),
)
def test_time_is_in_proportion(raw: bytes) -> None:
    start = time.process_time()
    parse_request_head(raw).tokens("a")
    parse_response_head(raw).tokens("a")
    assert time.process_time() - start < 5
