"""The real mitmdump with scripts of the addons folder."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.devices.endpoints import LOOPBACK, Device
from tests.scenarios.proxy import ProxyProcess, Start

ADDONS = Path(__file__).parents[2] / "addons"
MITMDUMP = Path(sysconfig.get_path("scripts")) / "mitmdump"
LISTENING = re.compile(r"listening at (?:http://)?\S*?:(\d+)")


def command(*scripts: str, options: tuple[str, ...] = (), mode: str) -> list[str]:
    """Its command line."""
    return [
        str(MITMDUMP),
        *(part for script in scripts for part in ("-s", str(ADDONS / script))),
        *("--mode", mode, "--listen-host", LOOPBACK, "--listen-port", "0"),
        *(part for option in options for part in ("--set", option)),
    ]


@contextmanager
def mitmdump(device: Device, *scripts: str, options: tuple[str, ...] = ()) -> Iterator[ProxyProcess]:
    """In front of `device`; it must end well, and without a traceback."""
    arguments = command(*scripts, options=options, mode=f"reverse:http://{LOOPBACK}:{device.port}")
    process = ProxyProcess(Start(tuple(arguments), LISTENING))
    try:
        yield process
    finally:
        code = process.stop()
    assert code == 0, process.output
    assert "Traceback" not in process.output, process.output


def failing(*scripts: str, options: tuple[str, ...]) -> str:
    """What mitmdump writes when it must not even start."""
    done = subprocess.run(
        command(*scripts, options=options, mode="regular"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout
