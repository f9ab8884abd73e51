"""The story that wsproxy began with: a client that hangs on a device, another that does not, and how the
first is helped.

The device is emulated, everything else is real: the proxy, its recording, and the client library.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from wsproxy.demo.device import PATH, start_device, status_document
from wsproxy.errors import ReachError, WsproxyError
from wsproxy.mitm.run import Proxy, ProxySettings
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.handshake import HeadReader
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.session import SessionEvent
from wsproxy.store.model import Observer, SessionEnd, SessionStart
from wsproxy.store.session_recorder import Changed, Found

SILENCE_S = 1.5
_PATIENCE_S = 20.0
_ENDING_S = 3.0
_READ_SIZE = 1 << 16
_SMALL_PAGE = 1024
_NORMAL_CLOSURE = (1000).to_bytes(2)
_OLD_SPELLING = b"Upgrade: Websocket"
# What aiohttp 3.4 with multidict 4.4 put on the wire in 2018.
_REQUEST_OF_2018 = (
    b"GET " + PATH.encode() + b" HTTP/1.1\r\n" + _OLD_SPELLING + b"\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-Websocket-Version: 13\r\n"
    b"Sec-Websocket-Key: xNtNd7KbRC0kZu14wayhRA==\r\n"
    b"Accept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\n"
    b"Host: skyq:9006\r\n"
    b"User-Agent: Python/3.6 aiohttp/3.4.4\r\n"
    b"\r\n"
)


class Stage(Protocol):
    """Where the story is told."""

    def step(self, title: str) -> None:
        """Begin the next step."""

    def say(self, *lines: str) -> None:
        """Tell something, in order with the frames that are shown."""


class _Ends:
    """An observer that knows how many sessions have ended."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def session_started(self, session_id: int, start: SessionStart) -> None:
        """Nothing to do."""

    def changes_made(self, session_id: int, changes: Sequence[Changed]) -> None:
        """Nothing to do."""

    def findings_made(self, session_id: int, findings: Sequence[Found]) -> None:
        """Nothing to do."""

    def events_received(
        self, session_id: int, side: Side, at_ns: int, events: Sequence[SessionEvent]
    ) -> None:
        """Nothing to do."""

    def session_ended(self, session_id: int, end: SessionEnd) -> None:
        """One more."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait until so many have; raises ReachError if that takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._count >= count, _PATIENCE_S):
                raise ReachError("a session of the demo does not end: is this machine very busy? Try again")


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where an act plays: the ports of the device and of the proxy in front of it, and who sees it."""

    stage: Stage
    ends: _Ends
    device_port: int
    port: int

    @property
    def url(self) -> str:
        """What the proxy serves."""
        return f"ws://127.0.0.1:{self.port}{PATH}"


type _Act = Callable[[_Scene], Coroutine[None, None, None]]


class _Clients(threading.Thread):
    """The clients of an act, once the proxy listens; then the proxy is stopped."""

    def __init__(self, act: _Act, scene: Callable[[int], _Scene]) -> None:
        super().__init__(name="wsproxy demo clients", daemon=True)
        self._act = act
        self._scene = scene
        self._port = 0
        self.proxy: Proxy | None = None
        self.failure: WsproxyError | None = None
        self.over = False
        self.proxy_ended = threading.Event()

    def begin(self, urls: list[str]) -> None:
        """The proxy listens."""
        self._port = int(urls[0].rpartition(":")[2])
        self.start()

    def run(self) -> None:
        """Tell the story."""
        try:
            asyncio.run(self._act(self._scene(self._port)))
        except (OSError, TimeoutError, EOFError, WebSocketException) as error:
            self._fail(ReachError(f"the demo's client failed ({error!r}): try again"))
        except WsproxyError as error:
            self._fail(error)
        else:
            self.over = True
        if self.proxy is not None and not self.proxy_ended.is_set():
            self.proxy.stop()

    def _fail(self, error: WsproxyError) -> None:
        """Note what went wrong, unless that is but the proxy ending at Ctrl-C."""
        if not self.proxy_ended.wait(_ENDING_S):
            self.failure, self.over = error, True


