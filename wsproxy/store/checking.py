"""Checking a session while it is recorded: which rules it departs from, and whether that was repaired."""

import logging
from collections.abc import Callable, Mapping, Sequence

from wsproxy.conformance.checker import Checker
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.model import ChangeKind
from wsproxy.store.session_recorder import Changed, Found, Opened, ReachedEnd

_LOOKED_AT = 256
"""So many events of a side are looked at closely in any case: peculiar payloads show from the beginning."""

_MOST_RANGES = 64
_MOST_DROPPED = 10_000
_CLOSE = b"\x88"
_WITHOUT_CLOSE = ("close.missing", "close.unanswered")
_AT_ONCE = ("frame.", "stream.", "handshake.")

_log = logging.getLogger(__name__)


class SessionChecks:
    """Checks one session as it comes.

    What is told of changes must come before what they are about. `take` gives what was found since.
    """

    def __init__(self, opened: Opened, dialects: Mapping[Side, Dialect]) -> None:
        start, repairs = opened.start, opened.repairs
        self._dropped: set[tuple[Side, int]] = set()
        self._checker: Checker | None = Checker(
            start.request_head,
            start.response_head,
            request_head_sent=start.request_head_sent,
            response_head_sent=start.response_head_sent,
            dialects=dialects,
            dropped=self._dropped,
        )
        self._closed_for: set[Side] = set()
        self._repaired: dict[tuple[str, Side], list[tuple[int, int]]] = {}
        self._close_looks = dict.fromkeys(Side, _LOOKED_AT)
        self._found: list[Finding] = []
        self._mended = dict.fromkeys((repair.rule_id, repair.side) for repair in repairs)
        self._safely(lambda checker: checker.handshake(opened.early_bytes))
        seen = {(finding.rule_id, finding.side) for finding in self._found}
        self._found += [repair for repair in repairs if (repair.rule_id, repair.side) not in seen]

    def change(self, changed: Changed) -> None:
        """Something else was sent on."""
        if changed.kind is ChangeKind.DROPPED and len(self._dropped) < _MOST_DROPPED:
            self._dropped.add((changed.side, changed.start_offset))
        if changed.kind is ChangeKind.INJECTED and changed.sent[:1] == _CLOSE:
            self._closed_for.add(changed.side)
        for rule_id in changed.rules:
            ranges = self._repaired.setdefault((rule_id, changed.side), [])
            if len(ranges) < _MOST_RANGES:
                ranges.append((changed.start_offset, changed.end_offset))

    def receive(self, side: Side, events: Sequence[SessionEvent], at_ns: int) -> None:
        """`side` sent what decodes to `events`."""
        if not events:
            return
        close_look = self._close_looks[side] > 0
        self._close_looks[side] -= len(events)
        self._safely(
            lambda checker: (
                []
                if not close_look and checker.skim(side, events, at_ns)
                else checker.receive(side, events, at_ns)
            )
        )

    def receive_eof(
        self, end: ReachedEnd, unfinished: Sequence[SessionEvent], pending: bytes, at_ns: int
    ) -> None:
        """A side's stream ended, with `unfinished` messages and `pending` bytes of a frame."""
        side, how, notified = end.side, end.how, end.close_notify
        self._safely(lambda checker: checker.receive(side, unfinished, at_ns))
        self._safely(lambda checker: checker.receive_eof(side, how, at_ns, pending, close_notify=notified))

    def end(self, at_ns: int) -> None:
        """The session is over."""
        self._safely(lambda checker: checker.end(at_ns))

    def take(self) -> list[Found]:
        """What was found since the last call."""
        if not self._found:
            return []
        found, self._found = self._found, []
        return [Found(f.rule_id, f.detail, f.side, f.offset, self._is_repaired(f)) for f in found]

    def _is_repaired(self, finding: Finding) -> bool:
        """Whether a change was made for it: to the very bytes, or, where it is not about certain bytes,
        behind them.
        """
        key, offset = (finding.rule_id, finding.side), finding.offset
        if offset is None:
            return key in self._mended
        if finding.rule_id in _WITHOUT_CLOSE and finding.side in self._closed_for:
            return True
        ranges = [each for each in self._repaired.get(key, ()) if max(each[1], each[0] + 1) > offset]
        if key in self._repaired:
            self._repaired[key] = ranges
        return bool(ranges) and (ranges[0][0] <= offset or not finding.rule_id.startswith(_AT_ONCE))

    def _safely(self, check: Callable[[Checker], list[Finding]]) -> None:
        if self._checker is None:
            return
        try:
            self._found += check(self._checker)
        except Exception:
            # A fault in a check must not cost what passes: it is recorded as before.
            self._checker = None
            _log.exception("cannot check this session any more; it is recorded as before")
