"""Everything that runs while cases are played: devices, strict peers, proxies."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.devices.certificates import device_tls
from tests.devices.device import Device, Devices
from tests.devices.weak_client import WeakClient
from tests.rescue.case import Case, Report, Result, Verdict, judge
from tests.rescue.forked import Forker
from tests.rescue.peers.peer import Server, StrictClient, StrictServer, words_of
from tests.rescue.peers.with_aiohttp import Aiohttp
from tests.rescue.peers.with_chromium import Chromium, find_chromium
from tests.rescue.peers.with_node import NodeWs
from tests.rescue.peers.with_websocket_client import WebsocketClient
from tests.rescue.peers.with_websockets import Websockets
from tests.rescue.peers.with_wsproto import Wsproto
from tests.rescue.ways import Place, Settings, Target, Way, Ways
from tests.scenarios.libraries.with_node import NodeMissing, install_ws

CLIENTS = ("websockets", "aiohttp", "wsproto", "websocket-client", "ws", "chromium")
SERVERS = ("websockets", "aiohttp", "wsproto", "ws")
_CANNOT_PING = ("chromium",)
_CANNOT_DEFLATE = ("websocket-client",)


@dataclass(slots=True)
class Rig:
    """Set up once, for any number of cases and peers. `missing`: peers that are not installed, and why."""

    folder: Path
    ways: Ways
    devices: Devices
    device_port: int
    tls: ssl.SSLContext
    patience_s: float
    clients: dict[str, StrictClient] = field(default_factory=dict)
    servers: dict[str, StrictServer] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    _running: "dict[tuple[str, bool], asyncio.Task[Server]]" = field(default_factory=dict)
    _lanes: dict[tuple[str, Way], asyncio.Lock] = field(default_factory=dict)

    async def play(self, case: Case, peer: str, way: Way) -> Verdict:
        """One case with one strict peer, one way."""
        if not applies(case, peer):
            return Verdict(Result.SKIPPED)
        if case.device_side:
            return await self._play_device(case, peer, way)
        return await self._play_client(case, peer, way)

    async def _play_device(self, case: Case, peer: str, way: Way) -> Verdict:
        report = Report()
        path = f"/{case.name}/{peer}/{way}"
        async with self.ways.port(await self.place(case, peer, way)) as port, self._lane(peer, way):
            try:
                async with asyncio.timeout(self.patience_s):
                    await self.clients[peer].talk(f"ws://127.0.0.1:{port}{path}", case.task, report)
            except TimeoutError:
                report.hung = True
            except Exception as error:
                report.words = words_of(error)
        return judge(case, report, self.devices.complaints.get(path, ""))

    async def _play_client(self, case: Case, peer: str, way: Way) -> Verdict:
        assert isinstance(case.weak, WeakClient)
        server = await self._server(peer, case.tls)
        path = f"/{case.name}/{peer}/{way}"
        visit = await server.expect(path, case.task)
        tls = _trusting() if case.tls and way is Way.DIRECT else None
        complaint = ""
        async with self.ways.port(await self.place(case, peer, way)) as port:
            try:
                async with asyncio.timeout(self.patience_s):
                    complaint = await case.weak.talk(port, path, tls)
                    if visit.report.stage != "opening":
                        await visit.over.wait()
            except TimeoutError:
                visit.report.hung = True
        return judge(case, visit.report, complaint)

    async def place(self, case: Case, peer: str, way: Way) -> Place:
        """What stands between the peers."""
        port = self.device_port if case.device_side else (await self._server(peer, case.tls)).port
        normalized = way is Way.WSPROXY
        settings = Settings(case.normalize, case.flags) if normalized else Settings()
        return Place(way, Target(port, case.tls), settings)

    async def _server(self, peer: str, tls: bool) -> Server:
        if (peer, tls) not in self._running:
            context = self.tls if tls else None
            self._running[peer, tls] = asyncio.create_task(self.servers[peer].serve(context))
        return await asyncio.shield(self._running[peer, tls])

    def _lane(self, peer: str, way: Way) -> asyncio.Lock:
        """A browser opens one session at a time with a port; the others need not wait for each other."""
        return self._lanes.setdefault((peer, way), asyncio.Lock()) if peer == "chromium" else asyncio.Lock()

    async def stop(self) -> list[str]:
        """End everything; what proxies that stumbled wrote."""
        stumbled = await self.ways.stop()
        for running in self._running.values():
            await (await running).stop()
        for client in self.clients.values():
            await client.stop()
        self.devices.stop()
        return stumbled


def applies(case: Case, peer: str) -> bool:
    """Whether a case can be tried with that peer at all."""
    if peer not in (CLIENTS if case.device_side else SERVERS) or (case.only and peer not in case.only):
        return False
    cannot_ping = case.device_side and case.task.pings and peer in _CANNOT_PING
    return not cannot_ping and not (case.task.deflate and peer in _CANNOT_DEFLATE)


@asynccontextmanager
async def rig(
    cases: Collection[Case], peers: Collection[str], folder: Path, cache: Path, patience_s: float
) -> AsyncIterator[Rig]:
    """Set up what these cases need for these peers, and take it down again."""
    kinds: Mapping[str, Device] = {case.name: case.weak for case in cases if isinstance(case.weak, Device)}
    devices, ways = Devices(kinds), Ways(folder, await Forker.begin())
    made = Rig(folder, ways, devices, await devices.listen(), device_tls(folder), patience_s)
    await _bring_peers(made, peers, cache)
    try:
        yield made
    finally:
        stumbled = await made.stop()
    if stumbled:
        raise AssertionError("a proxy stumbled:\n" + "\n".join(stumbled))


async def _bring_peers(made: Rig, peers: Collection[str], cache: Path) -> None:
    python = (Websockets(), Aiohttp(), Wsproto())
    made.clients |= {each.name: each for each in python}
    made.servers |= {each.name: each for each in python}
    made.clients["websocket-client"] = WebsocketClient(made.patience_s)
    if "ws" in peers:
        try:
            node = await NodeWs.start(await asyncio.to_thread(install_ws, cache), made.folder / "device.pem")
            made.clients["ws"] = made.servers["ws"] = node
        except NodeMissing as missing:
            made.missing["ws"] = str(missing)
    if "chromium" in peers:
        program = find_chromium()
        if program is None:
            made.missing["chromium"] = "not installed"
        else:
            made.clients["chromium"] = await Chromium.start(
                program, made.folder / "chromium", made.patience_s
            )


def _trusting() -> ssl.SSLContext:
    """For a weak client: any certificate will do."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
