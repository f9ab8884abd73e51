"""What the figures depend on: the machine and the versions."""

import os
import platform
import sqlite3
from importlib import metadata
from pathlib import Path

PACKAGES = ("wsproxy", "mitmproxy", "uvloop", "websockets", "wsproto", "construct", "sqlalchemy")


def _first(path: str, name: str) -> str:
    file = Path(path)
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, str]:
    """Processor, cores, memory, system and how busy it was, for people to read."""
    memory_kib = (_first("/proc/meminfo", "MemTotal").split() or ["0"])[0]
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory_kib) / (1 << 20):.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def versions() -> dict[str, str]:
    """Python, SQLite and every package that takes part."""
    packages = {package: _version(package) for package in PACKAGES}
    return {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version, **packages}
