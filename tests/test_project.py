"""The files around the code: locks in step with pyproject.toml, nothing of one machine, one-command setup."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
GROUPS = PYPROJECT["dependency-groups"]
LOCKS = ["run", *GROUPS]


def wanted_by(group: str) -> list[Requirement]:
    """What pyproject.toml asks for in a group; `run` is the project itself with all its extras."""
    extras = [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    return [
        Requirement(line) for line in (GROUPS[group] if group in GROUPS else PROJECT["dependencies"] + extras)
    ]


def pins_of(lock: str) -> Iterator[tuple[Requirement, str]]:
    """The pinned requirements of a lock file, each with the lines under it (hashes and who asked for it)."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    for block in re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"\A(#.*\n)+", "", text)):
        first, _, rest = block.partition("\n")
        yield Requirement(first.removesuffix("\\").strip()), rest


@pytest.mark.parametrize("group", LOCKS)
def test_a_lock_pins_what_its_group_asks_for(group: str) -> None:
    pins = {canonicalize_name(pin.name): pin for pin, _ in pins_of(group)}
    for requirement in wanted_by(group):
        pin = pins[canonicalize_name(requirement.name)]
        version = re.fullmatch(r"==([^,*]+)", str(pin.specifier))
        assert version, f"{pin} is not pinned; run `make lock`"
        assert requirement.specifier.contains(version[1]), (
            f"{pin} does not fit {requirement}; run `make lock`"
        )


@pytest.mark.parametrize("group", LOCKS)
def test_a_lock_holds_nothing_that_nobody_asks_for(group: str) -> None:
    asker = "wsproxy (pyproject.toml)" if group == "run" else f"wsproxy (pyproject.toml:{group})"
    asked = {canonicalize_name(pin.name) for pin, below in pins_of(group) if asker in below}
    assert asked == {canonicalize_name(r.name) for r in wanted_by(group)}, "run `make lock`"
    names = {canonicalize_name(pin.name) for pin, _ in pins_of(group)}
    for pin, below in pins_of(group):
        askers = re.findall(r"#(?: via)? +([a-z0-9][\w.-]*)", below.replace("# via\n", ""))
        assert {canonicalize_name(name) for name in askers} & (names | {"wsproxy"}), (
            f"{pin}: nobody asks for it"
        )


@pytest.mark.parametrize("group", LOCKS)
def test_every_pin_has_hashes(group: str) -> None:
    for pin, below in pins_of(group):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", below), f"{pin} has no hash"


def test_one_version_of_a_library_in_all_locks() -> None:
    versions: dict[str, set[str]] = {}
    for group in LOCKS:
        for pin, _ in pins_of(group):
            versions.setdefault(canonicalize_name(pin.name), set()).add(str(pin.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_tests_run_with_what_is_locked() -> None:
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("not the environment that `make setup` made")
    locked = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for group in LOCKS
        for pin, _ in pins_of(group)
        if pin.marker is None or pin.marker.evaluate()
    }
    installed = {canonicalize_name(dist.name): dist.version for dist in metadata.distributions()}
    assert {name: installed.get(name) for name in locked} == locked
    assert set(installed) - set(locked) <= {"pip", "setuptools", "wsproxy"}


def test_the_version_is_told_the_same_everywhere() -> None:
    assert metadata.version("wsproxy") == PROJECT["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        rf"^## \[{re.escape(PROJECT['version'])}\] - (Unreleased|\d{{4}}-\d\d-\d\d)$", changelog, re.M
    )
    assert re.match(r"# Changelog\n", changelog)


def test_the_licence_is_there() -> None:
    assert PROJECT["license"] == "MIT"
    for name in PROJECT["license-files"]:
        assert (ROOT / name).read_text("utf-8").startswith("MIT License")


def test_the_python_that_is_pinned_is_one_that_is_supported() -> None:
    pinned = (ROOT / ".python-version").read_text("utf-8").strip()
    assert pinned == PROJECT["requires-python"].removeprefix(">=")


def tracked_files() -> list[Path]:
    """What is, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


INDEX_OPTIONS = [f"--{name}" for name in ("index-url", "extra-index-url", "find-links", "trusted-host")]
INDEX_ADDRESSES = [rf"https?://[^\s\"']*/{end}\b" for end in ("simple", r"-/[\w.@-]+\.tgz")]
MACHINE_PATHS = [
    rf"(?<![\w.~-]){re.escape(path)}" for path in ("/work" + "/", "/root" + "/", "/tmp" + "/dev/")
]


def test_nothing_of_one_machine_is_committed() -> None:
    here = [re.escape(str(ROOT) + "/"), re.escape(str(Path.home()) + "/"), re.escape(sys.prefix + "/")]
    wrong = re.compile("|".join([*INDEX_OPTIONS, *INDEX_ADDRESSES, *MACHINE_PATHS, *here]).encode())
    own = {Path(__file__).resolve(), ROOT / "tools" / "lock"}
    found = {
        f"{path.relative_to(ROOT)}: {match[0].decode(errors='replace')}"
        for path in tracked_files()
        if path.resolve() not in own
        for match in wrong.finditer(path.read_bytes())
    }
    assert found == set()


def test_no_big_file_is_committed() -> None:
    big = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in big.items() if size > 512 * 1024} == {}


def bare_project(folder: Path, pythons: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """A checkout with nothing made yet, and an environment whose PATH holds only these pythons."""
    project, programs = folder / "project", folder / "bin"
    programs.mkdir()
    (project / "tools").mkdir(parents=True)
    shutil.copytree(ROOT / "requirements", project / "requirements")
    for name in ("pyproject.toml", "tools/setup"):
        shutil.copy(ROOT / name, project / name)
    for name in ("sh", "cat", "cksum", "dirname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, script in pythons.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return project, {"PATH": str(programs), "HOME": str(folder)}


def run_setup(project: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [project / "tools" / "setup"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


SHIM = 'echo "pyenv: command not found" >&2; exit 127'
OLD = 'case "$2" in *version_info*) exit 1;; esac'
WITHOUT_VENV = f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
NEW = f'case "$*" in "-m venv"*) echo making; exit 9;; esac; exec "{sys.executable}" "$@"'


@pytest.mark.parametrize(
    "pythons",
    [{}, {"python3": SHIM, "python3.12": SHIM}, {"python3": OLD, "python": OLD}],
    ids=["none", "shims that fail", "too old"],
)
def test_setup_says_what_is_missing(tmp_path: Path, pythons: dict[str, str]) -> None:
    project, environment = bare_project(tmp_path, pythons)
    done = run_setup(project, environment)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: no Python >= 3.12 found")
    assert not (project / ".venv").exists()


def test_setup_says_that_venv_is_missing(tmp_path: Path) -> None:
    project, environment = bare_project(tmp_path, {"python3": OLD, "python3.13": WITHOUT_VENV})
    done = run_setup(project, environment)
    assert done.returncode == 1
    assert "python3.13 is new enough but has no venv" in done.stderr
    assert "-venv" in done.stderr


@pytest.mark.parametrize("name", ["python3", "python3.12", "python3.13", "python3.14", "python"])
def test_setup_takes_the_first_python_that_runs(tmp_path: Path, name: str) -> None:
    project, environment = bare_project(tmp_path, {"python3": OLD, "python3.12": SHIM} | {name: NEW})
    done = run_setup(project, environment)
    assert done.returncode == 9
    assert f"making .venv with {name} (Python 3." in done.stderr


def test_setup_asks_uv_last(tmp_path: Path) -> None:
    uv = f'case "$*" in "python find"*) echo "{tmp_path}/bin/uvs";; *) exit 1;; esac'
    project, environment = bare_project(tmp_path, {"python3": OLD, "uv": uv, "uvs": NEW})
    done = run_setup(project, environment)
    assert done.returncode == 9
    assert "bin/uvs (Python 3." in done.stderr


def test_setup_refuses_a_python_that_does_not_do(tmp_path: Path) -> None:
    project, environment = bare_project(tmp_path, {"python3": NEW, "old": OLD})
    done = run_setup(project, environment | {"PYTHON": "old"})
    assert done.returncode == 1
    assert "PYTHON=old does not run" in done.stderr


def test_setup_is_not_done_twice(tmp_path: Path) -> None:
    fake = f'[ "$1 $2" = "-m pip" ] || exec "{sys.executable}" "$@"'
    make = f'while [ $# -gt 1 ]; do shift; done; mkdir -p "$1/bin"; cp "{tmp_path}/fake" "$1/bin/python"'
    python = f'[ "$1 $2" = "-m venv" ] || exec "{sys.executable}" "$@"; {make}'
    (tmp_path / "fake").write_text(f"#!/bin/sh\n{fake}\n")
    (tmp_path / "fake").chmod(0o755)
    project, environment = bare_project(tmp_path, {"python3": python})
    environment["PATH"] += os.pathsep + os.defpath
    assert "making .venv" in run_setup(project, environment).stderr
    assert run_setup(project, environment).stderr == ""
    with (project / "requirements" / "test.txt").open("a") as lock:
        lock.write("# changed\n")
    assert "making .venv" in run_setup(project, environment).stderr
