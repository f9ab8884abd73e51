"""The two forms in which sessions are shown, live or from a recording: text, and JSON lines."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from wsproxy.cli.mended import found_line, found_object, reasons, repaired_line
from wsproxy.cli.objects import finding_object, frame_object, json_line, message_object
from wsproxy.cli.paint import Line, Span
from wsproxy.cli.render import changed_lines, ended_line, seen_lines, started_line

if TYPE_CHECKING:
    from wsproxy.cli.seen import Seen
    from wsproxy.store.model import SessionEnd, SessionStart, StoredChange, StoredFinding
    from wsproxy.store.session_recorder import Changed, Found

type Lines = Iterable[Line | str]


class View(Protocol):
    """Lines for what happens in the session with some number."""

    def started(self, number: int, start: "SessionStart") -> Lines:
        """Its opening handshake is over."""

    def seen(self, number: int, seen: "Seen") -> Lines:
        """A side sent something."""

    def changed(self, number: int, change: "StoredChange") -> Lines:
        """Something else was sent on."""

    def found(self, number: int, found: "StoredFinding | Found") -> Lines:
        """A departure from a rule beside what was seen, and whether it was repaired."""

    def repaired(self, number: int, changes: "Sequence[Changed]") -> Lines:
        """In short: what was seen last went on otherwise."""

    def skipped(self, counts: dict[str, int]) -> Lines:
        """So many frames of each side were not shown."""

    def ended(self, number: int, end: "SessionEnd") -> Lines:
        """It is over."""


class TextView:
    """For people. `limit` bounds the lines of each payload (0: all), `numbered` says which session each
    is of.
    """

    def __init__(
        self,
        *,
        limit: int = 0,
        show_hex: bool = False,
        messages_only: bool = False,
        numbered: bool = False,
        recorded: bool = True,
    ) -> None:
        self._numbered = numbered
        self._recorded = recorded
        self._limit = limit
        self._hex = show_hex
        self._messages_only = messages_only

    def started(self, number: int, start: "SessionStart") -> Lines:
        """Its opening handshake is over."""
        return [started_line(number, start)]

    def seen(self, number: int, seen: "Seen") -> Lines:
        """A side sent something."""
        shown_number = number if self._numbered else None
        return seen_lines(
            seen, shown_number, limit=self._limit, show_hex=self._hex, messages_only=self._messages_only
        )

    def changed(self, number: int, change: "StoredChange") -> Lines:
        """Something else was sent on."""
        return changed_lines(change, number if self._numbered else None, limit=self._limit)

    def found(self, number: int, found: "StoredFinding | Found") -> Lines:
        """A departure from a rule."""
        return [found_line(found)]

    def repaired(self, number: int, changes: "Sequence[Changed]") -> Lines:
        """In short: what went on otherwise."""
        line = repaired_line(changes)
        return [] if line is None else [line]

    def skipped(self, counts: dict[str, int]) -> Lines:
        """So many frames of each side were not shown."""
        said = " and ".join(f"{count:,} of the {side}" for side, count in counts.items() if count)
        kept = "; all are recorded" if self._recorded else ""
        return [[Span(f"… frames not shown, they come too fast: {said}{kept}", "dim")]]

    def ended(self, number: int, end: "SessionEnd") -> Lines:
        """It is over."""
        return [ended_line(number, end)]


class JsonView:
    """For machines: one object a line; `type` says what it is. Heads are strings with a character for
    each byte.
    """

    def __init__(self, *, messages_only: bool = False) -> None:
        self._messages_only = messages_only

    def started(self, number: int, start: "SessionStart") -> Lines:
        """Its opening handshake is over."""
        facts = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in asdict(start).items()
        }
        return [json_line({"type": "session", "session": number, **facts})]

    def seen(self, number: int, seen: "Seen") -> Lines:
        """A side sent something."""
        from wsproxy.protocol.frame import FramePiece, OpaqueData

        about: dict[str, Any] = {"session": number, "side": seen.side.value, "at_ns": seen.at_ns}
        findings = {"findings": [finding_object(finding) for finding in seen.findings]}
        objects: list[dict[str, Any]] = []
        if self._messages_only:
            if seen.message is not None:
                objects = [{"type": "message", **about, **message_object(seen.message)}]
        elif seen.frame is not None:
            objects = [{"type": "frame", **about, **frame_object(seen.frame)}]
        elif isinstance(seen.event, OpaqueData):
            opaque = seen.event
            objects = [{"type": "opaque", **about, "offset": opaque.offset, "data": opaque.data.hex()}]
        elif isinstance(seen.event, FramePiece):
            piece = seen.event
            facts = {"position": piece.position, "payload": piece.payload.hex(), "last": piece.last}
            objects = [{"type": "piece", **about, **facts}]
        if not self._messages_only and seen.assembled is not None:
            objects.append({"type": "message", **about, **message_object(seen.assembled)})
        return [json_line({**value, **findings}) for value in objects]

    def changed(self, number: int, change: "StoredChange") -> Lines:
        """Something else was sent on."""
        facts = {**asdict(change), "sent": change.sent.hex(), "session": number}
        del facts["id"], facts["session_id"]
        return [json_line({"type": "change", **facts, "reasons": reasons(change.rules)})]

    def found(self, number: int, found: "StoredFinding | Found") -> Lines:
        """A departure from a rule."""
        return [json_line({"type": "finding", "session": number, **found_object(found)})]

    def repaired(self, number: int, changes: "Sequence[Changed]") -> Lines:
        """What went on otherwise."""
        for change in changes:
            facts = {**asdict(change), "sent": change.sent.hex(), "reasons": reasons(change.rules)}
            yield json_line({"type": "change", "session": number, **facts})

    def skipped(self, counts: dict[str, int]) -> Lines:
        """So many frames of each side were not shown."""
        return [json_line({"type": "skipped", **counts})]

    def ended(self, number: int, end: "SessionEnd") -> Lines:
        """It is over."""
        return [json_line({"type": "end", "session": number, **asdict(end)})]
