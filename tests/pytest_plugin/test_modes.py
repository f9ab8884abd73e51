"""When tests record, and when they replay."""

import threading
from pathlib import Path

import pytest
from websockets.sync.server import serve

from tests.devices.certificates import device_tls
from tests.pytest_plugin.conftest import Device, Project
from wsproxy.store.reader import open_recording

TEST = """
@pytest.mark.wsproxy(target={url!r})
def test_ask(ws_replay):
    with connect(ws_replay.url("/ask")) as client:
        client.send({asked!r})
        assert json.loads(client.recv(timeout=10)) == {{"answer": 1, "to": {asked!r}}}
"""
OWN = "test_device/test_ask.db"


def write_test(project: Project, device: Device, asked: str = "weather") -> None:
    project.write(TEST.format(url=device.url, asked=asked))


def asked_in(project: Project, name: str = OWN) -> list[str]:
    with open_recording(str(project.pytester.path / "recordings" / name)) as recording:
        return [
            stored.message.payload.decode()
            for session in recording.sessions()
            for stored in recording.messages(session.id)
            if stored.side == "client" and stored.message.opcode == 1
        ]


def test_without_a_recording_a_test_fails_and_says_how_to_make_one(project: Project, device: Device) -> None:
    write_test(project, device)
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_ask.db does not exist; record it with --ws-record-mode=once*"])
    assert device.clients == 0
    assert project.recordings() == []


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_what_was_recorded_is_replayed_without_the_device(
    project: Project, device: Device, mode: str
) -> None:
    write_test(project, device)
    project.run(f"--ws-record-mode={mode}").assert_outcomes(passed=1)
    assert (device.clients, project.recordings()) == (1, [OWN])
    project.run().assert_outcomes(passed=1)
    assert device.clients == 1


def test_once_replays_what_is_there(project: Project, device: Device) -> None:
    write_test(project, device)
    for _ in range(2):
        project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    assert device.clients == 1


def test_once_records_nothing_more(project: Project, device: Device) -> None:
    write_test(project, device)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    write_test(project, device, "time")
    project.run("--ws-record-mode=once").assert_outcomes(failed=1)
    assert asked_in(project) == ["weather"]


def test_new_episodes_adds_what_is_not_there(project: Project, device: Device) -> None:
    write_test(project, device)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    two = (
        TEST.format(url=device.url, asked="weather")
        + """
    with connect(ws_replay.url("/more")) as client:
        client.send("more")
        assert json.loads(client.recv(timeout=10)) == {"answer": 1, "to": "more"}
"""
    )
    project.write(two)
    project.run().assert_outcomes(failed=1)
    project.run("--ws-record-mode=new_episodes").assert_outcomes(passed=1)
    assert (device.clients, asked_in(project)) == (2, ["weather", "more"])
    project.run().assert_outcomes(passed=1)
    assert device.clients == 2


def test_all_records_again_and_keeps_what_was_there(project: Project, device: Device) -> None:
    write_test(project, device)
    for _ in range(2):
        project.run("--ws-record-mode=all").assert_outcomes(passed=1)
    assert (device.clients, asked_in(project)) == (2, ["weather", "weather"])


def test_rewrite_begins_anew(project: Project, device: Device) -> None:
    write_test(project, device)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    write_test(project, device, "time")
    project.run("--ws-record-mode=rewrite").assert_outcomes(passed=1)
    assert (device.clients, asked_in(project)) == (2, ["time"])


def test_a_recording_is_not_lost_to_a_device_that_is_away(project: Project, device: Device) -> None:
    write_test(project, device)
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    device.url = "ws://127.0.0.1:9"
    write_test(project, device)
    result = project.run("--ws-record-mode=rewrite")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*127.0.0.1:9*"])
    assert (project.recordings(), asked_in(project)) == ([OWN], ["weather"])


def test_a_test_that_records_needs_a_device(project: Project) -> None:
    project.write("def test_ask(ws_replay):\n    pass\n")
    result = project.run("--ws-record-mode=once")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no device to record*ws_target*"])


