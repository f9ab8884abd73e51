"""Every collected case that is a matter of a head: what is found in it, and what goes on instead."""

from types import MappingProxyType

import pytest

from tests.conformance.odd_heads import ODD_REQUESTS, ODD_RESPONSES
from tests.conformance.request_vectors import REQUESTS, RequestVector
from tests.conformance.response_vectors import RESPONSES, ResponseVector
from wsproxy.conformance.checks_request import check_request
from wsproxy.conformance.checks_response import check_response
from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.conformance.repairs_handshake import repair_request, repair_response
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import parse_request_head, parse_response_head

STRICT = load_profile("strict")
FRESH_KEY = b"AQIDBAUGBwgJCgsMDQ4PEA=="


def rule_ids(*names: str) -> list[str]:
    return sorted(f"handshake.{name}" for name in names)


@pytest.mark.parametrize("vector", REQUESTS + ODD_REQUESTS, ids=lambda vector: vector.cites)
def test_a_request_is_judged(vector: RequestVector) -> None:
    found = check_request(parse_request_head(vector.head))
    assert sorted({finding.rule_id for finding in found}) == rule_ids(*vector.rules)
    assert all(finding.side is Side.CLIENT and finding.detail for finding in found)


@pytest.mark.parametrize("vector", REQUESTS + ODD_REQUESTS, ids=lambda vector: vector.cites)
def test_a_request_is_repaired(vector: RequestVector) -> None:
    options = MappingProxyType({Side.CLIENT: {}, Side.SERVER: vector.options})
    profile = Profile("test", rules=STRICT.rules, options=options)
    repaired = repair_request(vector.head, profile, fresh_key=FRESH_KEY, authority=b"skyq:9006")
    if not vector.repaired:
        assert (repaired.data, repaired.repairs) == (vector.head, ())
        return
    lines = repaired.data.split(b"\r\n")
    assert [line for line in vector.sent if lines.count(line) != 1] == []
    assert not vector.gone or not [line for line in lines if line.startswith(vector.gone)]
    assert lines[1].startswith(b"Host: ")
    assert bool(repaired.repairs) == (repaired.data != vector.head)


@pytest.mark.parametrize("vector", RESPONSES + ODD_RESPONSES, ids=lambda vector: vector.cites)
def test_a_response_is_judged(vector: ResponseVector) -> None:
    found = check_response(parse_request_head(vector.request), parse_response_head(vector.head))
    assert sorted({finding.rule_id for finding in found}) == rule_ids(*vector.rules)
    assert not vector.detail or [f for f in found if vector.detail in f.detail]
    assert all(finding.side is Side.SERVER for finding in found)


@pytest.mark.parametrize("vector", RESPONSES + ODD_RESPONSES, ids=lambda vector: vector.cites)
def test_a_response_is_repaired(vector: ResponseVector) -> None:
    repaired = repair_response(
        vector.head, received_request=vector.request, sent_request=vector.request, profile=STRICT
    )
    assert repaired.data == vector.sent
    assert bool(repaired.repairs) == (repaired.data != vector.head)
    assert bool(repaired.repairs) <= vector.repaired
