"""The leases of recorders: whether a session left open still has a living recorder.

Every recorder has a row in `recorders` that it renews while it has sessions open. One on this machine is dead
as soon as its process is; one elsewhere (another host, another container) when it has not renewed its row for
a while. A recorder wrongly taken for dead (its machine slept) takes its sessions back.
"""

import os
import platform
from pathlib import Path

from sqlalchemy import Connection, select, update

from wsproxy.store import schema
from wsproxy.store.model import SessionState

RENEWAL_S = 20
LEASE_S = 90
"""How long a recorder that cannot be asked counts as alive after it was last seen."""

_NS = 1_000_000_000
_DEAD_STATES = "ZX"
_PROC = Path("/proc")


def host_identity(proc: Path = _PROC) -> str:
    """This machine, this boot of it, and this process namespace: where a process id means something."""
    boot = _read(proc / "sys/kernel/random/boot_id")
    try:
        namespace = os.readlink(proc / "self/ns/pid")
    except OSError:
        namespace = ""
    return " ".join(filter(None, (platform.node(), boot, namespace)))


def process_identity(pid: int, proc: Path = _PROC) -> str | None:
    """The process id and when that process started (ids are used again); None if there is no such process.

    Where there is no `proc` the start time is missing, and only the lease tells who is alive.
    """
    if not (proc / "self").exists():
        return str(pid)
    # The name in field 2 may hold anything, brackets and spaces included.
    fields = _read(proc / str(pid) / "stat").rpartition(")")[2].split()
    if not fields or fields[0] in _DEAD_STATES:
        return None
    return f"{pid} {fields[19]}"


def register(connection: Connection, now_ns: int) -> int:
    """Enter this process as a recorder; its id."""
    values = {
        "host": host_identity(),
        "process": process_identity(os.getpid()),
        "started_at_ns": now_ns,
        "seen_at_ns": now_ns,
    }
    key = connection.execute(schema.recorders.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def renew(connection: Connection, recorder_id: int, now_ns: int) -> None:
    """Say that this recorder lives, and take back the sessions of which another thought otherwise."""
    recorders, sessions = schema.recorders, schema.sessions
    connection.execute(
        update(recorders).where(recorders.c.id == recorder_id).values(seen_at_ns=now_ns, ended_at_ns=None)
    )
    connection.execute(
        update(sessions)
        .where(sessions.c.recorder_id == recorder_id, sessions.c.state == SessionState.INTERRUPTED)
        .values(state=SessionState.OPEN.value)
    )


def retire(connection: Connection, recorder_id: int, now_ns: int) -> None:
    """Say that this recorder has stopped; sessions it still has open are interrupted."""
    _bury(connection, [recorder_id], now_ns)


def bury_dead(connection: Connection, now_ns: int) -> None:
    """Mark the open sessions of dead recorders as interrupted."""
    dead = dead_recorders(connection, now_ns)
    if dead:
        _bury(connection, sorted(dead), now_ns)


def dead_recorders(connection: Connection, now_ns: int) -> set[int]:
    """The recorders that did not stop and are not alive either."""
    recorders = schema.recorders
    rows = connection.execute(
        select(recorders.c.id, recorders.c.host, recorders.c.process, recorders.c.seen_at_ns).where(
            recorders.c.ended_at_ns.is_(None)
        )
    )
    here = host_identity()
    return {row.id for row in rows if not _is_alive(row.host, row.process, row.seen_at_ns, here, now_ns)}


def _is_alive(host: str, process: str, seen_at_ns: int, here: str, now_ns: int) -> bool:
    pid, _, started = process.partition(" ")
    if host == here and started and pid.isdecimal():
        return process_identity(int(pid)) == process
    return now_ns - seen_at_ns < LEASE_S * _NS


def _bury(connection: Connection, recorder_ids: list[int], now_ns: int) -> None:
    recorders, sessions = schema.recorders, schema.sessions
    connection.execute(
        update(sessions)
        .where(sessions.c.recorder_id.in_(recorder_ids), sessions.c.state == SessionState.OPEN)
        .values(state=SessionState.INTERRUPTED.value)
    )
    connection.execute(update(recorders).where(recorders.c.id.in_(recorder_ids)).values(ended_at_ns=now_ns))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