def test_the_device_can_be_a_fixture(project: Project, device: Device) -> None:
    project.write(
        f"@pytest.fixture\ndef ws_target():\n    return {device.url!r}\n"
        "def test_ask(ws_replay):\n"
        "    with connect(ws_replay.url()) as client:\n"
        "        client.send('x')\n"
        "        client.recv(timeout=10)\n"
        "        assert (ws_replay.mode, ws_replay.replaying) == ('once', False)\n"
    )
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)


def test_the_mode_of_pytest_recording_counts_where_ours_is_not_given(
    project: Project, device: Device
) -> None:
    write_test(project, device)
    project.run("--record-mode=once").assert_outcomes(passed=1)
    assert device.clients == 1
    project.run("--record-mode=all", "--ws-record-mode=none").assert_outcomes(passed=1)
    assert device.clients == 1


def test_text_recordings_do_as_well(project: Project, device: Device) -> None:
    write_test(project, device)
    project.pytester.makeini("[pytest]\nwsproxy_suffix = .jsonl\n")
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    assert project.recordings() == ["test_device/test_ask.jsonl"]
    project.run().assert_outcomes(passed=1)
    assert (device.clients, asked_in(project, "test_device/test_ask.jsonl")) == (1, ["weather"])


def bytes_of(project: Project) -> bytes:
    folder = Path(project.pytester.path / "recordings")
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("suffix", [".db", ".jsonl"])
def test_no_secret_is_recorded(project: Project, device: Device, suffix: str) -> None:
    ini = f"[pytest]\nwsproxy_suffix = {suffix}\nwsproxy_redact =\n    defaults\n    regex:s[0-9]cret.\n"
    project.pytester.makeini(ini)
    project.write(
        f"@pytest.mark.wsproxy(target={device.url!r}, redact='header:X-Device')\n"
        "def test_ask(ws_replay):\n"
        "    fields = {'Authorization': 'Bearer s3cretA', 'Cookie': 's3cretB', 'X-Device': 's3cretC'}\n"
        "    with connect(ws_replay.url('/ask?token=s3cretD&q=1'), additional_headers=fields) as client:\n"
        "        client.send(json.dumps({'pin': 's3cretE', 'q': 1}))\n"
        "        assert json.loads(client.recv(timeout=10))['answer'] == 1\n"
    )
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    recorded = bytes_of(project)
    assert b"s3cret" not in recorded
    assert recorded.count(b"REDACTED") >= 6
    project.run().assert_outcomes(passed=1)
    assert device.clients == 1


def test_tests_of_one_name_in_different_classes_have_recordings_of_their_own(
    project: Project, device: Device
) -> None:
    test = TEST.format(url=device.url, asked="weather").replace("test_ask(", "test_ask(self, ")
    inner = "class TestInner:\n" + test.replace("\n", "\n    ").rstrip()
    both = "".join(
        f"class {name}:\n    " + inner.replace("\n", "\n    ") + "\n" for name in ("TestA", "TestB")
    )
    project.write(both)
    project.run("--ws-record-mode=new_episodes").assert_outcomes(passed=2)
    assert project.recordings() == [f"test_device/Test{each}.TestInner.test_ask.db" for each in "AB"]
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///none.db", "*none.db does not exist*--ws-record-mode=once*"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/x", "*cannot be reached: check that the server runs*"),
        ("nosuch://x", "*no database of that kind is known*"),
    ],
)
def test_a_database_that_cannot_be_replayed_says_why(project: Project, url: str, said: str) -> None:
    project.write(f"@pytest.mark.wsproxy({url!r})\ndef test_ask(ws_replay):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])


def test_a_certificate_that_is_not_trusted_has_a_remedy_in_the_marker(
    project: Project, tmp_path: Path
) -> None:
    with serve(lambda client: None, "127.0.0.1", 0, ssl=device_tls(tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"wss://127.0.0.1:{server.socket.getsockname()[1]}"
        project.write(
            f"@pytest.mark.wsproxy(target={url!r})\n"
            "def test_ask(ws_replay):\n    connect(ws_replay.url()).__enter__()\n"
        )
        result = project.run("--ws-record-mode=once")
        server.shutdown()
        thread.join()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*to connect all the same, say insecure=True in the marker*"])
