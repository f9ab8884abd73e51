"""A device's port, a proxy in front of it and a recording: set up once, used for many conversations."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from tests.devices.certificates import client_tls, device_tls
from tests.devices.endpoints import LOOPBACK, Device, Route
from tests.devices.loop import LoopThread
from tests.scenarios.harness import Outcome, converse
from tests.scenarios.modes import MODES, Mode
from tests.scenarios.proxy import ProxyProcess, Start, mitmdump, wsproxy_record
from tests.scenarios.recorded import Recorded
from tests.wire.conversation import Case

_ADDONS = Path(__file__).parent / "addons"


async def _listen(tls: ssl.SSLContext | None) -> Device:
    return await Device.listen(tls=tls)


async def _hang_up(device: Device) -> None:
    while device.waiting:
        (await device.accept()).close()


class Rig:
    """One mode, running."""

    def __init__(self, mode: Mode, folder: Path, loop: LoopThread, upstream: int = 0) -> None:
        self.mode = mode
        self.recording = folder / f"{mode.name}.db"
        self.confdir = folder / "confdir"
        self._loop = loop
        self._outcomes: dict[str, Outcome | Exception] = {}
        tls = device_tls(folder) if mode.device_tls else None
        self.device = loop.run(_listen(tls))
        self.proxy = ProxyProcess(self._start(upstream))
        self.recorded = Recorded(self.recording)

    @property
    def route(self) -> Route:
        """How a client gets to the device."""
        authority = self.confdir / "mitmproxy-ca-cert.pem"
        tls = client_tls(authority) if self.mode.client_tls else None
        return Route(self.proxy.port, self.mode.tunnel, (LOOPBACK, self.device.port), tls)

    def outcome(self, case: Case) -> Outcome:
        """What the sockets saw when `case` was played here; played once, however often asked."""
        if case.name not in self._outcomes:
            self._outcomes[case.name] = self._play(case)
        found = self._outcomes[case.name]
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """Stop the proxy (it must end well and must not have stumbled) and the device."""
        self._loop.run(self.device.close())
        self.recorded.close()
        code = self.proxy.stop()
        assert code in (0, 130), f"{self.mode.name}: exit code {code}\n{self.proxy.output[-4000:]}"
        _, stumbled, what = self.proxy.output.partition("Traceback")
        assert not stumbled, f"{self.mode.name}: Traceback{what[:4000]}"

    def _start(self, upstream: int) -> Start:
        spec = self.mode.spec.format(device=self.device.port, upstream=upstream)
        if not spec:
            return wsproxy_record(f"ws://{LOOPBACK}:{self.device.port}", self.recording, self.confdir)
        scripts = tuple(_ADDONS / name for name in self.mode.scripts)
        return mitmdump(spec, self.recording, self.confdir, *self.mode.options, scripts=scripts)

    def _play(self, case: Case) -> Outcome | Exception:
        try:
            outcome = self._loop.run(converse(self.device, self.route, case))
            # Kept for every test of this case; all cases together are hundreds of megabytes.
            outcome.forget_much()
            return outcome
        except Exception as error:
            self._loop.run(_hang_up(self.device))
            return error


class Rigs:
    """Every mode's rig, set up when first asked for."""

    def __init__(self, folder: Path, loop: LoopThread) -> None:
        self._folder = folder
        self._loop = loop
        self._rigs: dict[str, Rig] = {}

    def __getitem__(self, name: str) -> Rig:
        if name not in self._rigs:
            mode = MODES[name]
            upstream = self["connect"].proxy.port if "{upstream}" in mode.spec else 0
            self._rigs[name] = Rig(mode, self._folder, self._loop, upstream)
        return self._rigs[name]

    def __iter__(self) -> Iterator[Rig]:
        return iter(self._rigs.values())
