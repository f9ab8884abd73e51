"""The table of rules is true: rows are filled in and looked for, and what says it is repaired is."""

import ast
from pathlib import Path

import pytest

from tests.conformance.normalizing import KEY, SECOND, STRICT
from tests.conformance.test_normalizer_cases import SESSIONS, frames_of
from wsproxy.conformance import rules
from wsproxy.conformance.checks_deflate import DEFLATE_FAULTS
from wsproxy.conformance.normalizer import Legs, Normalizer
from wsproxy.conformance.profiles import Profile
from wsproxy.conformance.rule import Rule
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate, parse_response_head

OF_FRAMES = {rule_id: rule for rule_id, rule in RULES.items() if not rule_id.startswith("handshake.")}
ELSEWHERE = {
    # Which of these it is shows once a message cannot be inflated: test_repairs_deflate.py.
    *DEFLATE_FAULTS,
    # Headers that a dialect's grammar cannot read: no case has a dialect.
    "stream.opaque",
}


def test_no_rule_is_there_twice() -> None:
    assert len(RULES) == len(rules._ROWS)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_row_is_filled_in(rule: Rule) -> None:
    assert rule.section.startswith(("RFC ", "draft-"))
    assert rule.sentence.endswith(".")
    assert rule.wire
    assert rule.repair or not rule.heuristic


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_strict_repairs_all_but_guesses(rule: Rule) -> None:
    on = [STRICT.repairs(rule.id, side) for side in Side]
    if rule.repair or not rule.id.startswith("handshake."):
        assert on == [rule.repair and not rule.heuristic] * 2, "switch it on or off in strict.toml"


def test_somebody_looks_for_every_rule() -> None:
    """A row alone does nothing: its id is named by a check, or by the repair of what a receiver needs."""
    named = {
        node.value
        for path in Path(rules.__file__).parent.glob("*.py")
        if not path.name.startswith("rules")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(RULES) - named == set(), "write a check that yields them, and list it"


class Asked(frozenset[str]):
    """Every rule is on; `ids` are those that somebody asked for."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def __contains__(self, rule_id: object) -> bool:
        self.ids.add(str(rule_id))
        return True


def test_what_says_it_is_repaired_is_asked_for_on_the_way() -> None:
    asked = Asked()
    profile = Profile("every", rules=dict.fromkeys(Side, asked))
    for case in SESSIONS:
        following, response = frames_of(case)
        legs = Legs.alike(negotiate(parse_response_head(response)))
        normalizer = Normalizer(profile, legs, masking_key=lambda: KEY)
        for side, data in following:
            if data is None:
                normalizer.receive_eof(side, SECOND)
            else:
                normalizer.receive_data(side, data, SECOND)
        normalizer.wake(100 * SECOND)
    assert asked.ids <= set(OF_FRAMES)
    says = {rule.id for rule in OF_FRAMES.values() if rule.repair}
    assert asked.ids | ELSEWHERE == says, (
        "write the repair and list it, or add a case in tests/wire that needs it"
    )
