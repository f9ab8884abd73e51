"""The `ws` package of Node.js, in processes of its own."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import tempfile
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.libraries import dialogue
from tests.scenarios.libraries.dialogue import Report

VERSION = "8"
_SCRIPTS = Path(__file__).parent / "node"
_INSTALL_PATIENCE_S = 90


class NodeMissing(Exception):
    """Node.js, npm or the package registry cannot be reached."""


def install_ws(cache: Path) -> Path:
    """A folder in `cache` that has the `ws` package; NodeMissing when it cannot be made."""
    folder = cache / f"ws-{VERSION}"
    if folder.exists():
        return folder
    if not (shutil.which("node") and shutil.which("npm")):
        raise NodeMissing("node and npm are not on the PATH")
    fresh = Path(tempfile.mkdtemp(dir=cache))
    command = (
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--prefix",
        str(fresh),
        f"ws@{VERSION}",
    )
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_PATIENCE_S)
    except (subprocess.SubprocessError, OSError) as error:
        raise NodeMissing(f"npm could not install ws: {error}") from error
    try:
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh)
    return folder


@dataclass(slots=True)
class NodeServer:
    """A running server."""

    process: Process
    port: int

    async def stop(self) -> None:
        """End the process (it goes when its stdin does)."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 10)


class NodeWs:
    """`ws` on both ends of the dialogue."""

    name = "ws"
    sends_fragments = True
    compresses = True

    def __init__(self, folder: Path, certificate: Path | None = None, authority: Path | None = None) -> None:
        self._folder = folder
        self._certificate = certificate
        self._authority = authority

    async def serve(self, tls: ssl.SSLContext | None = None) -> NodeServer:
        """A server on a free loopback port; with `tls`, the certificate given at the start."""
        pair: tuple[str, ...] = ()
        if tls is not None:
            assert self._certificate is not None
            pair = (str(self._certificate), str(self._certificate.with_name("device-key.pem")))
        process = await asyncio.create_subprocess_exec(
            "node", str(_SCRIPTS / "server.js"), str(self._folder), *pair, stdin=PIPE, stdout=PIPE
        )
        assert process.stdout is not None
        port = await asyncio.wait_for(process.stdout.readline(), 20)
        return NodeServer(process, int(port))

    async def talk(self, url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> Report:
        """Hold the dialogue as the client; with `tls`, it trusts the authority given at the start."""
        assert proxy is None, "ws has no proxies"
        trust = (str(self._authority),) if tls is not None else ()
        process = await asyncio.create_subprocess_exec(
            "node",
            *(str(_SCRIPTS / "client.js"), str(self._folder), url, *trust),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
        output, errors = await asyncio.wait_for(process.communicate(dialogue.BIG), 30)
        assert process.returncode == 0, errors.decode()
        return Report(**json.loads(output))
