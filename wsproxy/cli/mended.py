"""What was repaired on the way on, and why, in lines and as values."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from wsproxy.cli.objects import finding_object
from wsproxy.cli.paint import Line, Span, printable

if TYPE_CHECKING:
    from wsproxy.conformance.finding import Finding
    from wsproxy.protocol.frame import Side
    from wsproxy.store.model import StoredFinding
    from wsproxy.store.session_recorder import Changed, Found

_BESIDE_FRAMES = ("close.missing", "close.unanswered", "keepalive.")


def as_finding(found: "StoredFinding | Found") -> "Finding | None":
    """A recorded finding as a value of today's rules; None for a rule that is no more."""
    from wsproxy.conformance.finding import Finding
    from wsproxy.conformance.rules import RULES

    if found.rule_id not in RULES:
        return None
    return Finding(found.rule_id, found.detail, found.side, found.offset)


def reason_lines(rule_ids: Iterable[str], indent: str) -> Iterator[Line]:
    """A line for each rule that something was changed for."""
    from wsproxy.conformance.rules import RULES

    for rule_id in rule_ids:
        rule = RULES.get(rule_id)
        said = f"  {rule.sentence}  ({rule.section})" if rule else ""
        yield [Span(f"{indent}because  ", "dim"), Span(rule_id, "title"), Span(said, "dim")]


def reasons(rule_ids: Iterable[str]) -> list[dict[str, Any]]:
    """The same for machines."""
    from wsproxy.conformance.rules import RULES

    known = [(rule_id, RULES.get(rule_id)) for rule_id in rule_ids]
    return [
        {"rule": rule_id, **({"section": rule.section, "sentence": rule.sentence} if rule else {})}
        for rule_id, rule in known
    ]


def found_line(found: "StoredFinding | Found") -> Line:
    """What a side departs from, beside its frames, and whether that was repaired."""
    finding = as_finding(found)
    about = f"  ({finding.rule.section}, {found.rule_id})" if finding else f"  ({found.rule_id})"
    return [
        Span("  + " if found.repaired else "  ! ", "value" if found.repaired else "odd"),
        Span(f"{found.side}: ", found.side.value),
        Span(printable(found.detail)),
        Span(about, "dim"),
        Span("  repaired" if found.repaired else "", "value"),
    ]


def found_object(found: "StoredFinding | Found") -> dict[str, Any]:
    """The same for machines."""
    finding = as_finding(found)
    facts: dict[str, Any] = {"rule": found.rule_id, "detail": found.detail}
    if finding is not None:
        facts = {**finding_object(finding), "sentence": finding.rule.sentence}
    return {**facts, "side": found.side.value, "offset": found.offset, "repaired": found.repaired}


def beside_frames(found: Iterable["Found"]) -> "list[Found]":
    """Those that are not shown with a frame anyway."""
    return [each for each in found if each.offset is None or each.rule_id.startswith(_BESIDE_FRAMES)]


def repaired_line(changes: Iterable["Changed"]) -> Line | None:
    """In one line, what was done to what a side sent; None for what addons did."""
    counts: dict[tuple[Side, str], int] = {}
    for change in changes:
        for rule_id in change.rules:
            counts[change.side, rule_id] = counts.get((change.side, rule_id), 0) + 1
    if not counts:
        return None
    said = [f"{rule_id}{f' ({count} times)' if count > 1 else ''}" for (_, rule_id), count in counts.items()]
    sides = " and ".join(dict.fromkeys(str(side) for side, _ in counts))
    return [Span("  + ", "value"), Span(f"{sides}: "), Span("repaired  ", "value"), Span(", ".join(said))]
