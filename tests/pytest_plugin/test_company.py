"""The plugin beside others, and under every kind of test."""

import shutil
from pathlib import Path

import pytest

from tests.pytest_plugin.conftest import Device, Project

SKYQ = Path(__file__).parents[2] / "recordings" / "skyq.db"
MARK = "@pytest.mark.wsproxy('recordings/skyq.db')\n"
PATH = "/as/system/status"

ASYNCIO = f"""
import asyncio
import websockets

async def status(url):
    async with websockets.connect(url) as client:
        return await client.recv()

{MARK}
def test_asyncio(ws_replay):
    assert "unavailable" in asyncio.run(status(ws_replay.url("{PATH}")))
"""
ANYIO = f"""
import anyio
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

{MARK}
@pytest.mark.anyio
async def test_anyio(ws_replay):
    host, port = ws_replay.url().removeprefix("ws://").rstrip("/").split(":")
    text, client = "", WSConnection(ConnectionType.CLIENT)
    with anyio.fail_after(10):
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(client.send(Request(host=host, target="{PATH}")))
            while "unavailable" not in text:
                client.receive_data(await stream.receive())
                text += "".join(event.data for event in client.events() if isinstance(event, TextMessage))
"""
UNITTEST = f"""
import unittest

{MARK}
@pytest.mark.usefixtures("replayed")
class StatusTest(unittest.TestCase):
    def test_unittest(self):
        with connect(self.url) as client:
            self.assertIn("unavailable", client.recv(timeout=10))

    def test_fails(self):
        with connect(self.url) as client:
            client.send("x")
            self.assertIn("available soon", client.recv(timeout=10))

@pytest.fixture
def replayed(request, ws_replay):
    request.instance.url = ws_replay.url("{PATH}")
"""
VCR = f"""
import http.client
import pathlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

{MARK}
@pytest.mark.vcr
def test_both(ws_replay):
    port_file = pathlib.Path("port")
    server = None
    if not port_file.exists():
        server = HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port_file.write_text(str(server.server_port))
    asked = http.client.HTTPConnection("127.0.0.1", int(port_file.read_text()), timeout=10)
    asked.request("GET", "/")
    assert asked.getresponse().read() == b"hi"
    asked.close()
    with connect(ws_replay.url("{PATH}")) as client:
        assert "unavailable" in client.recv(timeout=10)
    if server is not None:
        server.shutdown()
        server.server_close()
"""


@pytest.fixture
def skyq(project: Project) -> Project:
    folder = project.pytester.mkdir("recordings")
    shutil.copy(SKYQ, folder)
    return project


def test_asyncio(skyq: Project) -> None:
    skyq.write(ASYNCIO)
    skyq.run().assert_outcomes(passed=1)


def test_anyio_on_asyncio_and_trio(skyq: Project) -> None:
    skyq.write(ANYIO)
    skyq.run().assert_outcomes(passed=2)


def test_unittest(skyq: Project) -> None:
    skyq.write(UNITTEST)
    result = skyq.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*got*text x*"])


def test_vcrpy_and_pytest_recording(skyq: Project) -> None:
    skyq.write(VCR)
    # A process each: YAML's C parser does not survive that its module is imported anew.
    alone = ("-p", "no:cacheprovider", "-p", "no:cov")
    skyq.pytester.runpytest_subprocess("--record-mode=once", *alone).assert_outcomes(passed=1)
    assert list(skyq.pytester.path.glob("cassettes/**/*.yaml"))
    # Now nobody listens for HTTP any more, and both are replayed.
    skyq.pytester.runpytest_subprocess(*alone).assert_outcomes(passed=1)


def test_xdist_and_what_nobody_uses(skyq: Project) -> None:
    shutil.copy(SKYQ, skyq.pytester.path / "recordings" / "old.db")
    skyq.write(ASYNCIO)
    skyq.write(ASYNCIO, "test_again.py")
    result = skyq.pytester.runpytest_inprocess(
        "-n", "2", "--ws-unused", "-p", "no:cacheprovider", "-p", "no:cov"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*WebSocket recordings that no test has used*", "recordings/old.db"])
    result.stdout.no_fnmatch_line("recordings/skyq.db")


def test_nothing_that_nobody_uses(skyq: Project) -> None:
    skyq.write(ASYNCIO)
    result = skyq.run("--ws-unused")
    result.stdout.fnmatch_lines(["*WebSocket recordings that no test has used*", "none"])


def test_it_costs_nothing_until_it_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n"
        "def test_modules(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.hasplugin('wsproxy')\n"
        "    heavy = ('mitmproxy', 'sqlalchemy', 'construct', 'wsproxy.replay', 'wsproxy.store')\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    options = (
        "-p",
        "no:anyio",
        "-p",
        "no:recording",
        "-p",
        "no:xdist",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:cov",
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    result.assert_outcomes(passed=1)


DOCTEST = '''"""
>>> from websockets.sync.client import connect
>>> device = getfixture("ws_replay")
>>> with connect(device.url("/")) as client:
...     client.send("x")
...     print(client.recv(timeout=10))
{"answer": 1, "to": "x"}
"""
'''


def test_a_doctest(project: Project, device: Device) -> None:
    (project.pytester.path / "conftest.py").write_text(
        f"import pytest\n@pytest.fixture\ndef ws_target():\n    return {device.url!r}\n"
    )
    (project.pytester.path / "documented.py").write_text(DOCTEST)
    for mode in ("once", "none"):
        project.run("--doctest-modules", "--ws-record-mode", mode).assert_outcomes(passed=1)
    assert device.clients == 1
    assert project.recordings() == ["documented/documented.db"]
