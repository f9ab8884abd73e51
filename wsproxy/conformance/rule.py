"""What a rule is: a row of the table in rules.py."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a departure matters to a strict peer."""

    ERROR = "error"
    """The RFC says MUST: strict peers fail the connection."""
    WARNING = "warning"
    """The connection survives, but something is lost or misread."""
    NOTE = "note"
    """Allowed or harmless, and worth knowing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `section` says where it stands, `sentence` what departs from it.

    `wire` is what that looks like on the wire. `rejects` names real peers that do not take it, each with
    their words (none: they hang, or hang up). `repair` says whether a repair exists, `heuristic` that it is
    a guess and so off until a profile asks for it.
    """

    id: str
    section: str
    severity: Severity
    sentence: str
    wire: str = ""
    rejects: tuple[tuple[str, str], ...] = ()
    repair: bool = False
    heuristic: bool = False
