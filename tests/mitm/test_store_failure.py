"""When recording fails under way: nothing passes unrecorded, or everything goes on, as asked."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.devices.endpoints import LOOPBACK, Device
from tests.devices.loop import LoopThread
from tests.devices.peer import Peer
from tests.mitm.peers import hang_up, opened
from tests.wire.build import TEXT, frame, noise
from wsproxy.store.reader import open_recording

PROGRAM = """
import sys
from wsproxy.errors import WsproxyError
from wsproxy.mitm.run import ProxySettings, run_proxy
try:
    run_proxy(ProxySettings(
        mode=sys.argv[1], listen_port=0, recording=sys.argv[2], on_store_error=sys.argv[3],
        on_listening=lambda urls: print(*urls, flush=True),
        on_notice=lambda line: print("notice:", line, flush=True),
    ))
except WsproxyError as error:
    print(type(error).__name__, error)
    sys.exit(error.exit_code)
"""

LARGEST_FILE = 4 << 20
MESSAGE = frame(TEXT, noise(60_000))


def on_a_small_disk() -> None:
    """No file may grow beyond this: writing fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


def started(device: Device, recording: Path, policy: str) -> tuple[subprocess.Popen[str], int]:
    """A proxy that cannot record much, and its port."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM),
            *(f"reverse:http://{LOOPBACK}:{device.port}", str(recording), policy),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=on_a_small_disk,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline().rpartition(":")[2])


async def pour_until(served: Peer, done: Callable[[], bool]) -> None:
    while not done():
        await served.send(MESSAGE)
        await served.delivered()


def test_it_stops(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    recording = tmp_path / "r.db"
    process, port = started(device, recording, "stop")
    with process:
        client, served = loop.run(opened(device, port))

        async def until_cut_off() -> None:
            while client.end is None and not served.lost:
                await served.send(MESSAGE)
                await asyncio.sleep(0)
            await client.expect_end()

        loop.run(until_cut_off())
        output, _ = process.communicate(timeout=30)
        loop.run(hang_up(client, served))
    assert process.returncode == 2
    assert "stopping, so that nothing passes unrecorded" in output
    assert output.splitlines()[-1].startswith(f"RecordingError {recording} ")
    assert "Traceback" not in output
    with open_recording(str(recording)) as stored:
        [session] = stored.sessions()
        assert session.server.frames > 0


def test_it_goes_on(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    process, port = started(device, tmp_path / "r.db", "relay")
    with process:
        client, served = loop.run(opened(device, port))
        loop.run(pour_until(served, lambda: served.sent.count > 4 * LARGEST_FILE))
        assert client.received.sha256 == served.sent.sha256

        async def another() -> None:
            second, served_too = await opened(device, port)
            await served_too.send(frame(TEXT, b"still relayed"))
            await second.expect(frame(TEXT, b"still relayed"))
            await hang_up(second, served_too)

        loop.run(another())
        process.terminate()
        output, _ = process.communicate(timeout=30)
        loop.run(hang_up(client, served))
    assert process.returncode == 0, output
    assert output.count("sessions go on unrecorded") == 1
    assert "Traceback" not in output
