"""Running the installed `wsproxy` as a user does."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wsproxy.cli import main

WSPROXY = str(Path(sysconfig.get_path("scripts")) / "wsproxy")
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def wsproxy(*arguments: str, stdin: bytes | None = None, **environment: str) -> Done:
    """Run `wsproxy` with these arguments to its end."""
    done = subprocess.run(
        [WSPROXY, *arguments],
        input=stdin if stdin is not None else b"",
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, **environment},
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def wsproxy_here(*arguments: str, stdin: bytes = b"") -> Done:
    """The same within this process, which is quicker."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = sys.argv, sys.stdin
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.argv, sys.stdin = ["wsproxy", *arguments], io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    finally:
        sys.argv, sys.stdin = before
        for number, handler in handlers.items():
            signal.signal(number, handler)
    written = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Done(int(ended.value.code or 0), *written)


def check_error(done: Done, code: int, *words: str) -> None:
    """It ended with this exit code, and wrote one line on standard error and nothing else."""
    assert done.code == code, done
    assert done.out == ""
    assert len(done.err.splitlines()) == 1, done.err
    assert done.err.startswith("wsproxy: ")
    for word in words:
        assert word in done.err
