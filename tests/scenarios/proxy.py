"""A real proxy process: started, waited for until it listens, watched, stopped or killed."""

import re
import signal
import subprocess
import sysconfig
import threading
from dataclasses import dataclass
from pathlib import Path

START_PATIENCE_S = 30.0
STOP_PATIENCE_S = 20.0

_SCRIPTS = Path(sysconfig.get_path("scripts"))
_RECORD_ADDON = Path(__file__).parents[2] / "addons" / "record.py"
_LISTENING = re.compile(r"listening at (?:http://)?\S*?:(\d+)")
_CLIENT_URL = re.compile(r"wss?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Start:
    """A command line, and the pattern whose first group is the port once it listens."""

    arguments: tuple[str, ...]
    ready: re.Pattern[str]


def mitmdump(
    mode: str, recording: Path, confdir: Path, *options: str, scripts: tuple[Path, ...] = ()
) -> Start:
    """`mitmdump -s addons/record.py` in this mode, each option as NAME=VALUE, with more scripts."""
    settings = (
        f"wsproxy_recording={recording}",
        f"confdir={confdir}",
        "ssl_insecure=true",
        "flow_detail=0",
        *options,
    )
    return Start(
        (
            str(_SCRIPTS / "mitmdump"),
            *(part for script in (_RECORD_ADDON, *scripts) for part in ("-s", str(script))),
            *("--mode", f"{mode}@127.0.0.1:0"),
            *(part for setting in settings for part in ("--set", setting)),
        ),
        _LISTENING,
    )


def wsproxy_record(target: str, recording: Path, confdir: Path, *arguments: str) -> Start:
    """`wsproxy record` on a free port."""
    return Start(
        (
            *(str(_SCRIPTS / "wsproxy"), "record", target),
            *("-p", "0", "-o", str(recording), "--set", f"confdir={confdir}"),
            *arguments,
        ),
        _CLIENT_URL,
    )


class ProxyProcess:
    """The process, its port, and everything it wrote."""

    def __init__(self, start: Start) -> None:
        self._process = subprocess.Popen(
            start.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            bufsize=1,
        )
        self._lines: list[str] = []
        self._ready = threading.Event()
        self._pattern = start.ready
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(START_PATIENCE_S) or not self.port:
            self.kill()
            raise RuntimeError(f"{' '.join(start.arguments)} does not listen:\n{self.output}")

    @property
    def output(self) -> str:
        """What it wrote so far, both streams."""
        return "".join(self._lines)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def rss_kib(self) -> int:
        """Resident memory now, in KiB (Linux)."""
        return self._status("VmRSS")

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C does (or with another signal); its exit code."""
        if self.running:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._reader.join(STOP_PATIENCE_S)
        return self._process.returncode

    def kill(self) -> None:
        """End it without a chance to tidy up (kill -9)."""
        self._process.kill()
        self._process.wait(STOP_PATIENCE_S)
        self._reader.join(STOP_PATIENCE_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            found = None if self.port else self._pattern.search(line)
            if found:
                self.port = int(found.group(1))
                self._ready.set()
        self._ready.set()

    def _status(self, field: str) -> int:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise ValueError(field)
