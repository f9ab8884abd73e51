"""What a session departs from, as it comes: each kind once, ordinary sessions not at all."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.sight import (
    CLIENT,
    DEFLATED,
    FRAGMENT,
    OFFER,
    SERVER,
    SMALL,
    Sight,
    rules_of,
    sight_of,
)
from tests.conformance.test_normalizer_cases import SESSIONS
from tests.wire.build import BINARY, CLOSE, CONT, PONG, TEXT, client_frame, close, deflated, frame
from tests.wire.conversation import Case
from tests.wire.handshakes import REQUEST, RESPONSE, request, response
from wsproxy.conformance.checker import MOST_LISTED, Checker
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.session import Session


def test_the_rest_of_a_control_frame_is_no_orphan() -> None:
    sight = Sight()
    pieces = frame(PONG, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c")
    found = sight.send(SERVER, pieces + frame(TEXT, b"x"))
    assert found == ["control.fragmented", "keepalive.pong-unsolicited", *["control.fragmented"] * 2]
    assert sight.send(SERVER, frame(CONT, b"d")) == ["message.orphan-continuation"]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("bits", "exceeds"), [(9, False), (10, False), (11, True), (15, True)])
@pytest.mark.parametrize("size", [100, 1 << 16])
def test_a_small_window_that_was_agreed_on(side: Side, bits: int, size: int, *, exceeds: bool) -> None:
    both = SMALL.replace(b"bits=9", b"bits=10")
    sight = Sight(request(both), response(both))
    said = random.Random(1).randbytes(1300)
    messages = deflated(said, said, b"more", window_bits=bits)
    frames = [frame(BINARY, each, rsv=4, key=b"abcd" if side is CLIENT else None) for each in messages]
    for at in range(0, len(b"".join(frames)), size):
        sight.send(side, b"".join(frames)[at : at + size])
    expected = [("deflate.window-exceeded", len(frames[0]))] if exceeds else []
    assert [(found.rule_id, found.offset) for found in sight.found] == expected


@pytest.mark.parametrize(
    "payload", [b'[{"a": 1}, {"b": "}{"}]', b'{"a": "]["}', b"{ not json }{", b"[" * 90_000 + b"]["]
)
def test_one_json_document_is_no_news(payload: bytes) -> None:
    assert Sight().send(SERVER, frame(TEXT, payload)) == []


def test_behind_foreign_bytes_nothing_is_guessed() -> None:
    sight = Sight()
    assert sight.send(SERVER, b"HTTP/1.1 500 Internal Server Error\r\n" * 50) == ["stream.http-bytes"]
    assert sight.eof(SERVER) == ["close.missing"]
    assert Sight().send(CLIENT, b"\x00" + client_frame(TEXT, b"x" * 70)) == ["stream.stray-zero"]


def test_the_opening_handshake_is_checked_as_each_side_saw_it() -> None:
    assert Checker(REQUEST, RESPONSE).handshake() == []
    own_key = REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"AQIDBAUGBwgJCgsMDQ4PEA==")
    wrong = Checker(own_key, RESPONSE).handshake()
    assert [finding.rule_id for finding in wrong] == ["handshake.response.accept"]
    assert Checker(own_key, RESPONSE, request_head_sent=REQUEST).handshake() == []


def test_each_side_has_the_extensions_of_its_own_leg() -> None:
    checker = Checker(request(OFFER), RESPONSE, response_head_sent=response(OFFER))
    session = Session()
    session.handshake(request(OFFER), response(OFFER))
    data = client_frame(TEXT, DEFLATED, rsv=4)
    assert checker.receive(CLIENT, session.receive_data(CLIENT, data, 0), 0) == []
    found = checker.receive(SERVER, session.receive_data(SERVER, frame(TEXT, DEFLATED, rsv=4), 0), 0)
    assert rules_of(found) == ["frame.rsv-bits"]


def test_findings_of_a_rule_are_counted_after_a_few() -> None:
    sight = Sight()
    for _ in range(100):
        sight.send(SERVER, frame(TEXT, b"\xff"))
    sight.send(CLIENT, client_frame(TEXT, b"\xff"))
    assert rules_of(sight.found) == ["message.text-not-utf8"] * (MOST_LISTED + 1)
    assert sight.checker.repeated == {("message.text-not-utf8", SERVER): 100 - MOST_LISTED}


def test_a_connection_that_ends_without_a_close() -> None:
    sight = Sight()
    sight.send(SERVER, FRAGMENT)
    sight.send(CLIENT, client_frame(TEXT, b"cut off")[:6])
    assert sight.eof(SERVER, how="rst") == ["message.unfinished", "close.missing"]
    assert "RST" in sight.found[-1].detail
    assert sight.eof(CLIENT) == ["stream.cut-short"]
    assert sight.end(60) == []


def test_a_large_frame_that_is_cut_short() -> None:
    sight = Sight()
    sight.send(SERVER, frame(BINARY, bytes(200_000))[:-1])
    assert sight.eof(SERVER) == ["stream.cut-short", "close.missing"]
    # Where the frame begins, not where it would have ended: that is no place in the stream.
    assert [each.offset for each in sight.found] == [0, 0]
    whole = Sight()
    whole.send(SERVER, frame(BINARY, bytes(200_000)) + frame(CLOSE))
    assert whole.eof(SERVER) == []


def test_foreign_bytes_at_the_very_end() -> None:
    sight = Sight()
    sight.send(SERVER, frame(CLOSE))
    sight.send(SERVER, b"HTTP/1.1 204")
    assert sight.eof(SERVER) == ["stream.http-bytes"]


def test_a_close_behind_foreign_bytes_may_be_there() -> None:
    sight = Sight()
    sight.send(CLIENT, client_frame(CLOSE, close(1000)))
    sight.send(SERVER, b"\xef\xbb\xbf" + frame(CLOSE, close(1000)))
    assert sight.eof(SERVER) == ["stream.byte-order-mark"]
    assert sight.end(60) == []


def test_stray_zeros_begin_no_message() -> None:
    sight = Sight()
    assert sight.send(SERVER, bytes(3) + frame(TEXT, b"hello")) == [
        "message.orphan-continuation",
        "stream.stray-zero",
    ]


def test_a_close_that_is_not_answered() -> None:
    sight = Sight()
    sight.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    sight.eof(SERVER, 1.5)
    assert sight.end(1.5) == ["close.unanswered"]
    assert sight.found[0].side is SERVER
    hasty = Sight()
    hasty.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    hasty.eof(CLIENT, 1.1)
    assert hasty.end(1.1) == []
    slow = Sight()
    slow.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    assert slow.end(10) == ["close.unanswered"]


@pytest.mark.parametrize("case", SESSIONS, ids=lambda case: case.name)
def test_every_collected_session_is_taken(case: Case) -> None:
    sight = sight_of(case, end_after_s=0)
    assert all(finding.detail and finding.rule for finding in sight.found)
    assert all(finding.offset is None or finding.offset >= 0 for finding in sight.found)


@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.binary(max_size=60)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_nothing_raises(chunks: list[tuple[Side, bytes]]) -> None:
    sight = Sight()
    for at_s, (side, data) in enumerate(chunks):
        sight.send(side, data, at_s)
    for side in Side:
        sight.eof(side, 99)
    sight.end(99)
    assert len(sight.found) <= len(RULES) * 2 * MOST_LISTED


def test_payload_data_that_was_not_masked() -> None:
    sight = Sight()
    text = "es geht: grüezi".encode()
    assert sight.send(CLIENT, client_frame(TEXT, text)[:6] + text) == ["frame.payload-unmasked"]
    assert sight.send(CLIENT, client_frame(CLOSE, b"12")[:6] + close(1000)) == ["frame.payload-unmasked"]


def test_a_header_that_is_there_twice() -> None:
    sight = Sight()
    torn = frame(TEXT, b"x" * 300)
    assert "frame.header-twice" in sight.send(SERVER, torn[:4] + torn)
    client = Sight()
    again = client_frame(TEXT, b"x" * 300)
    assert "frame.header-twice" in client.send(CLIENT, again[:8] + again)


@pytest.mark.parametrize("ended", [None, True, False])
def test_tls_that_is_not_ended_as_it_must_be(ended: bool | None) -> None:
    sight = Sight()
    sight.send(SERVER, frame(CLOSE, close(1000)))
    found = sight.add(sight.checker.receive_eof(SERVER, "fin", 0, close_notify=ended))
    assert found == (["stream.no-close-notify"] if ended is False else [])


def test_frames_before_the_response() -> None:
    checker = Checker(REQUEST, RESPONSE)
    assert [finding.rule_id for finding in checker.handshake(early_bytes=7)] == ["stream.before-response"]


def test_one_document_in_several_messages() -> None:
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, b'{"a": [1,') + frame(TEXT, b"2]") + frame(TEXT, b"}")) == [
        "message.split-json"
    ]
    assert sight.send(SERVER, frame(TEXT, b'{"a"') + frame(BINARY, b"}") + frame(TEXT, b"}")) == []
    assert sight.send(SERVER, frame(TEXT, b"[1") + frame(TEXT, b'["') * 3) == []
    assert sight.send(SERVER, frame(TEXT, b'"]]]]') + frame(TEXT, b"{} ")) == []


def test_a_charset_is_guessed() -> None:
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, "Größe".encode("cp1252"))) == ["message.text-not-utf8"]
    assert "cp1252" in sight.found[-1].detail


def test_what_is_compressed_unasked_is_not_taken_for_bad_text() -> None:  # F02 F09 Z22 Z26
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, DEFLATED, rsv=4)) == ["frame.rsv-bits"]
    assert sight.send(SERVER, frame(TEXT, b"\xff")) == ["message.text-not-utf8"]
