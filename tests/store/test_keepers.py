"""A recorder that keeps nothing: its observers see what those of any other do."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.store.recording import AT, START, Callbacks, flood, recording_to, wait_until
from tests.wire.build import frame
from wsproxy.protocol.frame import Side
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind, HttpExchange, SessionEnd, SessionStart
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import Changed, Found

SECRET = b"hunter2-hunter2"
UNMASKED = frame(1, b'{"token": "%s"}' % SECRET)
LARGE = frame(2, bytes(300_000))
GREETING = frame(1, b"hello")
EXCHANGE = HttpExchange(AT, AT, "a:1", "b:2", "http://b:2/", b"GET / HTTP/1.1\r\n\r\n", b"", b"", b"", 0, 0)


class Onlooker:
    """Notes all it is told, in order; events one by one, however they were told together."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def session_started(self, session_id: int, start: SessionStart) -> None:
        self.told.append(("started", session_id, start))

    def events_received(
        self, session_id: int, side: Side, at_ns: int, events: Sequence[SessionEvent]
    ) -> None:
        self.told += [("event", session_id, side, at_ns, event) for event in events]

    def changes_made(self, session_id: int, changes: Sequence[Changed]) -> None:
        self.told += [("change", session_id, change) for change in changes]

    def findings_made(self, session_id: int, findings: Sequence[Found]) -> None:
        self.told += [("finding", session_id, found) for found in findings]

    def session_ended(self, session_id: int, end: SessionEnd) -> None:
        self.told.append(("ended", session_id, end))


def tell(place: Path | None, redaction: Redaction | None) -> list[tuple[Any, ...]]:
    """What an observer of two sessions is told."""
    onlooker = Onlooker()
    with recording_to(place, observers=(onlooker,), redaction=redaction) as recorder:
        recorder.exchange(EXCHANGE)
        for _ in range(2):
            session = recorder.open_session(START)
            session.change(Changed(ChangeKind.REPLACED, Side.CLIENT, 0, len(UNMASKED), b"\x89\x00"), AT)
            session.receive_data(Side.CLIENT, UNMASKED, AT)
            session.receive_data(Side.SERVER, LARGE + GREETING[:3], AT + 1)
            session.receive_data(Side.SERVER, GREETING[3:], AT + 2)
            session.receive_eof(Side.SERVER, "rst", AT + 3)
            session.end(AT + 4)
    assert recorder.backlog == 0
    return onlooker.told


@pytest.mark.parametrize("rules", [[], ["json:/token"]], ids=["plain", "redacted"])
def test_observers_are_told_the_same_whether_it_is_kept_or_not(tmp_path: Path, rules: list[str]) -> None:
    redaction = Redaction.of(rules) if rules else None
    shown = tell(None, redaction)
    assert shown == tell(tmp_path / "kept.db", redaction)
    kinds = [kind for kind, _ in groupby(told[0] for told in shown if told[1] == 2)]
    assert kinds == ["started", "event", "change", "finding", "event", "finding", "ended"]
    assert (SECRET in repr(shown).encode()) is not bool(rules)


def test_a_flood_that_is_only_shown_presses_too() -> None:
    callbacks, onlooker = Callbacks(), Onlooker()
    chunk = frame(2, bytes(100)) * 640
    with recording_to(
        None, limits=WriterLimits(high_water=1 << 20), callbacks=callbacks, observers=(onlooker,)
    ) as recorder:
        most = flood(recorder, callbacks, chunk, 50)
    assert callbacks.pressure[:2] == [True, False]
    assert most < 4 << 20
    assert sum(told[0] == "event" for told in onlooker.told) == 2 * 640 * 50
    assert callbacks.failures == []


def test_what_makes_showing_impossible_is_said_once() -> None:
    callbacks = Callbacks()
    with recording_to(None, callbacks=callbacks) as recorder:
        recorder.open_session(replace(START, client_dialect="nosuch"))
        wait_until(lambda: bool(callbacks.failures), "the failure to be told")
        recorder.open_session(START).end(AT)
        assert recorder.backlog == 0
    assert "nosuch" in str(callbacks.failures[0])
    assert len(callbacks.failures) == 1
