"""Where the peers of these tests live."""

from collections.abc import Iterator

import pytest

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread


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
