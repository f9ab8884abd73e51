"""What a recording says after the proxy has stopped."""

from dataclasses import dataclass
from pathlib import Path

from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind, StoredSession
from wsproxy.store.reader import open_recording


@dataclass(frozen=True, slots=True)
class Stored:
    """The only session of a recording: what each side sent, what of it went on, and every change."""

    session: StoredSession
    received: dict[Side, bytes]
    sent_on: dict[Side, bytes]
    changes: list[tuple[ChangeKind, Side, int, int, bytes]]


def stored(path: Path) -> Stored:
    """Read it all."""
    with open_recording(str(path)) as recording:
        [session] = recording.sessions()
        return Stored(
            session,
            {side: b"".join(recording.stream(session.id, side)) for side in Side},
            {side: b"".join(recording.stream_sent(session.id, side)) for side in Side},
            [
                (each.kind, each.side, each.start_offset, each.end_offset, each.sent)
                for each in recording.changes(session.id)
            ],
        )
