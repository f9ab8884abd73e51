"""All that the methods of a recording give, to compare recordings by."""

from wsproxy.protocol.frame import Side
from wsproxy.store.reader import Recording


def everything(recording: Recording) -> list[object]:
    """What every reader method says, of every session."""
    found: list[object] = []
    for session in recording.sessions():
        number = session.id
        found += [session, recording.session(number)]
        found += [*recording.events(number), *recording.frames(number), *recording.messages(number)]
        found += [b"".join(recording.payload(frame.id)) for frame in recording.frames(number)]
        found += [*recording.changes(number), *recording.findings(number)]
        for side in Side:
            found += [b"".join(recording.stream(number, side)), recording.tail(number, side)]
            found += [b"".join(recording.stream_sent(number, side))]
            found += [*recording.events(number, side), *recording.messages(number, side)]
    return [*found, *recording.exchanges(), recording.exchange_count(), *recording.search("a")]
