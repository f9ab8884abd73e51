"""A recorded session as the script of one of its sides: what was on the wire, in the order seen."""

from collections import deque
from collections.abc import Iterator

from wsproxy.errors import RecordingError
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.replay.as_sent import as_sent
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.script import End, Happening, Script, Step, Tail
from wsproxy.store.failures import lost
from wsproxy.store.model import SessionStart, SessionState, StoredEvent, StoredSession, TcpEnd
from wsproxy.store.reader import Recording

_BEYOND = 1 << 63


def script_of(
    recording: Recording, session: StoredSession, plays: Side, *, sent: bool = False
) -> Iterator[Step]:
    """The steps for the one who plays side `plays` of a session, read as they are consumed; with `sent`, what
    went on of what it sent, where that was changed.

    Raises RecordingError for a session whose frames are in a dialect of the user's own.
    """
    start, dialects = session.start, dialects_of(session.start, session.id)
    # What went on is written as whoever got it understands it.
    legs = {side: side.other if sent and side is plays else side for side in Side}
    heads = {Side.CLIENT: start.response_head_sent or start.response_head, Side.SERVER: start.response_head}
    client, server = (Hearing(side, heads[legs[side]], dialects[legs[side]]) for side in Side)
    what = happenings(recording, session, plays, hung_up=sent and plays is Side.SERVER and _hung_up(session))
    if sent:
        what = as_sent(what, plays, recording.changes_by_offset(session.id, plays))
    return Script(plays, (client, server)).steps(what)


def happenings(
    recording: Recording, session: StoredSession, plays: Side, *, hung_up: bool = False
) -> Iterator[Happening]:
    """What was on the wire, with the ends of both directions, in the order in which it was seen. `hung_up`:
    the proxy ended the connection in the place of the device.

    What `plays` left unfinished, bytes of no frame, stands where it came last, or where it was changed.
    Raises RecordingError at the end if frames are gone.
    """
    tail = recording.tail(session.id, plays)
    whole = _with_ends(_all_there(recording.events(session.id), session), _ends(session, hung_up=hung_up))
    return _with_tail(whole, plays, _pieces_of(tail, recording, session, plays)) if tail else whole


def _pieces_of(tail: bytes, recording: Recording, session: StoredSession, plays: Side) -> deque[Tail]:
    """The tail in pieces: what was changed on its way had come by then, of the rest nobody knows when."""
    counts = session.counts(plays)
    begin = done = counts.received_bytes - len(tail)
    pieces: deque[Tail] = deque()
    for change in recording.changes(session.id, plays):
        if done < change.end_offset <= counts.received_bytes:
            piece = tail[done - begin : change.end_offset - begin]
            pieces.append(Tail(piece, change.at_ns, 0, cut=False))
            done = change.end_offset
    rest = tail[done - begin :]
    if rest:
        pieces.append(Tail(rest, counts.last_at_ns, 0))
    return pieces


def _with_tail(whole: Iterator[StoredEvent | End], plays: Side, pieces: deque[Tail]) -> Iterator[Happening]:
    last_id = 0
    for happening in whole:
        ended = happening.side is plays and isinstance(happening, End)
        others = happening.side is not plays
        while pieces and (ended or (others and happening.at_ns > pieces[0].at_ns)):
            yield pieces.popleft()._replace(id=last_id)
        last_id = happening.id
        yield happening
    for piece in pieces:
        yield piece._replace(id=last_id)


def _all_there(events: Iterator[StoredEvent], session: StoredSession) -> Iterator[StoredEvent]:
    frames = dict.fromkeys(Side, 0)
    for stored in events:
        if type(stored.event) is Frame:
            frames[stored.side] += 1
        yield stored
    for side, found in frames.items():
        recorded = session.counts(side).frames
        if session.state is SessionState.ENDED and found != recorded:
            raise lost(session.id, side, "frames", recorded, found)


def _with_ends(events: Iterator[StoredEvent], ends: list[End]) -> Iterator[StoredEvent | End]:
    next_end = ends[0].id if ends else _BEYOND
    for stored in events:
        while next_end < stored.id:
            yield ends.pop(0)
            next_end = ends[0].id if ends else _BEYOND
        yield stored
    yield from ends


def _hung_up(session: StoredSession) -> bool:
    """Whether the proxy hung up in the place of the device, which did not after the closing handshake."""
    closed = session.end is not None and session.end.closed_by is not None
    return closed and session.start.mode == "normalize" and session.server.tcp_end is TcpEnd.OPEN


def _ends(session: StoredSession, *, hung_up: bool) -> list[End]:
    """How the directions ended, the first first.

    Where it is not known when, at the very end: after a closing handshake the device hangs up, else the
    client does.
    """
    first = Side.CLIENT
    if (
        session.end is not None and session.end.closed_by is not None
    ) or session.client.tcp_end is TcpEnd.OPEN:
        first = Side.SERVER
    ends = []
    for side in (first, first.other):
        counts = session.counts(side)
        if counts.tcp_end is not TcpEnd.OPEN:
            at_ns, end_id = counts.tcp_ended_at_ns, counts.tcp_end_id
            ends.append(
                End(
                    side,
                    counts.tcp_end,
                    session.last_at_ns if at_ns is None else at_ns,
                    _BEYOND if end_id is None else end_id,
                )
            )
    ends.sort(key=lambda end: end.id)
    if hung_up:
        last = ends[0] if ends else End(Side.CLIENT, TcpEnd.OPEN, session.last_at_ns, _BEYOND)
        ends.insert(0, End(Side.SERVER, TcpEnd.FIN, last.at_ns, last.id))
    return ends


def dialects_of(start: SessionStart, session_id: int) -> dict[Side, Dialect]:
    """How the sides of a session frame; raises RecordingError for a dialect of a user's own."""
    names = {Side.CLIENT: start.client_dialect, Side.SERVER: start.server_dialect}
    return {side: dialect_of(name, session_id) for side, name in names.items()}


def dialect_of(name: str, session_id: int) -> Dialect:
    """The dialect of a session; raises RecordingError for one of a user's own."""
    # A name out of a recording must never become the path of a file to run.
    if name not in DIALECTS:
        raise RecordingError(
            f"session {session_id} is in the dialect {name}, which is not one of wsproxy's own:"
            f" it cannot be replayed (known: {', '.join(DIALECTS)})"
        )
    return DIALECTS[name]
