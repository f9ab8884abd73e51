"""A stream that is one frame, and never done, is played in pieces."""

from pathlib import Path

from tests.store.recording import record_session
from wsproxy.protocol.frame import Side
from wsproxy.replay.script import Play, PlayEnd
from wsproxy.replay.scripting import script_of
from wsproxy.store.model import TcpEnd
from wsproxy.store.reader import open_recording

MOST_AT_ONCE = 1 << 17
HEADER = b"\x82\xff" + (1 << 40).to_bytes(8) + b"\1\2\3\4"


def test_an_unfinished_frame_is_played_in_pieces(tmp_path: Path) -> None:
    place = tmp_path / "r.db"
    sent = HEADER + bytes(range(256)) * 16_000 + b"the tail"
    record_session(
        place, [(Side.CLIENT, sent)], then=lambda session: session.receive_eof(Side.CLIENT, TcpEnd.FIN, 0)
    )
    for as_sent in (False, True):
        with open_recording(str(place)) as recording:
            session = recording.session(1)
            *played, end = script_of(recording, session, Side.CLIENT, sent=as_sent)
        assert isinstance(end, PlayEnd)
        pieces = [step.data for step in played if isinstance(step, Play)]
        assert len(pieces) == len(played)
        assert b"".join(pieces) == sent
        assert max(map(len, pieces)) <= MOST_AT_ONCE
