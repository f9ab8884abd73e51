"""What tests record when they are killed, or when there is no place for it."""

import signal

import pytest

from tests.pytest_plugin.conftest import Device, Project

TEST = """
@pytest.mark.wsproxy(target={url!r})
def test_ask(ws_replay):
    with connect(ws_replay.url("/ask")) as client:
        client.send("weather")
        client.recv(timeout=10)
        {last}
"""
KILL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
KILL_ONCE_STORED = (
    """
        import time
        from wsproxy.store.reader import open_recording
        for _ in range(400):
            with open_recording(ws_replay.recording) as opened:
                if len(list(opened.sessions())) == 2:
                    break
            time.sleep(0.05)
        """
    + KILL
)


def write_test(project: Project, device: Device, last: str = "") -> None:
    project.write(TEST.format(url=device.url, last=last))


@pytest.mark.parametrize("suffix", [".db", ".jsonl"])
def test_nothing_that_a_killed_run_left_counts(project: Project, device: Device, suffix: str) -> None:
    write_test(project, device, KILL)
    ini = f"wsproxy_suffix={suffix}"
    killed = project.pytester.runpytest_subprocess("--ws-record-mode=once", "-o", ini)
    assert killed.ret == -signal.SIGKILL
    assert project.recordings()
    assert not any("/test_ask" in each for each in project.recordings())
    write_test(project, device)
    project.run("-o", ini).assert_outcomes(errors=1)
    project.run("--ws-record-mode=once", "-o", ini).assert_outcomes(passed=1)
    assert project.recordings() == [f"test_device/test_ask{suffix}"]
    project.run("-o", ini).assert_outcomes(passed=1)


@pytest.mark.parametrize("last", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_an_interrupted_test_leaves_the_recording_as_it_was(
    project: Project, device: Device, last: str
) -> None:
    write_test(project, device, last)
    project.pytester.runpytest_subprocess("--ws-record-mode=once")
    assert project.recordings() == []
    write_test(project, device)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    write_test(project, device, last)
    project.pytester.runpytest_subprocess("--ws-record-mode=rewrite")
    assert device.clients == 3
    assert project.recordings() == ["test_device/test_ask.db"]
    write_test(project, device)
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("suffix", [".db", ".jsonl"])
def test_a_session_that_was_cut_short_is_named_and_rewritten(
    project: Project, device: Device, suffix: str
) -> None:
    ini = ("-o", f"wsproxy_suffix={suffix}")
    write_test(project, device)
    project.run("--ws-record-mode=once", *ini).assert_outcomes(passed=1)
    write_test(project, device, KILL_ONCE_STORED)
    assert project.pytester.runpytest_subprocess("--ws-record-mode=all", *ini).ret == -signal.SIGKILL
    write_test(project, device)
    result = project.run(*ini)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nobody asked for session 2*2 was cut short*--ws-record-mode=rewrite*"])
    project.run("--ws-record-mode=rewrite", *ini).assert_outcomes(passed=1)
    project.run(*ini).assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["once", "rewrite", "all", "new_episodes"])
@pytest.mark.parametrize("odd", ["recordings", "recordings/test_device/test_ask.db"])
def test_a_place_that_cannot_be_written_is_a_line(
    project: Project, device: Device, mode: str, odd: str
) -> None:
    write_test(project, device)
    place = project.pytester.path / odd
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix:
        place.mkdir()
    else:
        place.touch()
    result = project.run(f"--ws-record-mode={mode}")
    assert result.parseoutcomes()["errors"] == 1
    (line,) = [each for each in result.outlines if each.startswith(("cannot", str(place)))]
    assert "test_ask.db" in line
    assert not any("exception" in each or each.startswith("E  ") for each in result.outlines)
    assert project.recordings() == []
