"""Real clients talk to real servers through the proxy as if it were not there; it records what is said."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.devices.certificates import client_tls, device_tls
from tests.devices.loop import LoopThread
from tests.scenarios.libraries import dialogue
from tests.scenarios.libraries.dialogue import Library, expected
from tests.scenarios.libraries.with_aiohttp import Aiohttp
from tests.scenarios.libraries.with_node import NodeMissing, NodeWs, install_ws
from tests.scenarios.libraries.with_picows import Picows
from tests.scenarios.libraries.with_websockets import Websockets
from tests.scenarios.proxy import ProxyProcess, mitmdump
from tests.scenarios.recorded import Recorded
from wsproxy.protocol.frame import Side

PYTHON: dict[str, Library] = {each.name: each for each in (Websockets(), Aiohttp(), Picows())}
NAMES = (*PYTHON, "ws")
REVERSE = "reverse:http://127.0.0.1:{port}"
REVERSE_TLS = "reverse:https://127.0.0.1:{port}"


class Site:
    """One library's server with a proxy in front of it, and what the proxy recorded."""

    def __init__(self, loop: LoopThread, library: Library, mode: str, folder: Path) -> None:
        self.library = library
        self.authority = folder / "confdir" / "mitmproxy-ca-cert.pem"
        self._loop = loop
        tls = device_tls(folder) if mode == REVERSE_TLS else None
        self._server = loop.run(library.serve(tls))
        self.server_port = self._server.port
        recording = folder / "recording.db"
        self.proxy = ProxyProcess(mitmdump(mode.format(port=self.server_port), recording, folder / "confdir"))
        self.recorded = Recorded(recording)

    @property
    def trust(self) -> ssl.SSLContext:
        """For a client that trusts this proxy."""
        return client_tls(self.authority)

    def close(self) -> None:
        """Stop both."""
        self.recorded.close()
        self._loop.run(self._server.stop())
        assert self.proxy.stop() == 0, self.proxy.output


class Sites:
    """Every server with its proxy, set up when first asked for."""

    def __init__(self, loop: LoopThread, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> None:
        self.loop = loop
        self._folders = tmp_path_factory
        self._cache = cache
        self._sites: dict[tuple[str, str], Site] = {}

    def library(self, name: str, folder: Path, authority: Path | None = None) -> Library:
        """That library; a test that needs Node.js is skipped without it (unless WSPROXY_TEST_REQUIRE=all)."""
        if name in PYTHON:
            return PYTHON[name]
        try:
            return NodeWs(install_ws(self._cache), folder / "device.pem", authority)
        except NodeMissing as missing:
            if os.environ.get("WSPROXY_TEST_REQUIRE") == "all":
                pytest.fail(str(missing))
            pytest.skip(str(missing))

    def site(self, server: str, mode: str = REVERSE) -> Site:
        """The server of that library behind a proxy in this mode."""
        if (server, mode) not in self._sites:
            folder = self._folders.mktemp(server)
            self._sites[server, mode] = Site(self.loop, self.library(server, folder), mode, folder)
        return self._sites[server, mode]

    def close(self) -> None:
        """Stop them all."""
        for site in self._sites.values():
            site.close()


@pytest.fixture(scope="module")
def sites(
    loop: LoopThread, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Sites]:
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir("node") if kept else tmp_path_factory.mktemp("node")
    made = Sites(loop, tmp_path_factory, cache)
    yield made
    made.close()


@pytest.fixture
def path() -> str:
    """A path nobody else asks for."""
    return f"/{uuid4().hex}"


def check_recorded(site: Site, client: Library, path: str) -> None:
    """The recording has every message of the dialogue, decompressed and assembled, and the close."""
    session = site.recorded.session_at(path)
    parts = ["".join(dialogue.FRAGMENTS).encode()] if client.sends_fragments else []
    common = [dialogue.TEXT.encode(), dialogue.BIG, *parts]
    asked = [*common, dialogue.PING_ME.encode(), dialogue.GOODBYE.encode()]
    answered = [*common, dialogue.PONG_SEEN.encode()]
    for side, said in ((Side.CLIENT, asked), (Side.SERVER, answered)):
        messages = site.recorded.messages(session, side)
        assert [message.payload for message in messages] == said
        assert not [message.error for message in messages if message.error]
    assert session.end is not None
    assert (session.end.close_code, session.end.close_reason) == (dialogue.CODE, dialogue.REASON)
    assert session.end.closed_by is Side.SERVER
    compressed = client.compresses and site.library.compresses
    assert ("permessage-deflate" in (session.start.extensions or "")) is compressed


@pytest.mark.parametrize("client_name", NAMES)
@pytest.mark.parametrize("server_name", NAMES)
def test_a_dialogue_through_a_reverse_proxy(
    sites: Sites, path: str, server_name: str, client_name: str
) -> None:
    site = sites.site(server_name)
    client = sites.library(client_name, Path())
    report = sites.loop.run(client.talk(f"ws://127.0.0.1:{site.proxy.port}{path}"))
    assert report == expected(fragments=client.sends_fragments)
    check_recorded(site, client, path)


@pytest.mark.parametrize(
    ("server_name", "client_name"), [*(("websockets", name) for name in NAMES), ("ws", "ws")]
)
def test_a_dialogue_with_tls_on_both_legs(
    sites: Sites, path: str, server_name: str, client_name: str
) -> None:
    site = sites.site(server_name, REVERSE_TLS)
    client = sites.library(client_name, Path(), site.authority)
    report = sites.loop.run(client.talk(f"wss://127.0.0.1:{site.proxy.port}{path}", site.trust))
    assert report == expected(fragments=client.sends_fragments)
    check_recorded(site, client, path)


@pytest.mark.parametrize("client_name", ["websockets", "aiohttp", "picows"])
def test_a_dialogue_through_an_explicit_proxy(sites: Sites, path: str, client_name: str) -> None:
    site = sites.site("websockets", "regular")
    client = sites.library(client_name, Path())
    proxy = f"http://127.0.0.1:{site.proxy.port}"
    report = sites.loop.run(client.talk(f"ws://127.0.0.1:{site.server_port}{path}", proxy=proxy))
    assert report == expected(fragments=client.sends_fragments)
    check_recorded(site, client, path)
