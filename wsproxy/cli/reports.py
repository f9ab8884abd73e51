"""What `lint` prints: text, JSON lines, or SARIF 2.1.0. Everything is written as it is found."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from wsproxy.cli.objects import finding_object, json_line
from wsproxy.cli.paint import Line, Span, printable

if TYPE_CHECKING:
    from wsproxy.cli.linting import Located, SessionLint
    from wsproxy.conformance.finding import Finding
    from wsproxy.conformance.rules import Rule

type Lines = Iterable[Line | str]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_INDENT = "           "


class Report(Protocol):
    """Lines for the sessions that are checked, one after the other."""

    def session(self, lint: "SessionLint") -> Lines:
        """One session: it is read while these are."""

    def end(self) -> Lines:
        """There are no more."""


class TextReport:
    """For people: grouped by session, each rule explained once in a session."""

    def session(self, lint: "SessionLint") -> Lines:
        """One session."""
        from wsproxy.cli.render import date_and_time, started_line

        session = lint.session
        began = Span(f"{date_and_time(session.start.started_at_ns)}  ", "dim")
        yield [began, *started_line(session.id, session.start)[1:]]
        explained: set[str] = set()
        for located in lint.findings():
            yield from _finding_lines(located)
            rule = located.finding.rule
            if rule.id not in explained:
                explained.add(rule.id)
                yield from _rule_lines(rule)
        for (rule_id, side), count in lint.repeated.items():
            yield f"  and {count:,} more of {rule_id} by the {side}"
        yield f"  {_totals(lint)}"

    def end(self) -> Lines:
        """There are no more."""
        return ()


class JsonReport:
    """For machines: one object a line, of the `type` `finding`, or `repeated` for those only counted."""

    def session(self, lint: "SessionLint") -> Lines:
        """One session."""
        from wsproxy.conformance.rules import RULES

        number = lint.session.id
        for located in lint.findings():
            finding, rule = located.finding, located.finding.rule
            facts = {
                "frame": located.frame,
                "sentence": rule.sentence,
                "rejects": [{"peer": peer, "words": words} for peer, words in rule.rejects],
                "repair": rule.repair,
                "repaired": located.repaired,
            }
            yield json_line({"type": "finding", "session": number, **finding_object(finding), **facts})
        for (rule_id, side), count in lint.repeated.items():
            facts = {"rule": rule_id, "severity": RULES[rule_id].severity.value, "side": side.value}
            yield json_line({"type": "repeated", "session": number, **facts, "count": count})

    def end(self) -> Lines:
        """There are no more."""
        return ()


class SarifReport:
    """For what reads SARIF. A finding is located in its recording by session, side and frame."""

    def __init__(self, recording: str) -> None:
        self._recording = recording
        self._rules: dict[str, Rule] = {}
        self._begun = False
        self._comma = ""

    def session(self, lint: "SessionLint") -> Lines:
        """One session."""
        yield from self._begin()
        for located in lint.findings():
            yield from self._result(lint, located)
        for (rule_id, side), count in lint.repeated.items():
            text = f"{count} more of this rule by the {side} in session {lint.session.id}"
            place = f"session {lint.session.id}/{side}"
            yield from self._add(
                rule_id, text, place, {"session": lint.session.id, "side": side.value}, count
            )

    def end(self) -> Lines:
        """There are no more."""
        yield from self._begin()
        driver = {
            "name": "wsproxy",
            "version": version("wsproxy"),
            "rules": [_sarif_rule(rule) for rule in self._rules.values()],
        }
        yield f'],"columnKind":"unicodeCodePoints","tool":{json_line({"driver": driver})}}}]}}'

    def _begin(self) -> Iterator[str]:
        if not self._begun:
            self._begun = True
            yield f'{{"$schema":"{_SCHEMA}","version":"2.1.0","runs":[{{"results":['

    def _result(self, lint: "SessionLint", located: "Located") -> Iterator[str]:
        finding = located.finding
        where = "opening handshake" if finding.offset is None else f"offset {finding.offset}"
        where = f"frame {located.frame}" if located.frame else where
        place = f"session {lint.session.id}/{finding.side}/{where}"
        facts = {
            "session": lint.session.id,
            "side": finding.side.value,
            "offset": finding.offset,
            "frame": located.frame,
            "repaired": located.repaired,
        }
        yield from self._add(finding.rule_id, printable(finding.detail), place, facts, 1)

    def _add(self, rule_id: str, text: str, place: str, facts: dict[str, Any], count: int) -> Iterator[str]:
        from wsproxy.conformance.rules import RULES

        rule = self._rules.setdefault(rule_id, RULES[rule_id])
        location = {
            "physicalLocation": {
                "artifactLocation": {"uri": _uri(self._recording)},
                # GitHub shows no result without a line; a recording has none.
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": place}],
        }
        result = {
            "ruleId": rule_id,
            "ruleIndex": list(self._rules).index(rule_id),
            "level": rule.severity.value,
            "message": {"text": text},
            "locations": [location],
            "occurrenceCount": count,
            "properties": facts,
        }
        yield self._comma + json_line(result)
        self._comma = ","


def _sarif_rule(rule: "Rule") -> dict[str, Any]:
    refused = "; ".join(_rejections(rule))
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": f"{rule.sentence} {rule.section}."},
        "help": {"text": f"On the wire: {rule.wire}." + (f" Rejected by {refused}." if refused else "")},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"section": rule.section, "repair": rule.repair},
    }


def _uri(recording: str) -> str:
    from urllib.parse import quote

    return quote(recording.replace("\\", "/"), safe="/:@?=&" if "://" in recording else "/:")


def _finding_lines(located: "Located") -> Iterator[Line]:
    finding = located.finding
    rule = finding.rule
    style = "dim" if rule.severity == "note" else "odd"
    where = Span(f"{finding.side}{_place(finding, located.frame)}", finding.side.value)
    severity = Span(f"  {rule.severity:<7}  ", style)
    mended = Span("  repaired" if located.repaired else "", "value")
    yield [severity, Span(rule.id, "title"), Span(f"  {rule.section}  "), where, mended]
    yield [Span(f"{_INDENT}{printable(finding.detail)}")]


def _place(finding: "Finding", frame: int | None) -> str:
    if finding.offset is None:
        return ", opening handshake"
    return f", frame {frame}, offset {finding.offset}" if frame else f", offset {finding.offset}"


def _rule_lines(rule: "Rule") -> Iterator[Line]:
    yield [Span(f"{_INDENT}{rule.sentence}", "dim")]
    for rejection in _rejections(rule):
        yield [Span(f"{_INDENT}rejected by {rejection}", "dim")]


def _rejections(rule: "Rule") -> list[str]:
    return [f"{peer}: {words}" if words else peer for peer, words in rule.rejects]


def _totals(lint: "SessionLint") -> str:
    from wsproxy.conformance.rules import Severity

    counts = [(lint.totals[severity], severity.value) for severity in Severity]
    said = [f"{count:,} {name}{'s' if count > 1 else ''}" for count, name in counts if count]
    return ", ".join(said) or "no findings"
