"""What a test says that does something else than recorded."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pytest_plugin.conftest import Device, Project

SKYQ = Path(__file__).parents[2] / "recordings" / "skyq.db"
DIALOGUE = """
@pytest.mark.wsproxy(target={url!r}{settings})
def test_ask(ws_replay):
    with connect(ws_replay.url("/ask")) as client:
        for asked in {asked!r}:
            client.send(asked)
            client.recv(timeout=10)
"""


def record(project: Project, device: Device, asked: list[str]) -> None:
    project.write(DIALOGUE.format(url=device.url, settings="", asked=asked))
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)


def replay(project: Project, asked: list[str], settings: str = "", **outcome: int) -> pytest.RunResult:
    project.write(DIALOGUE.format(url="", settings=f", {settings}" if settings else "", asked=asked))
    result = project.run()
    result.assert_outcomes(**(outcome or {"failed": 1}))
    return result


def test_the_sky_q_box_answers_from_its_recording(project: Project) -> None:
    project.write(
        "@pytest.mark.wsproxy('recordings/skyq.db')\n"
        "def test_status(ws_replay):\n"
        "    with connect(ws_replay.url('/as/system/status')) as client:\n"
        "        assert json.loads(client.recv(timeout=10))['camessage']['state'] == 'unavailable'\n"
        "    assert ws_replay.replaying\n"
        "    assert [line.message.length for line in ws_replay.report().transcript][0] == 1703\n"
    )
    folder = project.pytester.mkdir("recordings")
    shutil.copy(SKYQ, folder)
    project.run().assert_outcomes(passed=1)


def test_a_message_that_is_not_recorded(project: Project, device: Device) -> None:
    record(project, device, ['{"ask": "weather", "id": 1}', '{"ask": "time", "id": 2}'])
    result = replay(project, ['{"ask": "weather", "id": 1}', '{"ask": "date", "id": 2}'])
    result.stdout.fnmatch_lines(
        [
            "*the client sent another message than recorded*",
            "*got*date*",
            "*expected*time*",
            '*-*"ask": "time"*',
            '*+*"ask": "date"*',
            "*record it anew: --ws-record-mode=rewrite",
            "*match=, vary=",
        ]
    )


def test_a_request_that_is_not_recorded(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.write("def test_ask(ws_replay):\n    connect(ws_replay.url('/elsewhere')).close()\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*nothing was recorded for /elsewhere; recorded: /ask*", "*--ws-record-mode=new_episodes"]
    )


def test_a_test_that_goes_on_after_a_mismatch_fails_all_the_same(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.write(
        "def test_ask(ws_replay):\n"
        "    with connect(ws_replay.url('/ask')) as client:\n"
        "        client.send('y')\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*departed from the recording once*"])


def test_messages_left_unplayed(project: Project, device: Device) -> None:
    record(project, device, ["x", "y"])
    result = replay(project, ["x"])
    result.stdout.fnmatch_lines(
        ["*2 recorded messages were left unplayed*", "*not played*", "*client text y*"]
    )
    result.stdout.fnmatch_lines(["*allow_unplayed=, or strict=False*", "FAILED *2 recorded messages were*"])
    replay(project, ["x"], "strict=False", passed=1)
    replay(project, ["x"], "allow_unplayed=['^y$', '\"to\": \"y\"']", passed=1)
    result = replay(project, ["x"], "allow_unplayed='^y$'", failed=1)
    result.stdout.fnmatch_lines(["1 recorded message was left unplayed"])


def test_a_session_that_nobody_asked_for(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.write("def test_ask(ws_replay):\n    pass\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nobody asked for session 1*", "*connect to ws_replay.url*"])


def test_sessions_that_were_added_and_are_not_asked_for(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.run("--ws-record-mode=all").assert_outcomes(passed=1)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nobody asked for session 2*", "*what to play, sessions=, or record*"])


def test_a_client_that_says_nothing(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.write(
        "@pytest.mark.wsproxy(patience=0.2)\n"
        "def test_ask(ws_replay):\n"
        "    with connect(ws_replay.url('/ask')) as client:\n"
        "        client.recv()\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*said nothing for 0.2 s although it is its turn*", "*expected*text x*"])


def test_a_test_that_fails_by_itself_tells_what_was_played(project: Project, device: Device) -> None:
    record(project, device, ["x"])
    project.write(
        "def test_ask(ws_replay):\n"
        "    with connect(ws_replay.url('/ask')) as client:\n"
        "        client.send('x')\n"
        "        assert client.recv(timeout=10) == 'something else'\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*-> text x*", "*<- text*answer*"])


def test_values_that_vary(project: Project, device: Device) -> None:
    record(project, device, ['{"id": "11111111", "ask": 1}'])
    replay(project, ['{"id": "22222222", "ask": 1}'], "match='json', vary='/id'", passed=1)
    replay(project, ['{"id": "22222222", "ask": 1}'], "match='json'", failed=1)


def test_a_damaged_recording(project: Project) -> None:
    folder = project.pytester.mkdir("recordings")
    (folder / "broken.db").write_bytes(SKYQ.read_bytes()[:5000])
    project.write("@pytest.mark.wsproxy('recordings/broken.db')\ndef test_ask(ws_replay):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*broken.db*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_none_in_a_marker_is_the_default(project: Project, device: Device) -> None:
    record(project, device, ["hello"])
    nothing = "vary=None, sessions=None, match=None, strict=None, allow_unplayed=None"
    replay(project, ["hello"], nothing, passed=1)
    replay(project, ["other"], "vary=None, match=None")


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("speeed=1", "*has no speeed; it has*"),
        ("'a.db', 'b.db'", "*takes one recording*"),
        ("speed='quick'", "*quick*"),
        ("match='roughly'", "*roughly*"),
        ("allow_unplayed='('", "*is not a regular expression*"),
        ("patience='soon'", "*patience 'soon' makes no sense*"),
        ("'a.db', recording='b.db'", "*names two recordings*"),
        ("['a.db']", "*cannot be a recording*"),
        ("'a.db' * 100", "*cannot be a recording*"),
        ("'a.db\\0'", "*cannot be a recording*"),
        ("vary={1, 2}", "*vary={1, 2} makes no sense*"),
        ("sessions=1.5", "*sessions=1.5 makes no sense*"),
        ("match=['json']", "*match=* makes no sense*"),
        ("target=8080", "*target=8080 makes no sense*"),
        ("redact=5", "*redact=5 makes no sense*"),
        ("strict='no'", "*strict='no' makes no sense; say True or False"),
    ],
)
def test_a_marker_that_makes_no_sense(project: Project, marker: str, said: str) -> None:
    folder = project.pytester.mkdir("recordings")
    shutil.copy(SKYQ, folder / "skyq.db")
    where = "" if "a.db" in marker else "'recordings/skyq.db', "
    project.write(f"@pytest.mark.wsproxy({where}{marker})\ndef test_ask(ws_replay):\n    pass\n")
    for mode in ("none", "once"):
        result = project.run("--ws-record-mode", mode)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([said])
        result.stdout.no_fnmatch_line("*Error:*")


CLIENT = """
@pytest.fixture
def client(ws_replay):
    with connect(ws_replay.url("/ask")) as client:
        {before}
        yield client
        {after}