async def _observed(scene: _Scene) -> None:
    """What happens where nothing is changed."""
    stage = scene.stage
    stage.say(
        f"A Sky Q box (emulated) serves  ws://127.0.0.1:{scene.device_port}{PATH}",
        f"wsproxy in front of it serves  {scene.url}",
    )
    stage.step(f"1. A client of 2018 asks with '{_OLD_SPELLING.decode()}'.")
    received = await _ask_as_in_2018(scene.port, SILENCE_S)
    await asyncio.to_thread(scene.ends.wait_for, 1)
    stage.say(
        "",
        f"   A perfect 101, then {received} bytes in {SILENCE_S} seconds: this client hangs for ever.",
    )
    stage.step("2. The client library `websockets` asks with 'Upgrade: websocket'.")
    await ask_with_websockets(scene.url)
    await asyncio.to_thread(scene.ends.wait_for, 2)
    stage.say("", "   The box pushes its status: all it wanted was a small w.")


async def _normalized(scene: _Scene) -> None:
    """What happens where what departs from the RFC is repaired."""
    stage = scene.stage
    stage.step("3. The client of 2018 again, through  wsproxy record --normalize")
    received = await _ask_as_in_2018(scene.port, _PATIENCE_S)
    await asyncio.to_thread(scene.ends.wait_for, 1)
    if not received:
        raise ReachError("the client of 2018 got nothing although its request was repaired: try again")
    stage.say("", f"   Its request went on with a small w, and {received:,} bytes came back.")


_ACTS: tuple[tuple[str, _Act], ...] = (("", _observed), ("strict", _normalized))
"""Each with the profile that its proxy repairs by, if any."""


async def _ask_as_in_2018(port: int, patience_s: float) -> int:
    """How many bytes follow the response head, in so long; if any do, the client closes as it should."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_REQUEST_OF_2018)
        head = HeadReader(Side.SERVER)
        async with asyncio.timeout(_PATIENCE_S):
            while head.head is None:
                data = await reader.read(_READ_SIZE)
                if not data:
                    raise ReachError("the emulated box ended the connection: try again")
                head.receive_data(data)
        received = len(head.rest) or await _what_follows(reader, patience_s)
        if received:
            writer.write(build_frame(Opcode.CLOSE, _NORMAL_CLOSURE, masking_key=os.urandom(4)).serialize())
            async with asyncio.timeout(_PATIENCE_S):
                while data := await reader.read(_READ_SIZE):
                    received += len(data)
        return received
    finally:
        writer.close()


async def _what_follows(reader: asyncio.StreamReader, patience_s: float) -> int:
    """How many bytes come in so long."""
    try:
        async with asyncio.timeout(patience_s):
            data = await reader.read(_READ_SIZE)
    except TimeoutError:
        return 0
    if not data:
        raise ReachError("the emulated box ended the connection: try again")
    return len(data)


async def ask_with_websockets(url: str) -> None:
    """Get the status of the box at `url` with a client library; raises ReachError if that is not it."""
    async with asyncio.timeout(_PATIENCE_S), connect(url, proxy=None) as client:
        if await client.recv() != status_document().decode():
            raise ReachError("the client did not get the status of the emulated box: try again")
        await (await client.ping(b"there?"))


def tell_story(recording: str, observers: Sequence[Observer], stage: Stage) -> None:
    """Run device, proxies and clients to the end, recorded there and watched by `observers`.

    To be called in the main thread. Raises a WsproxyError when something does not go as it should, and
    KeyboardInterrupt at Ctrl-C.
    """
    with _device() as port:
        for profile, act in _ACTS:
            _play(act, profile, recording, observers, stage, port)


def _play(
    act: _Act, profile: str, recording: str, observers: Sequence[Observer], stage: Stage, device_port: int
) -> None:
    ends = _Ends()
    clients = _Clients(act, lambda port: _Scene(stage, ends, device_port, port))
    settings = ProxySettings(
        mode=f"reverse:http://127.0.0.1:{device_port}",
        listen_port=0,
        recording=recording,
        normalize=profile,
        observers=[*observers, ends],
        on_listening=clients.begin,
    )
    clients.proxy = Proxy(settings)
    clients.proxy.run()
    clients.proxy_ended.set()
    if not clients.over:
        raise KeyboardInterrupt
    if clients.failure is not None:
        raise clients.failure


@contextmanager
def _device() -> Iterator[int]:
    """The emulated box in a thread of its own; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="wsproxy demo device", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start_device(port=0), loop).result(_PATIENCE_S)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_S)


def keep_small(recording: Path, kept: Path) -> None:
    """Copy a finished SQLite recording to `kept`, which must not exist, in as few bytes as it takes.

    Raises OSError or sqlite3.Error where that is not possible; then there is no such file.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(recording)) as connection:
            # Large pages are for speed; what is passed around should be small.
            connection.execute(f"PRAGMA page_size = {_SMALL_PAGE}")
            connection.execute("VACUUM INTO ?", (str(kept),))
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
