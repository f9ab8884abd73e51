from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import DEFLATED, REQUEST, RESPONSE, recorder, send, start
from wsproxy.protocol.frame import Side
from wsproxy.replay.compare import Compared, CompareOptions, Comparison, Kind, Row
from wsproxy.replay.heads import head_difference
from wsproxy.replay.matchers import make_matcher
from wsproxy.store.reader import open_recording
from wsproxy.store.session_recorder import SessionRecorder

CLIENT, SERVER = Side.CLIENT, Side.SERVER
type Said = tuple[Any, ...]

TALK: list[Said] = [
    (SERVER, 0x1, b'{"state":"on"}'),
    (CLIENT, 0x1, b'{"get":"status","id":1}'),
    (SERVER, 0x9, b"ping"),
    (CLIENT, 0xA, b"ping"),
    (SERVER, 0x1, b'{"status":"ready","id":1}'),
    (CLIENT, 0x2, bytes(range(40))),
    (SERVER, 0x8, b"\x03\xe8done"),
]


def record(path: Path, *talks: list[Said], **changed: object) -> None:
    """A session for each of `talks`, with 10 ms between messages; the second is that of the first."""
    with recorder(path) as found:
        for talk in talks:
            session = found.open_session(start(**changed))
            at = 0
            for said in talk:
                at += said[3] if len(said) > 3 else 10
                send(session, *said[:3], after_ms=at)
            session.receive_eof(SERVER, "fin", 0)
            session.receive_eof(CLIENT, "fin", 0)
            session.end(1)


def compare(
    path: Path, *, match: str = "exact", ignored: frozenset[Kind] = frozenset(), keep_alive: bool = True
) -> tuple[list[Row], Comparison]:
    """What differs between sessions 1 and 2."""
    with open_recording(str(path)) as opened:
        options = CompareOptions(make_matcher(match), ignored, keep_alive)
        first, second = (Compared(opened, opened.session(number)) for number in (1, 2))
        comparison = Comparison(first, second, options)
        return [row for row in comparison.rows() if row.differences], comparison


def changed(place: int, *said: Any) -> list[Said]:
    return [*TALK[:place], said, *TALK[place + 1 :]]


def without(place: int) -> list[Said]:
    return TALK[:place] + TALK[place + 1 :]


def test_the_same_is_no_difference(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, TALK)
    rows, comparison = compare(tmp_path / "a.db")
    assert (rows, comparison.same, comparison.counts) == ([], len(TALK), Counter())


@pytest.mark.parametrize(
    ("second", "kinds"),
    [
        (changed(4, SERVER, 0x1, b'{"status":"off","id":1}'), [Kind.CHANGED]),
        (changed(4, SERVER, 0x2, b'{"status":"ready","id":1}'), [Kind.CHANGED]),
        (without(2), [Kind.MISSING]),
        (without(1), [Kind.MISSING, Kind.TURN, Kind.TURN, Kind.TURN]),
        ([*TALK[:2], (SERVER, 0x9, b"more", 0), *TALK[2:]], [Kind.ADDED]),
        (changed(4, SERVER, 0x1, b'{"status":"ready","id":1}', 500), [Kind.TIMING]),
        (changed(4, SERVER, 0x1, b'{"status":"ready","id":1}', 100), []),
        ([TALK[1], TALK[0], *TALK[2:]], [Kind.TURN, Kind.TURN]),
        ([*TALK[:-1], (SERVER, 0x8, b"\x03\xe9")], [Kind.CHANGED]),
        (TALK[:4], [Kind.MISSING] * 3),
    ],
)
def test_what_differs_is_found(tmp_path: Path, second: list[Said], kinds: list[Kind]) -> None:
    record(tmp_path / "a.db", TALK, second)
    rows, comparison = compare(tmp_path / "a.db")
    assert sorted(each.kind for row in rows for each in row.differences) == sorted(kinds)
    assert comparison.counts == Counter(kinds)
    assert compare(tmp_path / "a.db", ignored=frozenset(kinds))[0] == []


def test_what_is_out_of_order_is_moved(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, [TALK[4], *TALK[:4], *TALK[5:]])
    _, comparison = compare(tmp_path / "a.db", ignored=frozenset([Kind.TURN]))
    assert comparison.counts[Kind.MOVED] == 1


def test_matching_says_what_is_the_same(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, changed(4, SERVER, 0x1, b'{"id": 2, "status": "ready"}'))
    assert compare(tmp_path / "a.db", match="json:/id")[0] == []
    ((row,), _) = compare(tmp_path / "a.db", match="json")
    assert row.differences[0].lines[1:3] == ('-   "id": 1,', '+   "id": 2,')


def test_pings_and_pongs_can_be_left_out(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, [*TALK[:2], *TALK[4:]])
    assert compare(tmp_path / "a.db", keep_alive=False)[0] == []
    assert compare(tmp_path / "a.db")[1].counts == {Kind.MISSING: 2}


def session_with(path: Path, *lives: Callable[[SessionRecorder], None], head: bytes = RESPONSE) -> None:
    with recorder(path) as found:
        for live in lives:
            live(found.open_session(start(response_head=head)))


def test_framing_counts(tmp_path: Path) -> None:
    def whole(session: SessionRecorder) -> None:
        send(session, SERVER, 0x1, b"hello")

    def fragments(session: SessionRecorder) -> None:
        send(session, SERVER, 0x1, b"hel", fin=False)
        send(session, SERVER, 0x0, b"lo")

    session_with(tmp_path / "a.db", whole, fragments)
    ((row,), _) = compare(tmp_path / "a.db")
    assert row.differences[0] == (Kind.FRAMING, ("- 1 frame", "+ 2 frames"))


