"""Peers from before the RFC, bridged to its protocol. Cases C83, C113 and C17."""

from hashlib import md5

from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.strict_peers import SERVERS, WebsocketsClient
from tests.wire.build import lines
from tests.wire.handshakes import request
from tests.wire.opening_hixie import HIXIE_REQUEST, HIXIE_RESPONSE
from wsproxy.conformance.checks_request import check_request
from wsproxy.conformance.hixie76 import answer_challenge
from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.conformance.repairs_handshake import repair_request, repair_response
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import HIXIE76
from wsproxy.protocol.handshake import compute_accept, parse_request_head, parse_response_head

KEY = b"AQIDBAUGBwgJCgsMDQ4PEA=="
ASKED, ANSWERED = HIXIE_REQUEST + b"^n:ds[4U", b"8jKS'y:G*Co,Wxa-"
SAFARI = lines(
    b"GET / HTTP/1.1",
    b"Upgrade: WebSocket",
    b"Connection: Upgrade",
    b"Host: 127.0.0.1:8887",
    b"Origin: null",
    b"Sec-WebSocket-Key1: 23 1 +V2 61z9 5 P[t B|34vE",
    b"Sec-WebSocket-Key2: 2  33 0w{z 55679 0",
) + bytes.fromhex("8d07195bf934c649")
ALL = load_profile("strict")
EVERYTHING = Profile("all", rules=dict.fromkeys(Side, frozenset(RULES)))
OLD_SERVER = Profile("old", rules=ALL.rules, options={Side.CLIENT: {}, Side.SERVER: {"hixie76": True}})


def test_the_example_of_the_draft_is_answered() -> None:
    assert answer_challenge(parse_request_head(ASKED)) == ANSWERED


def test_who_asks_as_the_rfc_says_speaks_no_hixie_76() -> None:
    both = parse_request_head(request(b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5"))
    assert check_request(both) == []


def test_white_space_in_front_of_a_key_counts() -> None:
    """C113: what is trimmed gives another answer."""
    spaced = parse_request_head(ASKED.replace(b"Key1: 4", b"Key1:  4"))
    numbers = (4146546015 // 6, 1299853100 // 5)
    words = b"".join(number.to_bytes(4) for number in numbers)
    assert answer_challenge(spaced) == md5(words + b"^n:ds[4U").digest()


def test_an_old_client_and_a_strict_server() -> None:
    for asked in (ASKED, SAFARI):
        sent = repair_request(asked, EVERYTHING, fresh_key=KEY)
        assert [takes(sent.data) for takes in SERVERS] == [""] * 3
        assert sent.repairs[0].rule_id == "handshake.request.hixie76"
    answer = lines(
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Protocol: sample",
        b"Sec-WebSocket-Accept: " + compute_accept(KEY),
    )
    sent = repair_request(ASKED, EVERYTHING, fresh_key=KEY)
    got = repair_response(answer, received_request=ASKED, sent_request=sent.data, profile=EVERYTHING)
    head = parse_response_head(got.data)
    assert got.data.endswith(b"\r\n\r\n" + ANSWERED)
    assert got.dialects == {Side.CLIENT: HIXIE76}
    assert head.get("sec-websocket-location") == b"ws://example.com/demo"
    assert head.get("sec-websocket-origin") == b"http://example.com"
    assert head.get("sec-websocket-protocol") == b"sample"
    assert (head.get("sec-websocket-accept"), head.get("upgrade")) == (None, b"WebSocket")


def test_a_strict_client_and_an_old_server() -> None:
    client = WebsocketsClient()
    sent = repair_request(client.request, OLD_SERVER, fresh_key=KEY)
    assert "handshake.request.hixie76-wanted" in {finding.rule_id for finding in sent.repairs}
    answer = HIXIE_RESPONSE.replace(b"Sec-WebSocket-Protocol: sample\r\n", b"")
    answer += answer_challenge(parse_request_head(sent.data)) or b""
    got = repair_response(answer, received_request=client.request, sent_request=sent.data, profile=OLD_SERVER)
    assert client.takes(got.data) == ""
    assert got.dialects == {Side.SERVER: HIXIE76}
    assert "handshake.response.hixie76" in {finding.rule_id for finding in got.repairs}


@given(st.binary(min_size=16, max_size=16))
def test_every_challenge_has_an_answer(key: bytes) -> None:
    sent = repair_request(WebsocketsClient().request, OLD_SERVER, fresh_key=key.hex().encode())
    assert answer_challenge(parse_request_head(sent.data)) is not None


def test_without_being_asked_nothing_is_bridged() -> None:
    strict = ALL
    assert repair_request(ASKED, strict, fresh_key=KEY).data == ASKED
    answer = HIXIE_RESPONSE + ANSWERED
    assert repair_response(answer, received_request=ASKED, sent_request=ASKED, profile=strict).data == answer
