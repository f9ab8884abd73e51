"""What went on, from what was received and what was changed."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.store.recording import AT, REQUEST, RESPONSE, record_session
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind, StoredChange
from wsproxy.store.reader import open_recording
from wsproxy.store.sent import apply_changes
from wsproxy.store.session_recorder import Changed, SessionRecorder


def change(number: int, start: int, end: int, sent: bytes) -> StoredChange:
    return StoredChange(number, 1, Side.CLIENT, AT, kind_of(start, end, sent), start, end, sent)


def kind_of(start: int, end: int, sent: bytes) -> ChangeKind:
    if start == end:
        return ChangeKind.INJECTED
    return ChangeKind.REPLACED if sent else ChangeKind.DROPPED


@st.composite
def changed_streams(draw: st.DrawFn) -> tuple[list[bytes], list[tuple[int, int, bytes]], bytes]:
    """Received chunks, changes that do not overlap, and what went on."""
    received = draw(st.binary(max_size=60))
    places = sorted(draw(st.lists(st.integers(0, len(received)), max_size=8)))
    changes, sent, done = [], b"", 0
    for start, end in list(pairwise(places))[::2]:
        instead = draw(st.binary(max_size=5))
        changes.append((start, end, instead))
        sent += received[done:start] + instead
        done = end
    sizes = draw(st.lists(st.integers(1, 20), min_size=1))
    chunks: list[bytes] = []
    at = 0
    while at < len(received):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(received[at : at + size])
        at += size
    return chunks, changes, sent + received[done:]


@given(changed_streams())
def test_any_changes_give_what_was_sent(
    case: tuple[list[bytes], list[tuple[int, int, bytes]], bytes],
) -> None:
    chunks, changes, sent = case
    stored = [change(number, *place) for number, place in enumerate(changes)]
    assert b"".join(apply_changes(chunks, stored)) == sent


def test_changes_at_one_place_follow_the_order_they_were_made_in() -> None:
    changes = [change(1, 2, 2, b"<"), change(2, 2, 4, b"="), change(3, 4, 4, b">")]
    assert b"".join(apply_changes([b"abcdef"], changes)) == b"ab<=>ef"


def test_changes_beyond_what_was_recorded_are_sent_all_the_same() -> None:
    assert (
        b"".join(apply_changes([b"ab"], [change(1, 2, 9, b"long"), change(2, 9, 9, b"more")]))
        == b"ablongmore"
    )


def test_a_recording_knows_what_was_sent(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"

    def note(session: SessionRecorder) -> None:
        # Decided out of order: a later message is through before an earlier one.
        session.change(Changed(ChangeKind.DROPPED, Side.CLIENT, 14, 21, b""), AT)
        session.change(Changed(ChangeKind.REPLACED, Side.CLIENT, 0, 7, b"\x81\x03abc"), AT + 1)
        session.change(Changed(ChangeKind.INJECTED, Side.SERVER, 7, 7, b"\x89\x00"), AT + 2)

    hellos = b"\x81\x05Hello" * 4
    record_session(place, [(Side.CLIENT, hellos), (Side.SERVER, hellos[:7])], then=note)
    with open_recording(str(place)) as recording:
        assert b"".join(recording.stream(1, Side.CLIENT)) == REQUEST + hellos
        sent = b"".join(recording.stream_sent(1, Side.CLIENT))
        assert sent == REQUEST + b"\x81\x03abc" + hellos[7:14] + hellos[21:]
        assert b"".join(recording.stream_sent(1, Side.SERVER)) == RESPONSE + hellos[:7] + b"\x89\x00"
        noted = [
            (c.side, c.kind, c.at_ns, c.start_offset, c.end_offset, c.sent) for c in recording.changes(1)
        ]
        assert noted == [
            (Side.CLIENT, ChangeKind.DROPPED, AT, 14, 21, b""),
            (Side.CLIENT, ChangeKind.REPLACED, AT + 1, 0, 7, b"\x81\x03abc"),
            (Side.SERVER, ChangeKind.INJECTED, AT + 2, 7, 7, b"\x89\x00"),
        ]
        assert [c.side for c in recording.changes(1, Side.SERVER)] == [Side.SERVER]
