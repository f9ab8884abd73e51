"""Every collected case comes under a rule, and what it puts on the wire gives a finding of that rule."""

import re

import pytest

from tests.conformance.case_rules import (
    FRAMES,
    FRAMES_BY_OPTION,
    FRAMES_OUT_OF_REACH,
    HANDSHAKES,
    HANDSHAKES_OUT_OF_REACH,
    by_case,
)
from tests.conformance.sight import sight_of
from tests.conformance.test_normalizer_cases import SESSIONS
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from wsproxy.conformance.options import OPTIONS
from wsproxy.conformance.rules import RULES
from wsproxy.conformance.rules_receiver import RECEIVER_RULES

COLLECTIONS = {
    "frames": (FRAMES, FRAMES_BY_OPTION, FRAMES_OUT_OF_REACH),
    "handshake": (HANDSHAKES, {}, HANDSHAKES_OUT_OF_REACH),
}
CONFORMS = {
    "host-without-port": "a server that wants the port",
    "frame-with-the-request": "only the chunks' times show it",
    "frame-before-the-101": "only the chunks' times show it",
    "deflate-plain": "the other parameters were not asked for here",
    "blank-line-in-a-segment-of-its-own": "a client that reads one segment",
    "close-glued-to-101-and-hang-up": "a device that takes another Origin",
    "takeover": "a receiver that wants every message compressed",
    "takeover-with-a-plain-message-inside": "a window that stands its ground",
    "no-takeover-unannounced": "a sender may always begin anew",
    "truncated-json-of-a-charger": "the application's matter",
    "every-piece-a-message": "no JSON",
    "ping-answered-with-ping": "an empty ping proves nothing",
    "text-ping-of-wled": "an ordinary message",
    "close-of-nothing": "a receiver that wants a code",
    "close-code-1013": "a receiver that knows fewer codes",
    "ping-between-fragments": "a receiver that does not",
    "device-resets-after-half-close": "both had closed",
    "client-resets-after-half-close": "both had closed",
    "header-torn": "a receiver that reads one segment",
    "around-the-length-forms": "receivers that want more than the RFC",
    "around-the-length-forms-client": "receivers that want more than the RFC",
    "every-frame-compressed-by-safari": "agreed on, and done as agreed",
}


def cited(case: Case) -> set[str]:
    """The rules of the cases it cites; none where a weak receiver is all there is to it."""
    rules: set[str] = set()
    for cite in case.cites:
        collection, _, name = cite.partition(" ")
        if name:
            rules |= by_case(COLLECTIONS[collection][0]).get(name, set())
    return rules - {rule.id for rule in RECEIVER_RULES}


def findings(case: Case) -> set[str]:
    """The rules a checker finds broken in it."""
    return {finding.rule_id for finding in sight_of(case, end_after_s=30).found}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_case_has_a_place(collection: str) -> None:
    rules, options, reasons = COLLECTIONS[collection]
    assert set(rules) <= set(RULES)
    assert set(options) <= set(OPTIONS)
    placed = {*by_case(rules), *by_case(options), *" ".join(reasons).split()}
    ids = {cite.partition(" ")[2] for case in CASES for cite in case.cites if cite.startswith(collection)}
    assert ids <= placed
    assert all(re.fullmatch(r"[A-Z]\d{2,3}", case) for case in placed)


@pytest.mark.parametrize("case", [case for case in SESSIONS if cited(case)], ids=lambda case: case.name)
def test_what_a_case_puts_on_the_wire_is_found(case: Case) -> None:
    if case.name in CONFORMS:
        assert not findings(case) & cited(case)
    else:
        assert findings(case) & cited(case)
