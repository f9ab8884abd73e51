"""How hypothesis runs, and where scripted peers live.

No deadline, since other tests load the machine; the same examples each time in CI.
"""

import os
from collections.abc import Iterator

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
