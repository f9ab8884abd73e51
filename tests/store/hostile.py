"""Recordings that were damaged, or made to do harm, and what must become of them.

Run as a program (`make fuzz-recordings`) it tries as many as it is told: `python -m tests.store.hostile COUNT
[SEED]`. Each mutation follows from its number, which is printed when something goes wrong.
"""

import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from click.testing import CliRunner

from tests.cli.recordings import make_recording
from tests.store.everything import everything
from tests.store.recording import AT, START, recording_to
from tests.store.test_formats import EXCHANGE
from tests.wire.build import frame
from wsproxy.cli import main
from wsproxy.errors import WsproxyError
from wsproxy.protocol.frame import Side
from wsproxy.store.interchange import export_jsonl
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording

SECONDS = 20.0
MEMORY = 2 << 30

_NUMBERS = (0, -1, 1, 2, 7, 255, 1 << 31, 1 << 37, 1 << 38, (1 << 63) - 1, -(1 << 63))
_TEXTS = ("", "a", "client", "\udc80", "\x1b[31m", "../../etc/passwd", "é" * 300, "0", "9" * 30)
_COMMANDS = (
    ("ls",),
    ("ls", "--json"),
    ("show",),
    ("show", "1", "--hex", "--lines", "0"),
    ("show", "1", "--json"),
    ("show", "--http"),
    ("show", "2", "--messages"),
    ("lint",),
)


def make_seeds(folder: Path) -> tuple[Path, Path]:
    """A recording with a bit of everything: as a SQLite file with small pages, and as text."""
    database, text = folder / "seed.db", folder / "seed.jsonl"
    make_recording(database)
    with recording_to(database, limits=WriterLimits(piece_limit=100)) as recorder:
        session = recorder.open_session(START)
        session.receive_data(Side.SERVER, frame(1, b"a" * 250) + frame(2, b"half")[:4], AT)
        session.receive_data(Side.CLIENT, b"\x82\x7f" + b"\xff" * 30, AT)
        session.change(ChangeKind.REPLACED, Side.SERVER, 3, 9, b"new", AT, rules=("frame.mask",))
        session.finding("frame.mask", "not masked", Side.SERVER, 3, AT)
        session.finding("no.such.rule", "", Side.CLIENT, None, AT)
        recorder.exchange(EXCHANGE)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE frames SET payload = substr(payload, 1, 200) WHERE length(payload) > 2000")
        connection.execute("DELETE FROM frame_pieces WHERE length(payload) > 2000")
        connection.execute("PRAGMA page_size=1024")
        connection.execute("VACUUM")
    with open_recording(str(database)) as recording:
        export_jsonl(recording, str(text))
    return database, text


