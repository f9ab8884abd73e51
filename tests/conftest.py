"""How hypothesis runs, where scripted peers live, and a small file system that can be full.

No deadline, since other tests load the machine; the same examples each time in CI.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    """Where scripted peers live."""
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def device(loop: LoopThread) -> Iterator[Device]:
    """A device's port."""
    listening = loop.run(Device.listen())
    yield listening
    loop.run(listening.close())


@pytest.fixture
def signals_heeded() -> Iterator[None]:
    """For processes that are sent signals: under nohup, or behind `&` in a script, they would ignore them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    if os.geteuid() != 0:
        missing("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        missing(f"no file system can be mounted: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def missing(what: str) -> None:
    """Skip a test for want of something, where that is allowed."""
    if os.environ.get("WSPROXY_TEST_REQUIRE") == "all":
        pytest.fail(what)
    pytest.skip(what)
