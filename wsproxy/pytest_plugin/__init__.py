"""The pytest plugin: a test talks to a recorded device by the fixture `ws_replay`.

Off until a test uses the fixture; until then nothing of wsproxy but this package is imported.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wsproxy.errors import WsproxyError
from wsproxy.pytest_plugin.places import FOLDER, named_recording, own_recording
from wsproxy.pytest_plugin.settings import Mode, settings_of
from wsproxy.pytest_plugin.unused import Usage

if TYPE_CHECKING:
    from wsproxy.pytest_plugin.episode import Plan, WsReplay

_EPISODE = pytest.StashKey["WsReplay"]()
_USAGE = pytest.StashKey[Usage]()
_TOLD = "wsproxy_usage"
_MODES = [mode.value for mode in Mode]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("wsproxy", "recorded WebSocket devices")
    group.addoption(
        "--ws-record-mode",
        choices=_MODES,
        help="when WebSocket sessions are recorded (default: as --record-mode where there is one, else none)",
    )
    group.addoption(
        "--ws-unused", action="store_true", help="list the WebSocket recordings that no test has used"
    )
    parser.addini(
        "wsproxy_redact",
        "what is never recorded by tests: redaction rules, one a line (default: defaults)",
        type="linelist",
        default=["defaults"],
    )
    parser.addini(
        "wsproxy_suffix",
        "what tests record: .db or .jsonl files (default: .db)",
        default=".db",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.stash[_USAGE] = Usage()
    config.addinivalue_line(
        "markers",
        "wsproxy(recording=None, *, target=None, ...): the recording that ws_replay plays, or makes",
    )


@pytest.fixture
def ws_target() -> str | None:
    """The device to record, if the marker names none: define a fixture of this name to say it."""
    return None


@pytest.fixture
def ws_replay(request: pytest.FixtureRequest, ws_target: str | None) -> Iterator["WsReplay"]:
    """A recorded device to connect to, or, while recording, a proxy in front of the real one."""
    from wsproxy.pytest_plugin.episode import WsReplay

    try:
        plan = _plan(request, ws_target)
        episode = WsReplay(plan)
        episode.start()
    except WsproxyError as error:
        raise _failed(error) from None
    request.node.stash[_EPISODE] = episode
    try:
        yield episode
    finally:
        try:
            episode.stop()
        except WsproxyError as error:
            raise _failed(error) from None


def _failed(error: WsproxyError) -> BaseException:
    return pytest.fail.Exception(str(error), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Where another fixture fails, say what happened."""
    try:
        return (yield)
    except BaseException as error:
        _tell(item, error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """See whether a test did what is recorded; where it failed by itself, say what happened."""
    try:
        result = yield
    except BaseException as error:
        _tell(item, error)
        raise
    episode = item.stash.get(_EPISODE, None)
    if episode is not None and getattr(item, "_excinfo", None):
        # A unittest.TestCase has failed, which is told only later.
        item.add_report_section("call", "wsproxy", episode.story())
        del item.stash[_EPISODE]
    elif episode is not None and (failure := episode.failure(over=False)):
        del item.stash[_EPISODE]
        pytest.fail(failure, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """See whether clients that outlived the test, in fixtures, did what is recorded to the end."""
    try:
        result = yield
    except BaseException as error:
        _tell(item, error)
        raise
    if _EPISODE in item.stash:
        failure = item.stash[_EPISODE].failure()
        del item.stash[_EPISODE]
        if failure:
            pytest.fail(failure, pytrace=False)
    return result


def _tell(item: pytest.Item, error: BaseException) -> None:
    """Say what happened beside what failed, once."""
    if _EPISODE in item.stash:
        if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
            item.stash[_EPISODE].interrupt()
        story = item.stash[_EPISODE].story()
        del item.stash[_EPISODE]
        if story and not isinstance(error, pytest.skip.Exception):
            error.add_note(story)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker of pytest-xdist has used."""
    told = getattr(node, "workeroutput", {}).get(_TOLD)
    if told is not None:
        node.config.stash[_USAGE].merge(told)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: tell what was used."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_TOLD] = session.config.stash[_USAGE].tell()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the recordings that no test has used."""
    if not config.getoption("--ws-unused"):
        return
    terminalreporter.section("WebSocket recordings that no test has used")
    root, unused = config.rootpath, config.stash[_USAGE].unused()
    if not unused:
        terminalreporter.write_line("none")
    for path in unused:
        terminalreporter.write_line(str(path.relative_to(root) if path.is_relative_to(root) else path))


def _plan(request: pytest.FixtureRequest, target: str | None) -> "Plan":
    from wsproxy.pytest_plugin.episode import Plan

    node, config = request.node, request.config
    settings = settings_of(node.iter_markers("wsproxy"))
    test_file = Path(node.path)
    if settings.recording is None:
        owner = getattr(node, "cls", None)  # A doctest has none.
        name = node.name if owner is None else f"{owner.__qualname__}.{node.name}"
        recording = str(own_recording(test_file, name, config.getini("wsproxy_suffix")))
    else:
        recording = named_recording(settings.recording, test_file, config.rootpath)
    config.stash[_USAGE].used(recording, test_file.parent / FOLDER)
    return Plan(
        recording,
        settings.recording is None,
        _mode(config),
        settings.target or target,
        (*config.getini("wsproxy_redact"), *settings.redact),
        settings,
    )


def _mode(config: pytest.Config) -> Mode:
    asked = config.getoption("--ws-record-mode") or config.getoption("--record-mode", default=None)
    return Mode(asked or Mode.NONE)
