"""Repaired opening handshakes: strict peers take them, right ones stay as they are, nothing raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.handshake_strategies import requests, responses
from tests.conformance.strict_peers import CLIENTS, SERVERS, aiohttp_takes_response
from tests.protocol.head_strategies import heads
from tests.wire.build import lines
from tests.wire.handshakes import CONNECTION, GET, HOST, REQUEST, RESPONSE
from wsproxy.conformance.checks_request import check_request, client_key
from wsproxy.conformance.checks_response import check_response
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.conformance.repairs_handshake import RepairedHead, repair_request, repair_response
from wsproxy.conformance.rules import RULES, Severity
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import parse_request_head, parse_response_head

STRICT = load_profile("strict")
FRESH_KEY = b"AQIDBAUGBwgJCgsMDQ4PEA=="
AUTHORITY = b"skyq:9006"
any_bytes = st.one_of(heads, st.binary(max_size=200), requests(), responses(b"dGhlIHNhbXBsZSBub25jZQ=="))


def mend_request(head: bytes, profile: Profile = STRICT) -> RepairedHead:
    return repair_request(head, profile, fresh_key=FRESH_KEY, authority=AUTHORITY)


def mend_response(
    head: bytes, received: bytes = REQUEST, sent: bytes | None = None, profile: Profile = STRICT
) -> RepairedHead:
    request = received if sent is None else sent
    return repair_response(head, received_request=received, sent_request=request, profile=profile)


def serious(findings: list[Finding]) -> list[str]:
    return [f.rule_id for f in findings if f.rule.severity is not Severity.NOTE]


def test_the_request_that_the_sky_q_box_was_silent_to() -> None:
    """C01: aiohttp 3.4.4 with multidict 4.4.2, as measured; Host is field 7."""
    head = lines(
        GET,
        b"Upgrade: Websocket",
        CONNECTION,
        b"Sec-Websocket-Version: 13",
        b"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Accept: */*",
        b"Accept-Encoding: gzip, deflate",
        HOST,
        b"User-Agent: Python/3.7 aiohttp/3.4.4",
    )
    repaired = mend_request(head)
    assert repaired.data == lines(
        GET,
        HOST,
        b"Upgrade: websocket",
        CONNECTION,
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Accept: */*",
        b"Accept-Encoding: gzip, deflate",
        b"User-Agent: Python/3.7 aiohttp/3.4.4",
    )
    assert {finding.rule_id for finding in repaired.repairs} == {
        "handshake.field.name-spelling",
        "handshake.field.upgrade-spelling",
        "handshake.request.order",
    }
    assert mend_response(RESPONSE, head, repaired.data).data == RESPONSE


def test_a_conforming_handshake_stays_as_it_is() -> None:
    assert mend_request(REQUEST) == RepairedHead(REQUEST)
    assert (mend_response(RESPONSE).data, mend_response(RESPONSE).repairs) == (RESPONSE, ())
    request, response = parse_request_head(REQUEST), parse_response_head(RESPONSE)
    assert check_request(request) == check_response(request, response) == []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("subprotocols", [(), ("ocpp1.6",)])
def test_what_strict_clients_send_is_no_error(client, subprotocols) -> None:
    request = client(subprotocols).request
    assert serious(check_request(parse_request_head(request))) == []
    assert all(RULES[f.rule_id].severity is Severity.NOTE for f in mend_request(request).repairs)


@given(any_bytes, any_bytes, any_bytes)
def test_nothing_raises(head: bytes, received: bytes, sent: bytes) -> None:
    for repaired in (mend_request(head), mend_response(head, received, sent), mend_response(head)):
        assert all(finding.rule_id in RULES for finding in repaired.repairs)
        assert repaired.repairs or repaired.data == head


@given(any_bytes)
def test_a_profile_without_rules_changes_nothing(head: bytes) -> None:
    assert mend_request(head, Profile("empty")).data == head
    assert mend_response(head, profile=Profile("empty")).data == head


@given(requests())
@settings(deadline=None)
def test_strict_servers_take_a_repaired_request(head: bytes) -> None:
    repaired = mend_request(head).data
    assert [takes(repaired) for takes in SERVERS] == [""] * len(SERVERS)
    assert serious(check_request(parse_request_head(repaired))) == []


@given(st.sampled_from(CLIENTS), st.sampled_from([(), ("ocpp1.6",), ("arduino", "x")]), st.data())
@settings(deadline=None)
def test_strict_clients_take_a_repaired_response(client, subprotocols, data: st.DataObject) -> None:
    peer = client(subprotocols)
    head = data.draw(responses(client_key(parse_request_head(peer.request))))
    repaired = mend_response(head, peer.request)
    assert (peer.takes(repaired.data), aiohttp_takes_response(repaired.data)) == ("", "")
    left = check_response(parse_request_head(peer.request), parse_response_head(repaired.data))
    assert set(serious(left)) <= {"handshake.response.subprotocol-missing"}


@given(any_bytes, requests())
def test_repairing_again_changes_nothing(head: bytes, request: bytes) -> None:
    once = mend_request(head).data
    assert mend_request(once) == RepairedHead(once, frames=mend_request(once).frames)
    answered = mend_response(head, request).data
    again = mend_response(answered, request)
    assert (again.data, again.repairs) == (answered, ())


@given(requests(), st.data())
def test_each_side_gets_the_answer_to_its_own_key(head: bytes, data: st.DataObject) -> None:
    sent = mend_request(head).data
    key = client_key(parse_request_head(head))
    answer = data.draw(responses(client_key(parse_request_head(sent))))
    repaired = mend_response(answer, head, sent).data
    left = check_response(parse_request_head(head), parse_response_head(repaired))
    assert not [f for f in left if f.rule_id.startswith("handshake.response.accept")], key


@given(requests())
def test_what_was_found_is_what_the_profile_asks_for(head: bytes) -> None:
    repaired = mend_request(head)
    assert all(STRICT.repairs(finding.rule_id, Side.CLIENT) for finding in repaired.repairs)
    assert all(finding.offset is None and finding.detail for finding in repaired.repairs)


def test_every_fault_of_a_status_line_is_named() -> None:
    repaired = mend_response(RESPONSE.replace(b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.0  101"))
    assert repaired.data == RESPONSE
    assert {f.rule_id for f in repaired.repairs} == {
        "handshake.response.version",
        "handshake.response.line",
        "handshake.response.reason",
    }