def mutate_bytes(data: bytearray, dice: random.Random) -> None:
    """Flip bits, cut off, move, repeat and overwrite pieces."""
    for _ in range(dice.choice((1, 1, 2, 5, 30))):
        at, size = dice.randrange(len(data) or 1), dice.choice((1, 2, 4, 100, 1024))
        match dice.randrange(6):
            case 0 | 1 if data:
                data[at % len(data)] ^= 1 << dice.randrange(8)
            case 2:
                data[at : at + size] = dice.randbytes(size)
            case 3 if dice.randrange(4) == 0:
                del data[at:]
            case 4:
                page, other = (place // 1024 * 1024 for place in (at, dice.randrange(len(data) or 1)))
                one, two = data[page : page + 1024], data[other : other + 1024]
                if len(one) == len(two):
                    data[page : page + 1024], data[other : other + 1024] = two, one
            case 5:
                data[at:at] = data[at : at + size]


def mutate_rows(place: Path, dice: random.Random) -> None:
    """Put values where they do not belong, through SQL."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.text_factory = bytes
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%USING%'"
        )
        tables = [name.decode() for (name,) in names if not name.startswith((b"text_index", b"sqlite"))]
        for _ in range(dice.choice((1, 2, 5))):
            table = dice.choice(tables)
            columns = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({table})")]
            value = dice.choice(
                [
                    "NULL",
                    "x''",
                    f"x'{dice.randbytes(9).hex()}'",
                    f"CAST(x'{dice.randbytes(5).hex()}' AS TEXT)",
                    "1.5",
                    "9e999",
                    "'abc'",
                    "'" + dice.choice(("fin", "ended", "open", "server", "len32", "replaced")) + "'",
                    str(dice.choice(_NUMBERS)),
                    dice.choice(columns),
                    f"{dice.choice(columns)} + 1",
                    "zeroblob(70000)",
                ]
            )
            where = "" if dice.randrange(2) else f" WHERE id % {dice.randrange(1, 5)} = 0"
            with suppress(sqlite3.Error):
                connection.execute(f"UPDATE OR IGNORE {table} SET {dice.choice(columns)} = {value}{where}")
        if dice.randrange(8) == 0:
            harm = dice.choice(
                (
                    "DROP TABLE frames",
                    "DROP TABLE sides",
                    "ALTER TABLE frames DROP COLUMN trailer",
                    "ALTER TABLE frames RENAME TO a; CREATE VIEW frames AS SELECT a.* FROM a, a AS b",
                    "ALTER TABLE sessions RENAME TO a; CREATE VIEW sessions AS WITH RECURSIVE n(i) AS"
                    " (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT a.* FROM a, n",
                    "PRAGMA user_version=1",
                    "PRAGMA user_version=3",
                    "DELETE FROM sides WHERE id = 2",
                    "DELETE FROM recorders",
                    "DROP TABLE text_index_data",
                )
            )
            with suppress(sqlite3.Error):
                connection.executescript(harm)


def mutate_lines(data: bytearray, dice: random.Random) -> None:
    """Change values in lines of JSON, and their order."""
    lines = bytes(data).split(b"\n")
    for _ in range(dice.choice((1, 1, 3))):
        at = dice.randrange(len(lines))
        places = [index for index, byte in enumerate(lines[at]) if byte == ord(":")]
        match dice.randrange(4):
            case 0 | 1 if places:
                start = dice.choice(places) + 1
                ends = [index for index in range(start, len(lines[at])) if lines[at][index] in b",}"]
                value = dice.choice(
                    [
                        str(dice.choice(_NUMBERS)),
                        "1" * 400,
                        "null",
                        "true",
                        "[]",
                        "{}",
                        "NaN",
                        "1e999",
                        '"\\ud800"',
                        '{"base64":"AAAA"}',
                        '{"base64":"=="}',
                        '"00"',
                        *(f'"{text}"' for text in _TEXTS),
                    ]
                )
                lines[at] = (
                    lines[at][:start]
                    + value.encode("utf-8", "surrogateescape")
                    + lines[at][ends[0] if ends else start :]
                )
            case 2:
                other = dice.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = b"" if dice.randrange(2) else lines[at] + b"\n" + lines[at]
    data[:] = b"\n".join(lines)


def mutation(number: int, seeds: tuple[Path, Path], folder: Path, seed: int) -> Path:
    """The recording with this number."""
    dice = random.Random(f"{seed} {number}")
    source = seeds[number % 2]
    place = folder / f"hostile{source.suffix}"
    if source.suffix == ".db" and dice.randrange(2):
        shutil.copy(source, place)
        mutate_rows(place, dice)
        return place
    data = bytearray(source.read_bytes())
    (mutate_lines if source.suffix == ".jsonl" and dice.randrange(3) else mutate_bytes)(data, dice)
    place.write_bytes(data)
    return place


def try_recording(place: Path, number: int) -> None:
    """Read it in every way, and with two of the commands.

    Raises AssertionError for what is neither a result nor a clear error.
    """
    with suppress(WsproxyError), open_recording(str(place)) as recording:
        everything(recording)
    with suppress(WsproxyError), open_recording(str(place)) as recording:
        for _ in recording.records():
            pass
    for command in (_COMMANDS[number // 2 % len(_COMMANDS)], _COMMANDS[(number // 2 + 3) % len(_COMMANDS)]):
        result = CliRunner().invoke(main, [command[0], str(place), *command[1:]])
        error = result.exception
        assert error is None or isinstance(error, SystemExit | WsproxyError), (command, error)


def run(count: int, seed: int, seconds: float = SECONDS) -> list[str]:
    """Try mutations 0 to `count`; what went wrong, each with its number."""
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = make_seeds(folder)
        for number in range(count):
            place = mutation(number, seeds, folder, seed)
            began = time.monotonic()
            try:
                try_recording(place, number)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                wrong.append(f"{number} (seed {seed}): {error!r}")
                print(wrong[-1], flush=True)
            took = time.monotonic() - began
            if took > seconds:
                wrong.append(f"{number} (seed {seed}): took {took:.1f} s")
                print(wrong[-1], flush=True)
            for left in folder.glob("hostile*"):
                left.unlink()
    return wrong


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    found = run(int(sys.argv[1]), chosen)
    print(f"{sys.argv[1]} recordings, {len(found)} went wrong")
    sys.exit(bool(found))
