"""The image and the compose file: they parse, and their commands work. No container engine is needed."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from websockets.sync.client import connect

from tests.command_lines import check_arguments

ROOT = Path(__file__).resolve().parent.parent
WSPROXY = str(Path(sys.executable).with_name("wsproxy"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ARGUMENTS = {
    "FROM": r"\S+( AS \w+)?",
    "WORKDIR": r"/\S*",
    "COPY": r"(--from=\w+ )?\S+( \S+)+",
    "RUN": r"(?s).+",
    "ENV": r"\w+=\S+( \w+=\S+)*",
    "USER": r"\w+",
    "VOLUME": r"\[.+\]",
    "EXPOSE": r"\d+",
    "HEALTHCHECK": r"(--[\w-]+=\w+ )+CMD \[.+\]",
    "ENTRYPOINT": r"\[.+\]",
    "CMD": r"\[.+\]",
}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.M)
    joined = re.sub(r"\\\n\s*", "", text)
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage() -> dict[str, str]:
    """The last of each instruction in the stage that becomes the image."""
    found = instructions()
    start = max(i for i, (name, _) in enumerate(found) if name == "FROM")
    return dict(found[start:])


def check_command(words: list[str]) -> None:
    """Fail unless this command line is one that the image can run."""
    match words:
        case ["wsproxy", *arguments]:
            check_arguments(arguments)
        case ["python", "-m", module, *arguments]:
            done = subprocess.run(
                [sys.executable, "-m", module, "--help"],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            for option in (word.partition("=")[0] for word in arguments if word.startswith("-")):
                assert re.search(rf"{re.escape(option)}\b", done.stdout), f"{module} has no {option}"
        case ["python", "-c", script]:
            compile(script, "<healthcheck>", "exec")
        case _:
            pytest.fail(f"nothing in the image is called like this: {words}")


def test_the_dockerfile_parses() -> None:
    for name, rest in instructions():
        assert re.fullmatch(ARGUMENTS[name], rest), f"{name} {rest}"
        for exec_form in (
            re.findall(r"\[.+\]", rest) if name in ("VOLUME", "ENTRYPOINT", "CMD", "HEALTHCHECK") else []
        ):
            assert all(isinstance(word, str) for word in json.loads(exec_form))
        if name == "RUN":
            assert subprocess.run(["sh", "-n", "-c", rest], check=False).returncode == 0


def test_what_is_copied_into_the_image_is_there() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*"
    wanted = [line[1:] for line in ignored if line.startswith("!")]
    for name, rest in instructions():
        if name != "COPY" or rest.startswith("--from="):
            continue
        for source in shlex.split(rest)[:-1]:
            path = ROOT / source
            files = (
                [path] if path.is_file() else [p for p in path.rglob("*.py") if "__pycache__" not in p.parts]
            )
            assert files, f"{source} is not in the project"
            for file in files:
                relative = file.relative_to(ROOT).as_posix()
                assert any(fnmatch(relative, pattern) for pattern in wanted), (
                    f".dockerignore leaves out {relative}"
                )


def test_the_image_installs_only_what_is_locked() -> None:
    runs = [rest for name, rest in instructions() if name == "RUN"]
    installs = [part for run in runs for part in run.split("&&") if "pip install" in part]
    assert len(installs) == 3
    for install in installs:
        assert "--no-deps" in install
        locked = "--require-hashes" in install
        assert locked or ("--no-index" in install and install.strip().endswith(".whl"))
        for lock in re.findall(r"-r (\S+)", install):
            assert (ROOT / lock).is_file()


def test_the_image_does_not_run_as_root() -> None:
    user = last_stage()["USER"]
    assert re.search(rf"useradd .*\b{user}\b", last_stage()["RUN"])
    for service in SERVICES.values():
        assert service.get("user", user) == user
        assert not service.get("privileged")
        assert service["cap_drop"] == ["ALL"]


def test_every_command_of_the_image_exists() -> None:
    stage = last_stage()
    check_command(json.loads(stage["ENTRYPOINT"]) + json.loads(stage["CMD"]))
    check_command(json.loads(stage["HEALTHCHECK"].partition("CMD ")[2]))


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_of_a_service_exists(name: str) -> None:
    check_command(service_command(name))
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    check_command(SERVICES[name]["healthcheck"]["test"][1:])


@pytest.mark.parametrize(
    "words",
    [
        ["wsproxy", "no-such-command"],
        ["wsproxy", "record", "ws://device", "--no-such-option"],
        ["wsproxy", "record", "--listen-port=http", "ws://device"],
        ["python", "-m", "wsproxy.demo.device", "--no-such-option"],
        ["python", "-c", "import"],
        ["bash"],
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_exist_is_seen(words: list[str]) -> None:
    with pytest.raises((AssertionError, click.ClickException, SyntaxError, pytest.fail.Exception)):
        check_command(words)


def test_ports_are_published_on_this_machine_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_recordings_are_kept_in_a_volume() -> None:
    volumes = json.loads(last_stage()["VOLUME"])
    mounted = dict(volume.split(":") for volume in SERVICES["proxy"]["volumes"])
    assert set(mounted) == set(COMPOSE["volumes"])
    assert set(mounted.values()) == set(volumes)
    recording = next(word for word in SERVICES["proxy"]["command"] if word.startswith("--recording="))
    assert recording.partition("=")[2].startswith(mounted["recordings"] + "/")


def test_the_proxy_waits_for_the_device() -> None:
    waits = SERVICES["proxy"]["depends_on"]
    assert waits == {"device": {"condition": "service_healthy"}}


def service_command(name: str) -> list[str]:
    """What a service runs, entry point and all."""
    service = SERVICES[name]
    entry = service.get("entrypoint", json.loads(last_stage()["ENTRYPOINT"]))
    return [*entry, *service["command"]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Here:
    """The two services as they run on this machine: loopback, free ports, a folder for the volume."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proxy_port, self.device_port = free_port(), free_port()

    def command(self, words: list[str]) -> list[str]:
        programs = {"python": [sys.executable], "wsproxy": [WSPROXY]}
        changes = [
            (r"\b0\.0\.0\.0\b", "127.0.0.1"),
            (r"\bdevice:", "127.0.0.1:"),
            (r"\b9006\b", str(self.device_port)),
            (r"\b8080\b", str(self.proxy_port)),
            (r"(?<==)/recordings\b", str(self.folder)),
        ]
        arguments = words[1:]
        for pattern, new in changes:
            arguments = [re.sub(pattern, new, word) for word in arguments]
        return [*programs[words[0]], *arguments]

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(self.command(service_command(name)), cwd=self.folder)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)

    def healthy(self, name: str) -> bool:
        check = self.command(SERVICES[name]["healthcheck"]["test"][1:])
        return subprocess.run(check, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0

    def wait_until_healthy(self, name: str) -> None:
        deadline = time.monotonic() + 30
        while not self.healthy(name):
            assert time.monotonic() < deadline, f"{name} does not become healthy"


def test_the_services_work_together(tmp_path: Path) -> None:
    here = Here(tmp_path)
    assert not here.healthy("device")
    with here.running("device"):
        here.wait_until_healthy("device")
        with here.running("proxy") as proxy:
            here.wait_until_healthy("proxy")
            with connect(f"ws://127.0.0.1:{here.proxy_port}/as/system/status", compression=None) as client:
                status = json.loads(client.recv(timeout=20))
            proxy.send_signal(getattr(signal, SERVICES["proxy"]["stop_signal"]))
            assert proxy.wait(20) in (0, 130)
        assert not here.healthy("proxy")
    assert "camessage" in status
    listed = subprocess.run(
        [WSPROXY, "ls", tmp_path / "wsproxy.db"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "/as/system/status" in listed.stdout
