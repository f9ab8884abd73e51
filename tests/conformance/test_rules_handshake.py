"""The rows of the table about the opening handshake are true: each is exercised, each repair is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.handshake_strategies import requests, responses
from tests.conformance.odd_heads import ODD_REQUESTS, ODD_RESPONSES
from tests.conformance.request_vectors import REQUESTS
from tests.conformance.response_vectors import RESPONSES
from tests.conformance.strict_peers import words_of
from tests.protocol.head_strategies import heads
from tests.wire.handshakes import REQUEST
from wsproxy.conformance.profiles import Profile
from wsproxy.conformance.repairs_fields import FIELD_ADAPTATIONS, FIELD_REPAIRS
from wsproxy.conformance.repairs_handshake import repair_request, repair_response
from wsproxy.conformance.repairs_request import REQUEST_ADAPTATIONS, REQUEST_REPAIRS
from wsproxy.conformance.repairs_response import RESPONSE_REPAIRS
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side

OURS = {rule_id: rule for rule_id, rule in RULES.items() if rule_id.startswith("handshake.")}
REPAIRED = {*FIELD_REPAIRS, *FIELD_ADAPTATIONS, *REQUEST_REPAIRS, *REQUEST_ADAPTATIONS, *RESPONSE_REPAIRS}
BY_OPTION = {*FIELD_ADAPTATIONS, *REQUEST_ADAPTATIONS}
BRIDGED = {rule_id for rule_id in OURS if "hixie76" in rule_id}
_REQUESTS, _RESPONSES = REQUESTS + ODD_REQUESTS, RESPONSES + ODD_RESPONSES
FRESH_KEY = b"AQIDBAUGBwgJCgsMDQ4PEA=="

rule_sets = st.sets(st.sampled_from(sorted(OURS))).map(frozenset)
server_options = st.fixed_dictionaries(
    {},
    optional={
        "host_port": st.sampled_from(["keep", "with", "without"]),
        "origin": st.sampled_from(["keep", "", "http://x"]),
        "subprotocols": st.sampled_from(["keep", "", "ocpp1.6, ocpp1.5"]),
        "extensions": st.sampled_from(["keep", "", "permessage-deflate"]),
        "comma": st.sampled_from([", ", ","]),
        "few_fields": st.booleans(),
        "hixie76": st.booleans(),
    },
)


def test_a_rule_that_says_it_is_repaired_is() -> None:
    says = {rule_id for rule_id, rule in OURS.items() if rule.repair}
    assert says == REPAIRED | BRIDGED, "list a repair in ..._REPAIRS, and say repair=True in the rule's row"


def test_every_rule_was_seen_in_a_case() -> None:
    departures = [vector.rules for vector in _REQUESTS] + [vector.rules for vector in _RESPONSES]
    cited = {f"handshake.{rule}" for rules in departures for rule in rules}
    assert set(OURS) - cited <= BY_OPTION | BRIDGED, "add a vector that departs from it"
    assert cited <= set(OURS)


def test_every_rule_names_somebody_who_refuses_it() -> None:
    for rule in OURS.values():
        assert rule.rejects or rule.id in BRIDGED, f"{rule.id}: name a peer in rejects"


@pytest.mark.parametrize(
    ("rule_id", "peer", "words"),
    [
        (rule.id, peer, words)
        for rule in OURS.values()
        for peer, words in rule.rejects
        if peer in ("websockets", "h11", "aiohttp") and words
    ],
)
def test_strict_peers_say_what_the_table_says(rule_id: str, peer: str, words: str) -> None:
    name = rule_id.removeprefix("handshake.")
    said = [words_of(peer, vector.head) for vector in _REQUESTS if name in vector.rules]
    said += [words_of(peer, vector.request, vector.head) for vector in _RESPONSES if name in vector.rules]
    assert [each for each in said if words in each], said


@given(
    st.one_of(heads, requests(), responses(b"x")),
    st.one_of(st.just(REQUEST), requests()),
    rule_sets,
    server_options,
)
def test_only_what_is_on_is_repaired(
    head: bytes, request: bytes, rules: frozenset[str], options: dict[str, str]
) -> None:
    profile = Profile("some", rules=dict.fromkeys(Side, rules), options=dict.fromkeys(Side, options))
    asked = repair_request(head, profile, fresh_key=FRESH_KEY, authority=b"skyq:9006")
    assert {finding.rule_id for finding in asked.repairs} <= rules
    again = repair_request(asked.data, profile, fresh_key=FRESH_KEY, authority=b"skyq:9006")
    assert again.data == asked.data
    answered = repair_response(head, received_request=request, sent_request=request, profile=profile)
    assert {finding.rule_id for finding in answered.repairs} <= rules
    again = repair_response(answered.data, received_request=request, sent_request=request, profile=profile)
    assert again.data == answered.data