@pytest.mark.wsproxy(target={url!r})
def test_ask(client):
    client.send("x")
    client.recv(timeout=10)
"""
BYE = "client.send('{}'); client.recv(timeout=10)"


@pytest.fixture
def with_client(project: Project, device: Device) -> Callable[[str, str], None]:
    """A project whose client is a fixture, which says hello and goodbye when it is recorded."""

    def write(before: str, after: str) -> None:
        project.write(CLIENT.format(before=before, after=after, url=device.url))

    write(BYE.format("hello"), BYE.format("bye"))
    project.run("--ws-record-mode=once").assert_outcomes(passed=1)
    return write


def test_a_fixture_may_say_what_is_recorded_after_the_test(
    project: Project, with_client: Callable[[str, str], None]
) -> None:
    project.run().assert_outcomes(passed=1)


def test_a_fixture_that_fails_tells_what_was_played(
    project: Project, with_client: Callable[[str, str], None]
) -> None:
    with_client(BYE.format("hullo"), "")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*another message than recorded*", "*got*hullo*", "*expected*hello*"])


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("pass", ["*2 recorded messages were left unplayed*", "*client text bye*"]),
        ("client.send('ciao')", ["*departed from the recording once*", "*got*ciao*", "*expected*bye*"]),
        (BYE.format("ciao"), ["*ConnectionClosed*", "*got*ciao*", "*expected*bye*"]),
        ("assert 0", ["*assert 0*", "*-> text hello*", "*-> text x*"]),
    ],
)
def test_a_fixture_that_ends_otherwise_than_recorded(
    project: Project, with_client: Callable[[str, str], None], after: str, said: list[str]
) -> None:
    with_client(BYE.format("hello"), after)
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(said)
