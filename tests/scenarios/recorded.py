"""What a recording says of a conversation, read while the proxy goes on writing it."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.devices.peer import Peer
from wsproxy.protocol.frame import Side
from wsproxy.protocol.message import Message
from wsproxy.store.model import SessionState, StoredSession
from wsproxy.store.reader import Recording, open_recording

PATIENCE_S = 15.0


def _is_of(session: StoredSession, client: Peer) -> bool:
    return (
        session.start.client_address == client.address
        and client.began_at_ns <= session.start.started_at_ns <= client.ended_at_ns
    )


class Recorded:
    """The sessions of a recording; used by one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ended: dict[int, StoredSession] = {}
        self._recording: Recording | None = None

    def session_of(self, client: Peer) -> StoredSession:
        """The session of that client, as soon as it is stored whole; AssertionError after `PATIENCE_S`."""
        return self._ended_session(lambda session: _is_of(session, client), client.address)

    def session_at(self, path: str) -> StoredSession:
        """The session that asked for `path`, in the same way."""
        wanted = f"{path} HTTP/1.1\r\n".encode()
        return self._ended_session(lambda each: wanted in each.start.request_head, path)

    def has(self, client: Peer) -> bool:
        """Whether any session, ended or not, came from there."""
        return any(_is_of(session, client) for session in self._open().sessions())

    def streams(self, session: StoredSession) -> tuple[bytes, bytes]:
        """Every byte received from the client and from the server."""
        recording = self._open()
        return (
            b"".join(recording.stream(session.id, Side.CLIENT)),
            b"".join(recording.stream(session.id, Side.SERVER)),
        )

    def streams_sent(self, session: StoredSession) -> tuple[bytes, bytes]:
        """Every byte sent on from the client and from the server."""
        recording = self._open()
        return (
            b"".join(recording.stream_sent(session.id, Side.CLIENT)),
            b"".join(recording.stream_sent(session.id, Side.SERVER)),
        )

    def messages(self, session: StoredSession, side: Side) -> list[Message]:
        """Every assembled message of one side, in order."""
        return [each.message for each in self._open().messages(session.id) if each.side is side]

    def close(self) -> None:
        """Close the recording."""
        if self._recording is not None:
            self._recording.close()

    def _open(self) -> Recording:
        if self._recording is None:
            self._recording = open_recording(str(self.path))
        return self._recording

    def _ended_session(self, wanted: Callable[[StoredSession], bool], what: str) -> StoredSession:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = next((each for each in reversed(self._ended.values()) if wanted(each)), None)
            if found is not None:
                return found
            states = self._look()
            if time.monotonic() > deadline:
                raise AssertionError(f"no ended session of {what} in {self.path.name}; last: {states}")
            time.sleep(0.005)

    def _look(self) -> list[str]:
        sessions = list(self._open().sessions())
        self._ended.update((each.id, each) for each in sessions if each.state is SessionState.ENDED)
        return [f"{each.start.client_address}: {each.state}" for each in sessions[-3:]]
