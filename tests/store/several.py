"""Several processes that record to one place at once."""

import subprocess
import sys
from pathlib import Path

from tests.store.recording import AT, REQUEST, RESPONSE, START, recording_to
from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionState
from wsproxy.store.reader import open_recording

SESSIONS, TURNS, FRAMES = 10, 20, 50
MESSAGE = b"\x81\x07message"


def record(place: str, who: str) -> None:
    """What each of them does."""
    with recording_to(place) as recorder:
        for _ in range(SESSIONS):
            session = recorder.open_session(START)
            for _ in range(TURNS):
                session.receive_data(Side.CLIENT, MESSAGE * FRAMES, AT)
                session.receive_data(Side.SERVER, b"\x82\x01" + who.encode(), AT)
            session.end(AT)


def check_several_recorders(place: Path | str) -> None:
    """Let four of them begin and write at once, and see that nothing is missing or mixed."""
    command = [sys.executable, "-m", "tests.store.several", str(place)]
    recorders = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(4)]
    for recorder in recorders:
        _, errors = recorder.communicate()
        assert (recorder.returncode, errors) == (0, b"")
    by_whom: dict[bytes, int] = {}
    with open_recording(str(place)) as recording:
        for session in recording.sessions():
            assert session.state is SessionState.ENDED
            client, server = (b"".join(recording.stream(session.id, side)) for side in Side)
            assert client == REQUEST + MESSAGE * FRAMES * TURNS
            assert server == RESPONSE + server[-3:] * TURNS
            by_whom[server[-1:]] = by_whom.get(server[-1:], 0) + 1
    assert by_whom == {b"0": SESSIONS, b"1": SESSIONS, b"2": SESSIONS, b"3": SESSIONS}


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2])
