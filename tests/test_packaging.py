"""What is published: the wheel, installed alone in a fresh environment, tells the story of the demo."""

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

# The environment that it makes installs all that wsproxy needs.
pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def run(command: Sequence[str | Path], **options: Any) -> str:
    """Run a command that must succeed; its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT])
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"wsproxy-{PROJECT['version']}-py3-none-any.whl"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "wsproxy").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == there
    assert "wsproxy/py.typed" in names


def test_the_wheel_says_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = HeaderParser().parsestr(archive.read(name).decode())
    needed = [Requirement(line) for line in told.get_all("Requires-Dist", [])]
    always = {r.name: r.specifier for r in needed if "extra" not in str(r.marker)}
    assert always == {(r := Requirement(line)).name: r.specifier for line in PROJECT["dependencies"]}
    assert told["Requires-Python"] == PROJECT["requires-python"]
    assert told["License-Expression"] == "MIT"
    assert str(told.get_payload()).startswith("# wsproxy")


def test_the_source_distribution_holds_the_project(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "Makefile",
        "addons",
        "docs",
        "tests",
        "tools",
    }
    assert folders <= {name.partition("/")[0] for name in names}
    assert not [name for name in names if name.startswith((".venv", "dist")) or name.endswith(".pyc")]


@pytest.mark.slow
def test_the_wheel_alone_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
    python, wsproxy = binaries / "python", binaries / "wsproxy"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    install: list[str | Path] = [*pip, "install", "--quiet", "--no-compile", "--no-deps"]
    run([*install, "--require-hashes", "-r", ROOT / "requirements" / "run.txt"])
    run([*install, "--no-index", wheel])
    run([*pip, "check"])

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "COV_", "COVERAGE"))
    }
    alone: dict[str, Any] = {"cwd": elsewhere, "env": kept | {"HOME": str(elsewhere)}}
    where = run([python, "-c", "import wsproxy; print(wsproxy.__file__)"], **alone)
    assert Path(where.strip()).is_relative_to(environment)
    assert PROJECT["version"] in run([wsproxy, "--version"], **alone)
    told = run([wsproxy, "demo"], **alone)
    assert "/as/system/status" in told
    assert "1703" in told
