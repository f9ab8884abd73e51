"""patch_head: what was changed is changed, and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.head_strategies import heads, whole_heads
from wsproxy.protocol.head_patch import patch_head
from wsproxy.protocol.heads import parse_request_head

RAW = (
    b"\r\nGET  /status http/1.1\n"
    b"host:skyq:9006\r\n"
    b"upgrade :  WebSocket \n"
    b"Cookie: a=1;\r\n\tb=2\r\n"
    b"no colon here\r\n"
    b"Sec - WebSocket - Key:\tabc\r\n"
    b"X-Empty:\r\n"
    b"\n"
)
BEFORE = (
    b"GET /status HTTP/1.1\r\n"
    b"host: skyq:9006\r\n"
    b"upgrade: WebSocket\r\n"
    b"Cookie: a=1;\r\n b=2\r\n"
    b"X-Malformed: no colon here\r\n"
    b"Sec-WebSocket-Key: abc\r\n"
    b"X-Empty: \r\n"
    b"\r\n"
)
SHOWN = BEFORE.replace(b"X-Malformed: no colon here\r\n", b"")
"""What a reader that leaves out the line it does not understand would write."""


@pytest.mark.parametrize(
    ("was", "becomes", "raw_was", "raw_becomes"),
    [
        (b"/status", b"/other", b"GET  /status http/1.1\n", b"GET /other HTTP/1.1\n"),
        (b"host: skyq:9006", b"host: tv", b"host:skyq:9006", b"host:tv"),
        (b"upgrade: WebSocket", b"upgrade: websocket", b"upgrade :  WebSocket \n", b"upgrade :  websocket\n"),
        (b"upgrade: WebSocket", b"Upgrade: websocket", b"upgrade :  WebSocket \n", b"Upgrade:  websocket\n"),
        (b"upgrade: WebSocket\r\n", b"", b"upgrade :  WebSocket \n", b""),
        (b"a=1;\r\n b=2", b"c=3", b"a=1;\r\n\tb=2", b"c=3"),
        (b"Key: abc", b"Key: def", b"Key:\tabc", b"Key:\tdef"),
        (b"X-Empty: ", b"X-Empty: no more", b"X-Empty:", b"X-Empty: no more"),
        (b"Cookie", b"X-New: 1\r\nCookie", b"Cookie", b"X-New: 1\nCookie"),
        (b"X-Empty: \r\n", b"X-Empty: \r\nX-New: 1\r\n", b"X-Empty:\r\n", b"X-Empty:\r\nX-New: 1\n"),
        (b"HTTP/1.1\r\n", b"HTTP/1.1\r\nX-New: 1\r\n", b"http/1.1\n", b"http/1.1\nX-New: 1\n"),
    ],
)
@pytest.mark.parametrize("before", [BEFORE, SHOWN], ids=["one-to-one", "a-line-left-out"])
def test_one_change(before: bytes, was: bytes, becomes: bytes, raw_was: bytes, raw_becomes: bytes) -> None:
    after = before.replace(was, becomes)
    assert after != before
    assert patch_head(RAW, before, after) == RAW.replace(raw_was, raw_becomes)


def test_no_change() -> None:
    assert patch_head(RAW, BEFORE, BEFORE) == RAW


def test_malformed_line_gets_a_name_when_it_changes() -> None:
    after = BEFORE.replace(b"no colon here", b"now with")
    assert patch_head(RAW, BEFORE, after) == RAW.replace(b"no colon here", b"X-Malformed: now with")


def test_malformed_line_added() -> None:
    after = BEFORE.replace(b"Cookie", b"odd line\r\nCookie")
    assert patch_head(RAW, BEFORE, after) == RAW.replace(b"Cookie", b"odd line\r\nCookie")


def test_order_is_that_of_the_new_head() -> None:
    raw, before = b"GET / HTTP/1.1\nA:1\nB:2\nC:3\n\n", b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"
    after = b"GET / HTTP/1.1\r\nC: 3\r\nA: 1\r\nB: 2\r\n\r\n"
    assert patch_head(raw, before, after) == b"GET / HTTP/1.1\nC:3\nA:1\nB:2\n\n"


def test_lines_left_out_follow_the_line_before_them() -> None:
    raw = b"GET / HTTP/1.1\nodd 1\nA:1\nodd 2\nB:2\nodd 3\n\n"
    before = b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n"
    assert patch_head(raw, before, before.replace(b"A: 1\r\n", b"")) == raw.replace(b"A:1\n", b"")
    swapped = b"GET / HTTP/1.1\r\nB: 2\r\nA: 1\r\n\r\n"
    assert patch_head(raw, before, swapped) == b"GET / HTTP/1.1\nodd 1\nB:2\nodd 3\nA:1\nodd 2\n\n"


def test_line_made_up_by_the_reader_stays_unsent_until_it_changes() -> None:
    raw, before = b"GET / HTTP/1.1\nA:1\n\n", b"GET / HTTP/1.1\r\nA: 1\r\nMade-Up: x\r\n\r\n"
    assert patch_head(raw, before, before.replace(b"A: 1", b"A: 2")) == raw.replace(b"A:1", b"A:2")
    assert patch_head(raw, before, before.replace(b": x", b": y")) == raw.replace(
        b"\n\n", b"\nMade-Up: y\n\n"
    )


@pytest.mark.parametrize(
    ("removed", "left"),
    [(b"Set-Cookie: a\r\n", b"set-cookie:b\n"), (b"Set-Cookie: b\r\n", b"set-cookie:a\n")],
)
def test_one_of_several_with_a_name(removed: bytes, left: bytes) -> None:
    raw = b"HTTP/1.1 101\nset-cookie:a\nset-cookie:b\n\n"
    before = b"HTTP/1.1 101 \r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    assert patch_head(raw, before, before.replace(removed, b"")) == b"HTTP/1.1 101\n" + left + b"\n"


def test_changed_one_of_several_with_a_name() -> None:
    raw = b"HTTP/1.1 101\nset-cookie:a\nset-cookie:b\n\n"
    before = b"HTTP/1.1 101 \r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    assert patch_head(raw, before, before.replace(b": a", b": c")) == raw.replace(b"a\n", b"c\n")


def test_interim_responses_and_the_status_they_precede() -> None:
    raw = b"HTTP/1.1 100 Continue\n\nhttp/1.1 200\nUpgrade:websocket\n\n"
    before = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\n\r\n"
    after = before.replace(b"101 ", b"101 Switching Protocols")
    assert patch_head(raw, before, after) == raw.replace(b"http/1.1 200", b"HTTP/1.1 101 Switching Protocols")


def test_request_target_that_looks_like_an_interim_status() -> None:
    raw, before = b"GET 100 HTTP/1.1\nA:1\n\nxy", b"GET 100 HTTP/1.1\r\nA: 1\r\n\r\n"
    assert patch_head(raw, before, before.replace(b"A: 1", b"A: 2")) == b"GET 100 HTTP/1.1\nA:2\n\nxy"


def test_no_head_to_patch() -> None:
    assert patch_head(b"", BEFORE, SHOWN) == SHOWN


def test_head_cut_off() -> None:
    before = b"GET / HTTP/1.1\r\nA: 1\r\n\r\n"
    after = before.replace(b"A: 1\r\n", b"A: 1\r\nB: 2\r\n")
    assert patch_head(b"GET / HTTP/1.1\nA:1", before, after) == b"GET / HTTP/1.1\nA:1\nB: 2\n"
    assert patch_head(b"GET / HTTP/1.1", before, after) == b"GET / HTTP/1.1\r\nB: 2\r\n"
    assert patch_head(b"GET /\nA:1", before, before.replace(b": 1", b": 2")) == b"GET /\nA:2\r\n"


@given(heads, heads)
def test_no_change_is_identity(raw: bytes, shown: bytes) -> None:
    assert patch_head(raw, shown, shown) == raw


@given(heads, heads, heads)
def test_never_raises(raw: bytes, before: bytes, after: bytes) -> None:
    assert isinstance(patch_head(raw, before, after), bytes)


@given(whole_heads(), st.data())
def test_a_field_removed_leaves_every_other_byte(raw: bytes, data: st.DataObject) -> None:
    head = parse_request_head(raw)
    fields = [field.name.replace(b" ", b"") + b": " + field.value + b"\r\n" for field in head.fields]
    before = b"\r\n".join([b"GET / HTTP/1.1", b"".join(fields), b""])
    once = [place for place, field in enumerate(fields) if fields.count(field) == 1]
    gone = data.draw(st.sampled_from([None, *once]))
    after = before if gone is None else before.replace(fields[gone], b"", 1)
    kept = [field.raw for place, field in enumerate(head.fields) if place != gone]
    assert patch_head(raw, before, after) == b"".join([head.preamble, head.start_line, *kept, head.end])


def test_time_is_in_proportion() -> None:
    before = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n"
    start = time.process_time()
    patch_head(before, before, before.replace(b"b", b"c"))
    patch_head(before + b"\r\n", before, before.replace(b"a: b\r\n", b"", 10_000))
    assert time.process_time() - start < 5
