"""Sessions of weak peers, recorded by a proxy that normalizes, and the same peers to replay them to."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.devices.device import Device, Devices
from tests.devices.loop import LoopThread
from tests.devices.weak_client import WeakClient
from tests.rescue.case import Case, Report, Verdict, judge
from tests.rescue.cases import CASES
from tests.rescue.peers.peer import Visit
from tests.rescue.peers.with_websockets import Websockets, WebsocketsServer
from wsproxy.mitm.background import BackgroundProxy
from wsproxy.mitm.run import ProxySettings
from wsproxy.replay.asking import Address
from wsproxy.replay.client import ClientOptions
from wsproxy.replay.client_run import run_client
from wsproxy.replay.compare import Row
from wsproxy.replay.model import ReplayOptions

PATIENCE_S = 20.0
BY_NAME = {case.name: case for case in CASES}


@dataclass(frozen=True, slots=True)
class Stage:
    """Weak devices on one port, a strict server on another, and what was recorded in front of both."""

    loop: LoopThread
    folder: Path
    device_port: int
    server: WebsocketsServer

    def recording(self, case: Case) -> str:
        """The recording of the one session of a case."""
        return str(self.folder / f"{case.name}.db")

    def visit(self, case: Case) -> Visit:
        """What the strict server does with a weak client."""
        return self.loop.run(self.server.expect(path_of(case), case.task))

    def talk(self, case: Case, port: int) -> Verdict | str:
        """Let the case happen at that port: what became of the strict client, or what the weak one says."""
        return self.loop.run(self._talk(case, port))

    async def _talk(self, case: Case, port: int) -> Verdict | str:
        if isinstance(case.weak, WeakClient):
            async with asyncio.timeout(PATIENCE_S):
                return await case.weak.talk(port, path_of(case))
        report = Report()
        async with asyncio.timeout(PATIENCE_S):
            await Websockets().talk(f"ws://127.0.0.1:{port}{path_of(case)}", case.task, report)
        return judge(case, report)

    def differences(self, case: Case, *, sent: bool) -> tuple[list[Row], tuple[str, ...]]:
        """Play the client of the session to the real peer."""
        port = self.device_port if case.device_side else self.server.port
        options = ClientOptions(Address("127.0.0.1", port), ReplayOptions(speed=None, as_sent=sent), 5.0)
        again = str(self.folder / f"{case.name}-{sent}.db")
        with run_client(self.recording(case), "last", again, options) as outcome:
            return [row for row in outcome.comparison.rows() if row.differences], outcome.problems


def path_of(case: Case) -> str:
    """What is asked for: the first part says which device answers."""
    return f"/{case.name}/of/the/table"


@contextmanager
def stage(cases: Iterable[Case], folder: Path) -> Iterator[Stage]:
    """Every case recorded, each in a recording of its own."""
    found = list(cases)
    devices = Devices({case.name: case.weak for case in found if isinstance(case.weak, Device)})
    loop = LoopThread()
    try:
        made = Stage(loop, folder, loop.run(devices.listen()), loop.run(Websockets().serve()))
        for case in found:
            _record(made, case)
        yield made
    finally:
        devices.stop()
        loop.close()


def _record(made: Stage, case: Case) -> None:
    profile = case.normalize
    if "=" in profile:
        profile = str(made.folder / f"{case.name}.toml")
        Path(profile).write_text(f'include = ["strict"]\n{case.normalize}\n', "utf-8")
    port = made.device_port if case.device_side else made.server.port
    settings = ProxySettings(
        mode=f"reverse:http://127.0.0.1:{port}",
        listen_port=0,
        recording=made.recording(case),
        normalize=profile,
        uvloop=False,
    )
    visit = None if case.device_side else made.visit(case)
    with BackgroundProxy(settings) as proxy:
        made.talk(case, int(proxy.url.rpartition(":")[2].strip("/")))
        if visit is not None:
            made.loop.run(asyncio.wait_for(visit.over.wait(), PATIENCE_S))
            visit.over.clear()
            visit.report = Report()
