"""What the tests of commands that read recordings share."""

import time
from collections.abc import Iterator

import pytest

from tests.cli.recordings import make_recording


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of `make_recording`'s recording, to be read only."""
    path = tmp_path_factory.mktemp("recording") / "wsproxy.db"
    make_recording(path)
    return str(path)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are shown as local time: let that be UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