@pytest.mark.parametrize(
    ("header", "odd"),
    [
        ("8185 00000000", "masked"),
        ("817e 0005", "a length of 2 bytes"),
        ("817f 0000000000000005", "a length of 8 bytes"),
    ],
)
def test_headers_that_strict_clients_choke_on_count(tmp_path: Path, header: str, odd: str) -> None:
    def usual(session: SessionRecorder) -> None:
        send(session, SERVER, 0x1, b"hello")

    def unusual(session: SessionRecorder) -> None:
        session.receive_data(SERVER, bytes.fromhex(header) + b"hello", start().started_at_ns)

    session_with(tmp_path / "a.db", usual, unusual)
    ((row,), _) = compare(tmp_path / "a.db")
    assert row.differences[0] == (Kind.FRAMING, ("- 1 frame", f"+ 1 frame, {odd}"))


def test_compressed_messages_are_compared_by_what_they_say(tmp_path: Path) -> None:
    def plain(session: SessionRecorder) -> None:
        send(session, SERVER, 0x1, b"Hello")

    def compressed(session: SessionRecorder) -> None:
        session.receive_data(SERVER, bytes.fromhex("c107f248cdc9c90700"), 0)

    session_with(tmp_path / "a.db", plain, compressed, head=DEFLATED)
    ((row,), _) = compare(tmp_path / "a.db", ignored=frozenset([Kind.TIMING]))
    assert row.differences[0] == (Kind.FRAMING, ("- 1 frame", "+ 1 frame, compressed"))


def test_bytes_that_are_no_frames_are_compared(tmp_path: Path) -> None:
    def cut(session: SessionRecorder) -> None:
        session.receive_data(SERVER, b"\x81\x05hel", 0)

    def longer(session: SessionRecorder) -> None:
        session.receive_data(SERVER, b"\x81\x05help", 0)

    session_with(tmp_path / "a.db", cut, longer)
    ((row,), _) = compare(tmp_path / "a.db")
    assert (row.side, row.differences[0].kind) == (SERVER, Kind.BYTES)
    assert row.differences[0].lines[:2] == ("- 5 bytes that are no frames", "+ 6 bytes")
    session_with(tmp_path / "b.db", cut, cut)
    assert compare(tmp_path / "b.db")[0] == []


def test_ends_are_compared(tmp_path: Path) -> None:
    def fin(session: SessionRecorder) -> None:
        session.receive_eof(SERVER, "fin", 0)
        session.receive_eof(CLIENT, "fin", 0)
        session.end(0)

    def rst(session: SessionRecorder) -> None:
        session.receive_eof(SERVER, "rst", 0)
        session.end(0)

    session_with(tmp_path / "a.db", fin, rst)
    rows, _ = compare(tmp_path / "a.db")
    assert [(row.side, row.differences[0].lines) for row in rows] == [
        (CLIENT, ("- FIN", "+ left open")),
        (SERVER, ("- FIN", "+ RST")),
    ]


def test_findings_are_compared(tmp_path: Path) -> None:
    record(tmp_path / "a.db", TALK, TALK)
    with open_recording(str(tmp_path / "a.db")) as opened:
        first = Compared(opened, opened.session(1), {("a", SERVER): 1, ("b", CLIENT): 2})
        second = Compared(opened, opened.session(2), {("a", SERVER): 3, ("b", CLIENT): 2})
        comparison = Comparison(first, second, CompareOptions(make_matcher("exact")))
        (row,) = [row for row in comparison.rows() if row.differences]
    assert (row.side, row.differences[0]) == (SERVER, (Kind.FINDINGS, ("- 1 of a", "+ 3 of a")))


def test_what_does_not_count_is_left_out_of_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    record(path, [(SERVER, 0x1, b'{"id":1,"on":true}')], [(SERVER, 0x1, b'{"id":2,"on":false}')])
    (row,), _ = compare(path, match="json:/id")
    (difference,) = row.differences
    assert difference.kind is Kind.CHANGED
    assert [line for line in difference.lines if line[0] in "+-"] == ['-   "on": true', '+   "on": false']


def test_heads_are_compared_apart_from_what_must_differ() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\nOrigin: o\r\n\r\n"
    other = b"GET / HTTP/1.1\r\nHost: b:1\r\nSec-WebSocket-Key: y\r\nOrigin: o\r\n\r\n"
    assert head_difference(CLIENT, head, other) == []
    assert head_difference(CLIENT, head, other.replace(b"Origin: o", b"origin: o")) == [
        "- Origin: o",
        "+ origin: o",
    ]
    assert head_difference(CLIENT, head, other.replace(b"Host", b"host")) == ["- Host: *", "+ host: *"]
    assert head_difference(CLIENT, head, other.replace(b"o\r\n", b"o\n")) == ["- Origin: o", "+ Origin: o\\n"]
    assert head_difference(CLIENT, head, head.replace(b"\r\nOrigin: o", b"")) == ["- Origin: o"]
    assert head_difference(SERVER, RESPONSE, RESPONSE.replace(b"101", b"200")) == [
        "- HTTP/1.1 101 Switching Protocols",
        "+ HTTP/1.1 200 Switching Protocols",
    ]
    assert head_difference(CLIENT, REQUEST, b"")[-1] == "- \\r\\n"
    assert len(head_difference(CLIENT, b"", b"GET / HTTP/1.1\r\n" + b"a:\x1b[2J\r\n" * 9999)) == 60
