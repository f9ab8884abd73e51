"""Which room may import which, and which library lives in which room (docs/architecture.md)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*(ROOT / "wsproxy").rglob("*.py"), *(ROOT / "addons").rglob("*.py")])
LINE_LIMIT = 300

WIRE = {"errors", "protocol"}
JUDGED = WIRE | {"conformance"}
KEPT = JUDGED | {"store"}
MAY_IMPORT = {
    "errors": set(),
    "protocol": {"errors"},
    "conformance": WIRE,
    "store": JUDGED,
    "mitm": KEPT,
    "replay": KEPT,
    "addons": KEPT | {"mitm"},
    "demo": KEPT | {"mitm", "replay", "cli"},
    "pytest_plugin": KEPT | {"replay", "mitm"},
    "cli": KEPT | {"mitm", "replay", "demo"},
    "__init__": set(),
    "__main__": {"cli"},
}
STARTS_WITH = "wsproxy/cli/main.py"
AT_THE_START = {"errors", "cli"}

ROOMS_OF_LIBRARY = {
    "mitmproxy": ("wsproxy/mitm/", "addons/"),
    "h11": ("wsproxy/mitm/",),
    "wsproto": ("wsproxy/mitm/",),
    "OpenSSL": ("wsproxy/mitm/",),
    "sqlalchemy": ("wsproxy/store/",),
    "regex": ("wsproxy/store/",),
    "construct": ("wsproxy/protocol/grammar.py", "wsproxy/protocol/describe.py"),
    "click": ("wsproxy/cli/",),
    "rich": ("wsproxy/cli/",),
    "uvloop": ("wsproxy/mitm/",),
    "psycopg": ("wsproxy/store/",),
    "cryptography": ("wsproxy/replay/certificate.py",),
    "websockets": ("wsproxy/protocol/masking.py", "wsproxy/demo/"),
    "pytest": ("wsproxy/pytest_plugin/",),
}
PURE_ROOMS = ("protocol", "conformance")
IMPURE = {
    *("asyncio", "concurrent", "datetime", "glob", "http", "multiprocessing", "os", "random", "sched"),
    *("secrets", "select", "selectors", "signal", "socket", "socketserver", "ssl", "subprocess", "tempfile"),
    *("threading", "time", "urllib", "uuid", "zoneinfo"),
}
PURE_AFTER_ALL = ("urllib.parse",)


@dataclass(frozen=True, slots=True)
class Import:
    """One name imported by a module: what, where, and whether it runs when the module is imported."""

    target: str
    line: int
    lazy: bool


def _package_of(path: str) -> list[str]:
    return path.removesuffix(".py").split("/")[:-1]


def _targets(node: ast.AST, path: str) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            package = _package_of(path)
            start = package[: len(package) - level + 1] if level else []
            base = ".".join([*start, *([module] if module else [])])
            return [f"{base}.{alias.name}" for alias in names]
        case ast.Call(func=ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module")):
            return [str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    return []


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(source: str, path: str) -> Iterator[Import]:
    """Every import of a module, whatever way it is written."""

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            yield from (Import(target, getattr(child, "lineno", 0), lazy) for target in _targets(child, path))
            yield from walk(child, lazy or isinstance(child, FUNCTIONS) or _is_type_checking(child))

    yield from walk(ast.parse(source), False)


def room_of(module: str) -> str | None:
    """The room of a dotted module name, or of a path; None outside this project."""
    parts = module.removesuffix(".py").replace("/", ".").split(".")
    if parts[0] == "addons":
        return "addons"
    if parts[0] != "wsproxy":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "__init__"


def faults_of(source: str, path: str) -> list[str]:
    """What the imports of one module break, one line each."""
    room = room_of(path)
    assert room is not None
    faults = []
    for found in imports_of(source, path):
        where = f"{path}:{found.line} imports {found.target}"
        library = found.target.partition(".")[0]
        target_room = room_of(found.target)
        if target_room not in (None, room, "__init__"):
            if target_room not in MAY_IMPORT[room]:
                faults.append(f"{where}: {room} may not import {target_room}")
            elif (room, target_room) == ("pytest_plugin", "mitm") and not found.lazy:
                faults.append(f"{where}: {room} may import {target_room} only inside a function")
        if library not in (*ROOMS_OF_LIBRARY, *sys.stdlib_module_names, "wsproxy", "addons"):
            faults.append(f"{where}: {library} has no room")
        if library in ROOMS_OF_LIBRARY and not path.startswith(ROOMS_OF_LIBRARY[library]):
            faults.append(f"{where}: {library} belongs to {', '.join(ROOMS_OF_LIBRARY[library])}")
        if room in PURE_ROOMS and library in IMPURE and not found.target.startswith(PURE_AFTER_ALL):
            faults.append(f"{where}: {room} has no clock, randomness, files or sockets; pass it in")
    return faults


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_imports_go_down_only(path: Path) -> None:
    assert faults_of(path.read_text("utf-8"), _relative(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_a_module_fits_in_the_head(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINE_LIMIT


def imported_at_the_start(path: str, sources: dict[str, str]) -> dict[str, str]:
    """The modules imported before any command is known, each with who imports it."""
    found, todo = {path: "the user"}, [path]
    while todo:
        importer = todo.pop()
        for target in (i.target for i in imports_of(sources[importer], importer) if not i.lazy):
            parts = target.split(".")
            for length in range(len(parts), 0, -1):
                module = "/".join(parts[:length]) + ".py"
                if module in sources and module not in found:
                    found[module] = importer
                    todo.append(module)
    return found


def start_faults(sources: dict[str, str]) -> list[str]:
    """What the command line imports at its start although only some commands need it."""
    return [
        f"{path}:{found.line} imports {found.target}, itself imported by {importer}: do one in a function"
        for path, importer in imported_at_the_start(STARTS_WITH, sources).items()
        for found in imports_of(sources[path], path)
        if not found.lazy and room_of(found.target) not in (None, "__init__", *AT_THE_START)
    ]


def test_the_command_line_imports_a_room_when_a_command_needs_it() -> None:
    files = (ROOT / "wsproxy" / "cli").glob("*.py")
    assert start_faults({_relative(path): path.read_text("utf-8") for path in files}) == []


@pytest.mark.parametrize(
    ("helper", "seen"),
    [
        ("from wsproxy.cli import show\ndef f():\n    from wsproxy.store import reader", False),
        ("from wsproxy.store import reader", True),
        ("from . import paint\n", False),
        ("try:\n    from wsproxy import mitm\nexcept ImportError: ...", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wsproxy import store", False),
        ("from wsproxy.cli.view import x", True),
    ],
)
def test_a_room_imported_at_the_start_is_seen(helper: str, seen: bool) -> None:
    sources = {
        STARTS_WITH: "from wsproxy.cli.show import show\nfrom wsproxy.errors import WsproxyError",
        "wsproxy/cli/show.py": helper,
        "wsproxy/cli/view.py": "import wsproxy.protocol.frame",
        "wsproxy/cli/paint.py": "import rich",
    }
    assert bool(start_faults(sources)) is seen


def test_every_room_is_known() -> None:
    rooms = {
        p.stem for p in (ROOT / "wsproxy").iterdir() if p.name != "__pycache__" and p.suffix in ("", ".py")
    }
    assert rooms | {"addons"} == set(MAY_IMPORT)


LARGE_ROOMS = [
    folder
    for folder in sorted((ROOT / "wsproxy").iterdir())
    if folder.is_dir() and len(list(folder.glob("*.py"))) > 10
]


@pytest.mark.parametrize("folder", LARGE_ROOMS, ids=lambda folder: folder.name)
def test_a_large_room_says_which_module_does_what(folder: Path) -> None:
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    named = re.findall(r"`(\w+\*?)`", text)
    missing = {module for module in modules if not any(fnmatch(module, name) for name in named)}
    gone = {name for name in named if not any(fnmatch(module, name) for module in modules)}
    assert not missing, f"say in {_relative(folder)}/__init__.py what they are for"
    assert not gone, f"they are named in {_relative(folder)}/__init__.py"


def test_addons_do_not_hide_the_libraries_they_need() -> None:
    assert {p.stem for p in (ROOT / "addons").glob("*.py")} & {"wsproxy", *ROOMS_OF_LIBRARY} == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("wsproxy/protocol/decoder.py", "from wsproxy.store import schema"),
        ("wsproxy/protocol/decoder.py", "from ..store import schema"),
        ("wsproxy/protocol/decoder.py", "from .. import store"),
        ("wsproxy/protocol/decoder.py", "def f():\n    import wsproxy.mitm.addon"),
        (
            "wsproxy/protocol/decoder.py",
            "from importlib import import_module\nimport_module('wsproxy.store')",
        ),
        ("wsproxy/protocol/decoder.py", "import construct"),
        ("wsproxy/protocol/session.py", "import time"),
        ("wsproxy/protocol/session.py", "from random import randbytes"),
        ("wsproxy/conformance/checker.py", "def f():\n    import asyncio"),
        ("wsproxy/store/writer.py", "from wsproxy.mitm import tap"),
        ("wsproxy/store/writer.py", "import mitmproxy.http"),
        ("wsproxy/mitm/tap.py", "from wsproxy.replay import script"),
        ("wsproxy/replay/server.py", "from wsproxy.mitm import tap"),
        ("wsproxy/replay/server.py", "__import__('mitmproxy')"),
        ("wsproxy/mitm/addon.py", "import sqlalchemy as sa"),
        ("wsproxy/mitm/addon.py", "from wsproxy.cli import main"),
        ("wsproxy/demo/device.py", "from rich import print"),
        ("wsproxy/demo/device.py", "import aiohttp"),
        ("wsproxy/pytest_plugin.py", "from wsproxy.mitm.run import run_proxy"),
        ("addons/record.py", "from wsproxy.cli import main"),
    ],
)
def test_an_arrow_that_points_up_is_seen(path: str, source: str) -> None:
    assert faults_of(source, path)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("wsproxy/cli/show.py", "from wsproxy.errors import UsageError\nimport click"),
        ("wsproxy/protocol/grammar.py", "import construct"),
        ("wsproxy/protocol/session.py", "from .decoder import FrameDecoder\nimport wsproxy"),
        ("wsproxy/store/writer.py", "import time, threading, sqlalchemy\nfrom ..protocol import session"),
        ("addons/record.py", "from mitmproxy import ctx\nfrom wsproxy.mitm.addon import Addon"),
    ],
)
def test_an_arrow_that_points_down_is_allowed(path: str, source: str) -> None:
    assert faults_of(source, path) == []


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    script = (
        "import sys\nfrom wsproxy.cli import main\nsys.argv = ['wsproxy', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'mitmproxy', 'sqlalchemy', 'construct', 'aiohttp', 'websockets'} & set(sys.modules)\n"
        "sys.exit(f'imported by --help: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "explain" in done.stdout
