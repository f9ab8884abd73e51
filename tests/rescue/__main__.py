"""Play every case and write docs/rescue.md: `python -m tests.rescue`."""

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.rescue.case import Case
from tests.rescue.cases import CASES
from tests.rescue.matrix import Matrix, play_all
from tests.rescue.peers.with_chromium import find_chromium
from tests.rescue.report import page, progress_line, summary
from tests.rescue.rig import CLIENTS, rig
from tests.rescue.ways import Way

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "rescue.md"
_CACHE = _ROOT / ".pytest_cache" / "d" / "node"
_PATIENCE_S = 5.0


def main() -> int:
    """Play; exit code 1 where something does not work through wsproxy and nothing says why."""
    parser = argparse.ArgumentParser("python -m tests.rescue", description=__doc__)
    parser.add_argument("part", nargs="*", help="only cases with this in their name; the page is not written")
    parser.add_argument("--peer", action="append", choices=CLIENTS, help="only this strict peer")
    parser.add_argument("--way", action="append", choices=list(Way), help="only this way")
    chosen = parser.parse_args()
    # aiohttp and websockets log every request they refuse, which is what they are here for.
    logging.disable(logging.CRITICAL)
    cases = [case for case in CASES if not chosen.part or any(part in case.name for part in chosen.part)]
    peers, ways = chosen.peer or CLIENTS, [Way(way) for way in chosen.way or Way]
    whole = not (chosen.part or chosen.peer or chosen.way)
    with tempfile.TemporaryDirectory(prefix="rescue-") as folder:
        return asyncio.run(_run(cases, peers, ways, Path(folder), whole))


async def _run(
    cases: Sequence[Case], peers: Sequence[str], ways: Sequence[Way], folder: Path, whole: bool
) -> int:
    began = time.monotonic()
    _CACHE.mkdir(parents=True, exist_ok=True)
    matrix = Matrix(cases, peers, ways)
    done = iter(range(1, len(cases) + 1))

    def on_case(case: Case) -> None:
        print(progress_line(matrix, case, next(done)), file=sys.stderr, flush=True)

    async with rig(cases, peers, folder, _CACHE, _PATIENCE_S) as made:
        matrix.missing = made.missing
        await play_all(made, matrix, on_case)
    print("\n".join(summary(matrix)))
    print(f"{len(matrix.verdicts)} pairs in {time.monotonic() - began:.0f} s", file=sys.stderr)
    if whole:
        _PAGE.write_text(page(matrix, _versions(matrix), _PATIENCE_S), "utf-8")
        print(f"written: {_PAGE.relative_to(_ROOT)}", file=sys.stderr)
    return 1 if matrix.unexplained() else 0


def _versions(matrix: Matrix) -> dict[str, str]:
    names = ("websockets", "aiohttp", "wsproto", "websocket-client", "mitmproxy")
    found = {name: version(name) for name in names}
    if "ws" not in matrix.missing:
        (package,) = _CACHE.glob("ws-*/node_modules/ws/package.json")
        found["ws"] = json.loads(package.read_text("utf-8"))["version"]
    program = find_chromium()
    if program and "chromium" not in matrix.missing:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        found["Chromium"] = next((word for word in told.split() if word[:1].isdigit()), "of unknown version")
    return found


if __name__ == "__main__":
    sys.exit(main())
