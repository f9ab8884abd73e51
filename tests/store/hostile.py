"""What damaged and hostile recordings are put through, and what must become of them.

Run as a program (`make fuzz-recordings`) it tries as many as it is told: `python -m tests.store.hostile COUNT
[SEED [FIRST]]`. Each recording follows from its number and the seed, which are told when something goes
wrong: to try number 7 again, COUNT is 8 and FIRST is 7.
"""

import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from tests.store.compiled import statements_compiled_once
from tests.store.mutations import Seeds, make_mutation, make_seeds, mutations
from tests.store.played import play
from tests.store.supervise import supervise
from wsproxy.cli import main
from wsproxy.errors import WsproxyError
from wsproxy.protocol.frame import Side
from wsproxy.replay.scripting import script_of
from wsproxy.store.reader import Recording, open_recording

SECONDS = 10.0
"""How much processor time a recording may take."""

_PLAYED = 8
"""One in so many is played to a client."""

_SHOWN = (
    ("ls",),
    ("ls", "--json"),
    ("show", "--hex", "--lines", "0"),
    ("show", "1"),
    ("show", "1", "--json"),
    ("show", "2", "--messages"),
    ("show", "--http"),
    ("lint",),
    ("lint", "--json"),
)
_COPIED = (
    ("export", ".jsonl"),
    ("export", ".jsonl"),
    ("import", ".db"),
    ("redact", ".db"),
    ("redact", ".jsonl"),
)


class Tried(NamedTuple):
    """What became of a recording: whether all of it could be read, and what went wrong, if anything did."""

    number: int
    kind: str
    read: bool
    wrong: str = ""


def run(numbers: Iterable[int], seed: int, seconds: float = SECONDS) -> Iterator[Tried]:
    """Try the recordings with these numbers."""
    with tempfile.TemporaryDirectory() as name, statements_compiled_once():
        folder = Path(name)
        seeds = make_seeds(folder)
        kinds = mutations(seeds)
        for number in numbers:
            dice, chosen = random.Random(f"{seed} {number}"), kinds[number % len(kinds)]
            place = make_mutation(chosen, folder, dice)
            began, read, wrong = time.process_time(), False, ""
            try:
                with no_errors_logged():
                    read = try_recording(place, seeds, number, dice)
            except Exception as error:
                wrong = f"{type(error).__name__}: {error}"
            took = time.process_time() - began
            if took > seconds and not wrong:
                wrong = f"took {took:.1f} s"
            for left in folder.glob("hostile*"):
                left.unlink()
            yield Tried(number, chosen.kind, read, wrong)


def try_recording(place: Path, seeds: Seeds, number: int, dice: random.Random) -> bool:
    """Read a recording in every way, give it to two commands, and play some; whether all could be read.

    Raises AssertionError, or what was raised, for what is neither a result nor a clear error.
    """
    read = read_all(place)
    try_command(dice.choice(_SHOWN), place)
    if number % 2:
        other = str(seeds.database)
        first, second = dice.choice([(f"{place}:1", other), (other, str(place)), (f"{place}:1", str(place))])
        try_command(("diff", second, *dice.choice([(), ("--json",), ("--side-by-side",)])), first)
    else:
        try_copying(place, dice)
    if number % _PLAYED == number // _PLAYED % _PLAYED:
        play(place, dice)
    return read


def read_all(place: Path) -> bool:
    """Read a recording as rows, session by session, and as scripts; whether nothing stood in the way."""
    read = False
    with suppress(WsproxyError), open_recording(str(place)) as recording:
        for _ in recording.exchanges():
            pass
        for session in recording.sessions():
            for part in _parts(recording, session.id):
                with suppress(WsproxyError):
                    for _ in part:
                        pass
            for plays, sent in ((Side.CLIENT, False), (Side.SERVER, False), (Side.SERVER, True)):
                with suppress(WsproxyError):
                    for _ in script_of(recording, session, plays, sent=sent):
                        pass
        with suppress(WsproxyError):
            for _ in recording.search("a"):
                pass
        for _ in recording.records():
            pass
        read = True
    return read


def _parts(recording: Recording, number: int) -> Iterator[Iterable[object]]:
    yield recording.events(number)
    yield (b"".join(recording.payload(frame.id)) for frame in recording.frames(number))
    yield recording.messages(number)
    yield recording.changes(number)
    yield recording.change_rules(number)
    yield recording.findings(number)
    for side in Side:
        yield recording.stream(number, side)
        yield recording.stream_sent(number, side)


def try_command(words: tuple[str, ...], place: Path | str) -> int:
    """Give a recording to a command; its exit code. Raises AssertionError if it ends in any other way."""
    result = CliRunner().invoke(main, [words[0], str(place), *words[1:]])
    error = result.exception
    if error is None or isinstance(error, SystemExit):
        return result.exit_code
    if isinstance(error, WsproxyError):
        return error.exit_code
    raise AssertionError(f"{' '.join(words)}: {error!r}") from error


def try_copying(place: Path, dice: random.Random) -> None:
    """Make another recording of it, which must be a good one if there was no error."""
    command, ending = dice.choice(_COPIED)
    copy = place.with_name(f"hostile copy{ending}")
    if try_command((command, "-o", str(copy)), place) == 0 and copy.exists():
        with open_recording(str(copy)) as recording:
            for _ in recording.records():
                pass


@contextmanager
def no_errors_logged() -> Iterator[None]:
    """Raises AssertionError for an error that was only logged, or only written to standard error, within."""
    handler, hook = _Errors(), sys.unraisablehook
    logging.getLogger().addHandler(handler)
    sys.unraisablehook = lambda raised: handler.found.append(f"{raised.object}: {raised.exc_value!r}")
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        sys.unraisablehook = hook
    assert not handler.found, handler.found


class _Errors(logging.Handler):
    """Gathers what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.found.append(logging.Formatter().format(record))


def try_many(count: int, seed: int, first: int) -> int:
    """Try them in processes of their own, and print what became of them; how many went wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    for tried in supervise(lambda numbers: run(numbers, seed), first, count):
        if isinstance(tried, Tried):
            outcome = "wrong" if tried.wrong else "read" if tried.read else "refused"
            counts[tried.kind, outcome] += 1
            tried_text = f"{tried.number}: {tried.wrong}" if tried.wrong else ""
        else:
            counts["any", "wrong"] += 1
            tried_text = str(tried)
        if tried_text:
            print(f"seed {seed}, recording {tried_text}", flush=True)
        if counts.total() % 500 == 0:
            print(f"{counts.total()} tried", flush=True)
    outcomes = ("read", "refused", "wrong")
    print(f"{'':30}{outcomes[0]:>9}{outcomes[1]:>9}{outcomes[2]:>9}")
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:30}" + "".join(f"{counts[kind, outcome]:9}" for outcome in outcomes))
    return sum(counts[kind, outcome] for kind, outcome in counts if outcome == "wrong")


if __name__ == "__main__":
    _count, _seed, _first = (*map(int, sys.argv[1:]), *(1, 0)[len(sys.argv) - 2 :])
    sys.exit(bool(try_many(_count, _seed, _first)))
