"""Recordings that were damaged, or made to do harm: each follows from its number and a seed."""

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.store.recording import AT, START, recording_to
from tests.store.test_formats import EXCHANGE, FORMAT_1
from tests.store.test_round_trip import DEFLATE_RESPONSE
from tests.wire.build import frame
from wsproxy.protocol.frame import Side
from wsproxy.store.interchange import export_jsonl
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import Changed
from wsproxy.store.writer import Recorder

KEY = b"\x01\x02\x03\x04"
CLIENT_DATA = frame(1, b'{"id": 1}', key=KEY) + frame(9, b"hi", key=KEY) + frame(2, bytes(40), key=KEY)
"""What the client says in the first session."""

_DEFLATED = replace(START, response_head=DEFLATE_RESPONSE, response_head_sent=b"HTTP/1.1 101\r\n\r\n")
_NUMBERS = (0, -1, 1, 2, 7, 255, 1 << 31, 1 << 37, 1 << 38, (1 << 63) - 1, -(1 << 63))
_TEXTS = ("", "a", "client", "\udc80", "\x1b[31m", "../../etc/passwd", "é" * 300, "0", "9" * 30)


class Seeds(NamedTuple):
    """What is mutated: recordings with a bit of everything, of today's format, as text, and of format 1."""

    database: Path
    text: Path
    old: Path


def make_seeds(folder: Path) -> Seeds:
    """Make them: small, so that a mutation meets something that matters."""
    seeds = Seeds(folder / "seed.db", folder / "seed.jsonl", FORMAT_1)
    with recording_to(seeds.database, limits=WriterLimits(piece_limit=100)) as recorder:
        _record_plain(recorder)
        _record_compressed(recorder)
        recorder.exchange(EXCHANGE)
    with closing(sqlite3.connect(seeds.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=1024")
        connection.execute("VACUUM")
    with open_recording(str(seeds.database)) as recording:
        export_jsonl(recording, str(seeds.text))
    return seeds


def _record_plain(recorder: Recorder) -> None:
    """All kinds of frames, changes and findings; closed, and more behind that."""
    session = recorder.open_session(START)
    session.change(Changed(ChangeKind.REPLACED, Side.SERVER, 3, 9, b"new", ("frame.mask",)), AT)
    session.receive_data(Side.CLIENT, CLIENT_DATA, AT + 1)
    session.receive_data(Side.SERVER, frame(10, b"hi") + frame(1, b"a" * 250), AT + 2)
    session.receive_data(Side.SERVER, frame(1, b"first ", fin=False) + frame(0, b"second"), AT + 3)
    session.finding("frame.mask", "not masked", Side.SERVER, 3, AT)
    session.receive_data(Side.CLIENT, frame(8, b"\x03\xe8bye", key=KEY), AT + 4)
    session.receive_data(Side.SERVER, frame(8, b"\x03\xe8") + b"HTTP/1.1 500", AT + 5)
    session.receive_eof(Side.SERVER, "fin", AT + 6)
    session.end(AT + 7)


def _record_compressed(recorder: Recorder) -> None:
    """A compressed message, frames cut short; never ended."""
    session = recorder.open_session(_DEFLATED)
    session.receive_data(Side.SERVER, bytes.fromhex("c107f248cdc9c90700"), AT)
    session.change(Changed(ChangeKind.INJECTED, Side.CLIENT, 0, 0, frame(10, b"kept")), AT)
    session.change(Changed(ChangeKind.DROPPED, Side.SERVER, 9, 11, b""), AT)
    session.finding("no.such.rule", "", Side.CLIENT, None, AT)
    session.receive_data(Side.SERVER, frame(2, b"half")[:4], AT)
    session.receive_data(Side.CLIENT, b"\x82\x7f" + b"\xff" * 30, AT)


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
                    "zeroblob(7000)",
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
        match dice.randrange(7):
            case 4 | 5 | 6:
                lines[at] = _other_value(lines[at], dice)
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


class Mutation(NamedTuple):
    """A kind of mutated recording: of what, and how."""

    kind: str
    seed: Path
    mutate: Callable[[Path, random.Random], None]


def mutations(seeds: Seeds) -> tuple[Mutation, ...]:
    """The kinds, which take turns."""
    in_bytes, in_lines = _of_data(mutate_bytes), _of_data(mutate_lines)
    rows = Mutation("SQLite, values", seeds.database, mutate_rows)
    lines = Mutation("JSONL, values and lines", seeds.text, in_lines)
    return (
        rows,
        lines,
        Mutation("SQLite, bytes", seeds.database, in_bytes),
        lines,
        rows,
        Mutation("JSONL, bytes", seeds.text, in_bytes),
        Mutation("SQLite of format 1, values", seeds.old, mutate_rows),
        lines,
    )


def _other_value(line: bytes, dice: random.Random) -> bytes:
    """Another number in place of one, or another letter in place of one: it may pass for a good one."""
    numbers = list(re.finditer(rb"(?<=:)\d+", line))
    texts = list(re.finditer(rb'(?<=:")[^"]+', line))
    if numbers and (dice.randrange(2) or not texts):
        number = dice.choice(numbers)
        value = dice.choice(
            (dice.randrange(12), int(number[0]) + 1, int(number[0]) * 2, 10 ** dice.randrange(19))
        )
        return line[: number.start()] + str(value).encode() + line[number.end() :]
    if texts:
        at = dice.randrange(*dice.choice(texts).span())
        return line[:at] + dice.choice([b"0", b"f", b"A", b" ", b"", b"\\u0000", b"{}"]) + line[at + 1 :]
    return line


def _of_data(mutate: Callable[[bytearray, random.Random], None]) -> Callable[[Path, random.Random], None]:
    def mutate_file(place: Path, dice: random.Random) -> None:
        data = bytearray(place.read_bytes())
        mutate(data, dice)
        place.write_bytes(data)

    return mutate_file


def make_mutation(chosen: Mutation, folder: Path, dice: random.Random) -> Path:
    """Make one of a kind, in a file of this folder."""
    place = folder / f"hostile{chosen.seed.suffix}"
    shutil.copyfile(chosen.seed, place)
    chosen.mutate(place, dice)
    return place
