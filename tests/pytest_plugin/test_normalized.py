"""A device that no strict client can cope with, recorded through a profile, and replayed to that client."""

from collections.abc import Iterator

import pytest

from tests.devices.device import Device, Devices
from tests.devices.loop import LoopThread
from tests.pytest_plugin.conftest import Project
from tests.rescue.cases import DEVICE_CASES

NAME = "line-ends-between-frames"
TEST = """
@pytest.mark.wsproxy(target={url!r}, normalize="strict", recording="recordings/weak.db")
@pytest.mark.parametrize("word", {words!r})
def test_echo(ws_replay, word):
    with connect(ws_replay.url("/{name}/" + word)) as client:
        for said in (word, "again"):
            client.send(said)
            assert client.recv(timeout=10) == said
"""


@pytest.fixture
def weak_device() -> Iterator[str]:
    (kind,) = (case.weak for case in DEVICE_CASES if case.name == NAME)
    assert isinstance(kind, Device)
    loop, devices = LoopThread(), Devices({NAME: kind})
    yield f"ws://127.0.0.1:{loop.run(devices.listen())}"
    devices.stop()
    loop.close()


@pytest.mark.parametrize("mode", ["once", "new_episodes", "rewrite"])
def test_a_strict_client_gets_on_with_the_recording_as_well(
    project: Project, weak_device: str, mode: str
) -> None:
    project.write(TEST.format(url=weak_device, words=["one"], name=NAME))
    project.run(f"--ws-record-mode={mode}").assert_outcomes(passed=1)
    project.run("--ws-record-mode=none").assert_outcomes(passed=1)


def test_new_episodes_are_recorded_beside_those_that_are_replayed(project: Project, weak_device: str) -> None:
    for words in (["one"], ["one", "two"]):
        project.write(TEST.format(url=weak_device, words=words, name=NAME))
        project.run("--ws-record-mode=new_episodes").assert_outcomes(passed=len(words))
    project.run("--ws-record-mode=none").assert_outcomes(passed=2)


def test_what_the_device_sent_is_played_where_that_is_asked_for(project: Project, weak_device: str) -> None:
    source = TEST.format(url=weak_device, words=["one"], name=NAME)
    project.write(source)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    project.write(source.replace("normalize=", "as_sent=False, normalize="))
    project.run("--ws-record-mode=none").assert_outcomes(failed=1)
