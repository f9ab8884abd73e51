"""A real PostgreSQL for the tests that need one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.conftest import missing


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL server of our own, with nothing in it."""
    binaries = _postgresql_binaries()
    if binaries is None:
        missing("PostgreSQL is not installed")
    assert binaries is not None
    # Not tmp_path: a socket's path must be short, and the server's user must get there.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = _unprivileged_user(folder)

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=folder, user=user, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    data = str(folder / "data")
    settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    control = (str(binaries / "pg_ctl"), "-D", data, "-w", "-t", "60")
    try:
        run(str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(*control, "-l", str(folder / "log"), "-o", settings, "start")
        yield str(folder)
        run(*control, "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of a new, empty database."""
    name = f"recording{next(_NUMBERS)}"
    with psycopg.connect(f"host={postgresql_server} user=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql+psycopg://postgres@/{name}?host={postgresql_server}"


_NUMBERS = count(1)


def _postgresql_binaries() -> Path | None:
    on_path = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if on_path is not None:
        return Path(on_path).resolve().parent
    return installed[-1].parent if installed else None


def _unprivileged_user(folder: Path) -> str | None:
    """The user to run the server as, who gets the folder; None for ourselves. It refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, user)
    return user
