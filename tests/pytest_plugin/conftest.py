"""A project with tests of its own, and a real device beside it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

# Imported here so that the runs of pytest inside of pytest do not import them anew each time.
import wsproxy.mitm.background
import wsproxy.replay.serving  # noqa: F401

_HEAD = """
import json
import pytest
from websockets.sync.client import connect

"""


@dataclass
class Device:
    """Answers each message with how many it has seen, and counts its clients."""

    url: str = ""
    clients: int = 0
    heads: list[str] = field(default_factory=list)

    def answer(self, client: ServerConnection) -> None:
        """Serve one client."""
        self.clients += 1
        for number, message in enumerate(client, 1):
            client.send(json.dumps({"answer": number, "to": message}))


@pytest.fixture
def device() -> Iterator[Device]:
    """A device on a real socket."""
    device = Device()
    with serve(device.answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        device.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        yield device
        server.shutdown()
    thread.join()


@dataclass(frozen=True)
class Project:
    """A folder with tests, to run pytest in."""

    pytester: pytest.Pytester

    def write(self, source: str, name: str = "test_device.py") -> Path:
        """Write a test file."""
        path = self.pytester.path / name
        path.write_text(_HEAD + source)
        return path

    def run(self, *args: str) -> pytest.RunResult:
        """Run its tests in this process."""
        return self.pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", *args
        )

    def recordings(self) -> list[str]:
        """Everything in its folder of recordings."""
        folder = self.pytester.path / "recordings"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """An empty project."""
    return Project(pytester)
