"""Whatever a peer sends, and however it is cut: what becomes rows holds no secret."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.compression import Compressor
from tests.protocol.strategies import chunk_sizes
from tests.store.recording import AT, START
from tests.store.redacted import AGREED, WIDE
from tests.wire.build import KEY, frame
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.store.limits import WriterLimits
from wsproxy.store.model import ChangeKind, SessionStart, TcpEnd
from wsproxy.store.redacting import RedactedLog
from wsproxy.store.redaction import Redaction
from wsproxy.store.rows import RowBatch
from wsproxy.store.session_recorder import Changed, Found, Opened, ReachedEnd

SECRET = b"hunter2-S3cr3t"
REDACTION = Redaction.of(["defaults", "regex:hunter2-S3cr3t"])
SQUEEZED = SessionStart(AT, "c:1", "s:1", "ws://s/", WIDE, AGREED)
LIMITS = WriterLimits(message_limit=300)

texts = st.lists(
    st.sampled_from([SECRET, b"word ", b"x" * 90, SECRET[:9], SECRET[9:], b"\xff\0"]), max_size=4
).map(b"".join)


@st.composite
def data_frames(draw: st.DrawFn) -> list[bytes]:
    """A message, conforming or not: any fragments, opcodes, RSV bits, compressed or just said to be."""
    payload = draw(texts)
    rsv = draw(st.sampled_from([0, 0, 0, 4, 1]))
    if rsv and draw(st.booleans()):
        payload = Compressor(level=draw(st.sampled_from([0, 6]))).compress(payload)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[start:end] for start, end in itertools.pairwise([0, *cuts, len(payload)])]
    return [
        frame(
            draw(st.sampled_from([0, 0, 1, 2, 8, 9, 11])) if place else draw(st.sampled_from([1, 2])),
            part,
            fin=place == len(parts) - 1 or draw(st.sampled_from([False, False, True])),
            rsv=rsv if place == 0 else 0,
            key=draw(st.sampled_from([None, KEY])),
        )
        for place, part in enumerate(parts)
    ]


streams = st.lists(data_frames(), max_size=5).map(lambda many: b"".join(itertools.chain(*many)))


def rows(data: bytes, sizes: list[int], *, squeezed: bool, cut: int) -> RowBatch:
    """All rows, with a change and a finding for what is in the middle."""
    start = SQUEEZED if squeezed else START
    dialects = dict.fromkeys(Side, RFC6455)
    log = RedactedLog(1, Opened(REDACTION.start(start)), dialects, LIMITS, REDACTION, set())
    batch = RowBatch("?")
    data = data[: len(data) - cut] if cut else data
    sent = data[len(data) // 3 :]
    log.change(Changed(ChangeKind.REPLACED, Side.SERVER, len(data) // 3, len(data), sent, ()), AT, batch)
    log.finding(Found("a.b", f"it says {SECRET.decode()}", Side.SERVER, len(data) // 2, False), AT, batch)
    position = 0
    for size in itertools.cycle(sizes):
        log.receive_data(Side.SERVER, data[position : position + size], AT, batch)
        batch_is_clean(batch)
        assert SECRET.decode() not in repr(log.touched_sides({}))
        position += size
        if position >= len(data):
            break
    log.receive_eof(ReachedEnd(Side.SERVER, TcpEnd.FIN), AT, batch)
    log.flush(AT, batch)
    return batch


def batch_is_clean(batch: RowBatch) -> None:
    for rows_of in (batch.frames, batch.pieces, batch.opaque, batch.messages, batch.findings):
        assert SECRET.decode() not in repr(rows_of)


@given(streams, chunk_sizes, st.booleans(), st.integers(0, 20))
def test_no_row_holds_a_secret(data: bytes, sizes: list[int], squeezed: bool, cut: int) -> None:
    batch = rows(data, sizes, squeezed=squeezed, cut=cut)
    batch_is_clean(batch)
    assert len(batch.changes) == len(batch.findings) == 1
    if KEY not in data:
        assert SECRET not in batch.changes[0][6]  # type: ignore[operator]


@given(streams, chunk_sizes, st.booleans())
def test_rows_do_not_depend_on_the_cutting(data: bytes, sizes: list[int], squeezed: bool) -> None:
    one, other = (rows(data, each, squeezed=squeezed, cut=0) for each in (sizes, [len(data) or 1]))
    assert one.frames == other.frames
    assert one.messages == other.messages
    assert [row[4:7] for row in one.changes] == [row[4:7] for row in other.changes]
