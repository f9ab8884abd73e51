"""What a process holds and whether it works, from Linux' /proc."""

import time
from pathlib import Path

AVAILABLE = Path("/proc/self/clear_refs").exists()


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def resident_kib(pid: int) -> int:
    """What the process holds now, in KiB."""
    return _field(pid, "VmRSS:")


def peak_kib(pid: int) -> int:
    """The most it held since `reset_peak`, in KiB."""
    return _field(pid, "VmHWM:")


def reset_peak(pid: int) -> None:
    """Let the peak start again from what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def settled_kib(pid: int, patience_s: float = 3.0) -> int:
    """What it holds once that has not changed for 0.3 s, or after `patience_s`; in KiB."""
    deadline = time.monotonic() + patience_s
    before, since = resident_kib(pid), time.monotonic()
    while time.monotonic() < min(deadline, since + 0.3):
        time.sleep(0.05)
        now = resident_kib(pid)
        if now != before:
            before, since = now, time.monotonic()
    return before


def watch(pid: int | None) -> int | None:
    """Start the peak again and tell what the process holds idle, in KiB; None where that is not known."""
    if pid is None or not AVAILABLE:
        return None
    idle = settled_kib(pid)
    reset_peak(pid)
    return idle


def _cpu_ticks(pid: int) -> list[str]:
    # The name in field 2 may hold anything, brackets and spaces included.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]


def wait_quiet(pid: int | None, patience_s: float = 3.0) -> None:
    """Return once the process has used no processor time for 0.1 s, or after `patience_s`."""
    if pid is None or not AVAILABLE:
        return
    deadline, before = time.monotonic() + patience_s, None
    while time.monotonic() < deadline and (now := _cpu_ticks(pid)) != before:
        before = now
        time.sleep(0.1)
