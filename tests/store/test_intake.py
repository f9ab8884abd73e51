"""The queue into the writer's thread, and its back-pressure."""

import threading
import time

from wsproxy.store.intake import Intake

COST = 256


def an_intake(high_water: int = 10_000) -> tuple[Intake[bytes], list[bool]]:
    told: list[bool] = []
    return Intake(high_water, told.append), told


def test_items_come_out_in_order() -> None:
    intake, told = an_intake()
    intake.put(b"a", 1)
    intake.put(b"b", 1)
    assert intake.backlog == 2 * (1 + COST)
    assert intake.take() == [b"a", b"b"]
    assert intake.take() == []
    intake.done(2, 2)
    assert intake.backlog == 2 * (1 + COST)
    intake.commit()
    assert (intake.backlog, intake.stored, told) == (0, 2 * (1 + COST), [])


def test_pressure_is_told_at_once_and_ends_at_a_quarter() -> None:
    intake, told = an_intake()
    intake.put(b"", 9_000)
    assert told == []
    intake.put(b"", 1_000)
    assert told == [True]
    intake.put(b"", 1_000)
    assert told == [True]
    intake.done(9_000, 1)
    assert told == [True]
    intake.done(1_000, 1)
    assert told == [True, False]


def test_tiny_items_count_too() -> None:
    intake, told = an_intake()
    for _ in range(10_000 // COST + 1):
        intake.put(b"", 0)
    assert told == [True]


def test_less_may_wait_when_the_pace_is_slow() -> None:
    intake, told = an_intake(1 << 20)
    intake.put(b"", 200_000)
    assert told == []
    intake.set_pace(1_000_000, 0.1)
    assert told == [], "only the putting thread is told to pause"
    intake.put(b"", 0)
    assert told == [True]
    intake.set_pace(100_000_000, 0.1)
    intake.done(0, 1)
    assert told == [True, False]
    intake.set_pace(1, 0.1)
    intake.done(200_000, 0)
    intake.put(b"", 60_000)
    assert told == [True, False]
    intake.put(b"", 10_000)
    assert told == [True, False, True]


def test_quick_transactions_let_more_wait_again() -> None:
    intake, told = an_intake(1 << 20)
    intake.set_pace(1, 0.1)
    intake.raise_mark(1_000)
    intake.put(b"", 70_000)
    intake.done(70_000, 1)
    assert told == [True, False], "next to nothing says nothing about the pace"
    intake.raise_mark(20_000)
    intake.put(b"", 70_000)
    assert told == [True, False]


def test_a_hold_keeps_the_pressure_on() -> None:
    intake, told = an_intake()
    intake.hold(True)
    intake.hold(True)
    assert told == []
    intake.put(b"", 1)
    intake.done(1, 1)
    assert told == [True]
    intake.hold(False)
    assert told == [True, False]


def test_waiting_ends_when_much_has_come_or_all_is_over() -> None:
    intake, _ = an_intake()
    began = time.monotonic()
    intake.wait(0.01)
    assert time.monotonic() - began >= 0.009
    threading.Timer(0.02, lambda: intake.put(b"", 3_000)).start()
    intake.wait(60)
    intake.wait(60)
    intake.done(3_000, 1)
    threading.Timer(0.02, intake.finish).start()
    intake.wait(60)
    assert time.monotonic() - began < 30


def test_nothing_is_accepted_after_the_end() -> None:
    intake, _ = an_intake()
    intake.put(b"kept", 4)
    intake.finish()
    intake.put(b"late", 4)
    assert intake.take() == [b"kept"]


def test_what_is_discarded_is_gone_and_presses_no_more() -> None:
    intake, told = an_intake()
    intake.put(b"", 20_000)
    intake.hold(True)
    intake.discard()
    intake.put(b"", 20_000)
    assert (intake.take(), intake.backlog, told) == ([], 0, [True, False])
