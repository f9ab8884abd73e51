"""Rows of `sessions`, with the counts of both sides, to values."""

from collections.abc import Iterable
from typing import Any

from wsproxy.protocol.frame import Side
from wsproxy.store import schema
from wsproxy.store.model import SessionEnd, SessionState, SideCounts, StoredSession, TcpEnd
from wsproxy.store.rows import session_start


def any_open(rows: Iterable[Any]) -> bool:
    """Whether one of these rows of `select_sessions` is of a session that may still be recorded."""
    return any(row.state == SessionState.OPEN for row in rows)


def stored_session(row: Any, dead: set[int]) -> StoredSession:
    """The session in a row of `select_sessions`; one whose recorder is `dead` is interrupted.

    Raises ValueError for what no recorder writes.
    """
    if not 0 < row.id < schema.MOST_SESSIONS:
        raise ValueError("its number is none that a session can have")
    state = SessionState(row.state)
    if state is SessionState.OPEN and row.recorder_id in dead:
        state = SessionState.INTERRUPTED
    return StoredSession(
        id=row.id,
        state=state,
        start=session_start(row),
        end=_session_end(row) if row.ended_at_ns is not None else None,
        client=_counts(row, Side.CLIENT),
        server=_counts(row, Side.SERVER),
        last_at_ns=max(row.client_last_at_ns, row.server_last_at_ns),
    )


def _counts(row: Any, side: Side) -> SideCounts:
    values = {name: getattr(row, f"{side.value}_{name}") for name in SideCounts.__slots__}
    return SideCounts(**{**values, "tcp_end": TcpEnd(values["tcp_end"])})


def _session_end(row: Any) -> SessionEnd:
    return SessionEnd(
        ended_at_ns=row.ended_at_ns,
        close_code=row.close_code,
        close_reason=row.close_reason,
        closed_by=Side(row.closed_by) if row.closed_by else None,
        client_end=TcpEnd(row.client_tcp_end),
        server_end=TcpEnd(row.server_tcp_end),
    )
