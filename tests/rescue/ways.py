"""The ways from a client to a server: direct, through stock mitmproxy, through wsproxy that normalizes."""

import asyncio
import itertools
import re
import sysconfig
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.rescue.forked import ForkedProxy, Forker
from tests.scenarios.proxy import Start, wsproxy_record

_AT_A_TIME = 3


class Way(StrEnum):
    """What stands between the peers."""

    DIRECT = "direct"
    STOCK = "mitmproxy"
    WSPROXY = "wsproxy"


@dataclass(frozen=True, slots=True)
class Target:
    """A server: its port, and whether it speaks TLS."""

    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """How wsproxy is told to normalize: a profile or lines of TOML on top of `strict`, and more flags."""

    normalize: str = "strict"
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One proxy: what it is, what it stands in front of, how it is set."""

    way: Way
    target: Target
    settings: Settings


@dataclass(slots=True)
class Ways:
    """Proxies, each started when first asked for, used for every case it suits, and ended after those."""

    folder: Path
    forker: Forker
    _ports: "dict[Place, asyncio.Task[int]]" = field(default_factory=dict)
    _processes: dict[Place, ForkedProxy] = field(default_factory=dict)
    _outputs: list[str] = field(default_factory=list)
    _users: "Counter[Place]" = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _starting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    def announce(self, place: Place) -> None:
        """Somebody will use this once: it is kept until then."""
        self._users[place] += 1

    @asynccontextmanager
    async def port(self, place: Place) -> AsyncIterator[int]:
        """Where a client connects to get to the target that way."""
        if place.way is Way.DIRECT:
            yield place.target.port
            return
        if place not in self._ports:
            self._ports[place] = asyncio.create_task(self._start(place))
        try:
            yield await asyncio.shield(self._ports[place])
        finally:
            self._users[place] -= 1
            if self._users[place] == 0:
                await self._end(place)

    async def stop(self) -> list[str]:
        """Stop them all; what wsproxy wrote where it stumbled. (mitmproxy may; it is not under test.)"""
        await asyncio.gather(*map(self._end, list(self._processes)))
        await self.forker.end()
        return [output[-4000:] for output in self._outputs if "Traceback" in output]

    async def _start(self, place: Place) -> int:
        folder = self.folder / f"proxy-{next(self._numbers)}"
        folder.mkdir()
        start = _stock(place.target, folder) if place.way is Way.STOCK else _wsproxy(place, folder)
        async with self._starting:
            process = await self.forker.start(start, folder)
        self._processes[place] = process
        return process.port

    async def _end(self, place: Place) -> None:
        self._ports.pop(place, None)
        process = self._processes.pop(place, None)
        if process is not None:
            await process.stop()
            if place.way is Way.WSPROXY:
                self._outputs.append(process.output)


def _stock(target: Target, folder: Path) -> Start:
    scheme = "https" if target.tls else "http"
    program = Path(sysconfig.get_path("scripts")) / "mitmdump"
    settings = (f"confdir={folder}", "flow_detail=0", "ssl_insecure=true")
    return Start(
        (
            *(str(program), "--mode", f"reverse:{scheme}://127.0.0.1:{target.port}@127.0.0.1:0"),
            *(part for setting in settings for part in ("--set", setting)),
        ),
        re.compile(r"listening at (?:http://)?\S*?:(\d+)"),
    )


def _wsproxy(place: Place, folder: Path) -> Start:
    target, settings = place.target, place.settings
    profile = settings.normalize
    if "=" in profile:
        profile = str(folder / "case.toml")
        Path(profile).write_text(f'include = ["strict"]\n{settings.normalize}\n', "utf-8")
    url = f"{'wss' if target.tls else 'ws'}://127.0.0.1:{target.port}"
    insecure = ("--insecure",) if target.tls else ()
    arguments = ("-q", f"--normalize={profile}", *insecure, *settings.flags)
    return wsproxy_record(url, folder / "recording.db", folder, *arguments)
