"""Sessions recorded with --normalize: read, when they are replayed, as they were read when recorded."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.replay.normalized import BY_NAME, Stage, stage
from tests.rescue.case import Case, Result, Verdict
from wsproxy.cli.main import main
from wsproxy.conformance.checks_foreign import rule_of_no_frames
from wsproxy.protocol.frame import Side
from wsproxy.replay.serving import serve
from wsproxy.store.reader import open_recording

STRAY = (
    "line-end-behind-the-101",
    "nul-behind-the-101",
    "101-twice",
    "page-behind-the-101",
    "greeting-before-the-101",
    "really-chunked",
    "stray-last-chunk",
    "line-ends-between-frames",
    "zeros-behind-each-frame",
    "zero-and-line-end-between-frames",
    "byte-order-mark-before-the-first-frame",
    "bare-json-in-the-stream",
    "warning-of-a-script-in-the-stream",
    "tail-of-a-message-before-each-frame",
    "http-500-in-the-stream",
    "lf-cr",
    "nul-behind-each-line",
)
"""Devices that send bytes which are no frames."""

FINDINGS_DIFFER = ("http-500-in-the-stream",)
"""The proxy ended these in the place of the device, which is found to have ended them otherwise."""

HEADS = ("200-that-is-a-101", "bare-lf", "no-response-head", "no-accept", "accept-of-no-key")
WISHES = ("host-without-port", "subprotocol-wanted", "hixie-76")
"""Devices that need another request: they get it with `sent` only."""

FRAMES = (
    "server-masks",
    "rsv1-without-extension",
    "text-that-is-not-utf-8",
    "length-little-endian-guessed",
    "header-twice",
    "close-code-1006",
)
CLIENTS = (
    "zeros-behind-each-frame-from-client",
    "line-ends-between-frames-from-client",
    "line-end-after-the-request",
    "chunked-body",
    "body-of-a-length",
    "126-in-seven-bits",
)
DEVICES = [BY_NAME[name] for name in (*STRAY, *HEADS, *FRAMES)]
OF_OLD = BY_NAME["hixie-76-client"]
WISHING = [BY_NAME[name] for name in WISHES]
WEAK_CLIENTS = [BY_NAME[name] for name in CLIENTS]


def name_of(case: Case) -> str:
    return case.name


def counted(made: Stage, name: str) -> tuple[set[str], int, int]:
    """The rules for which a device's bytes were left out, and how many frames and messages it sent."""
    with open_recording(str(made.folder / f"{name}.db")) as recording:
        session = recording.session("last")
        rules = (each.rules for each in recording.change_rules(session.id) if each.side is Side.SERVER)
        left_out = {rule for rule in map(rule_of_no_frames, rules) if rule is not None}
        return left_out, session.server.frames, session.server.messages


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage((*DEVICES, *WISHING, *WEAK_CLIENTS, OF_OLD), tmp_path_factory.mktemp("normalized")) as found:
        yield found


@pytest.mark.parametrize("case", DEVICES, ids=name_of)
def test_the_same_device_gives_the_same_answers(made: Stage, case: Case) -> None:
    for sent in (False, True):
        assert made.differences(case, sent=sent) == ([], ())
    before, live = (counted(made, name) for name in (case.name, f"{case.name}-False"))
    assert live == before
    assert bool(live[0]) == (case.name in STRAY)
    if case.name not in FINDINGS_DIFFER:
        recordings = (made.recording(case), str(made.folder / f"{case.name}-False.db"))
        found = CliRunner().invoke(main, ["diff", *recordings, "--ignore-timing"])
        assert found.exit_code == 0, found.output


@pytest.mark.parametrize("case", WISHING, ids=name_of)
def test_a_device_that_needs_another_request_gets_it_as_it_went_on(made: Stage, case: Case) -> None:
    assert made.differences(case, sent=True) == ([], ())
    _, problems = made.differences(case, sent=False)
    assert problems == ("the device did not agree to speak WebSocket: HTTP/1.1 400 Bad Request",)


@pytest.mark.parametrize("case", WEAK_CLIENTS, ids=name_of)
def test_the_same_client_is_understood(made: Stage, case: Case) -> None:
    for sent in (False, True):
        with serve(made.recording(case), speed=None, as_sent=sent) as replay:
            assert made.talk(case, replay.port) == ""
        report = replay.report()
        assert (report.mismatch_count, report.unplayed_count) == (0, 0), report.text


def test_a_client_from_before_the_rfc_gets_what_went_on(made: Stage) -> None:
    with serve(made.recording(OF_OLD), speed=None, as_sent=True) as replay:
        assert made.talk(OF_OLD, replay.port) == ""
    assert replay.report().mismatch_count == 0, replay.report().text


@pytest.mark.parametrize("case", WEAK_CLIENTS, ids=name_of)
def test_a_strict_device_gives_the_same_answers_to_what_it_was_sent(made: Stage, case: Case) -> None:
    made.visit(case)
    assert made.differences(case, sent=True) == ([], ())


@pytest.mark.parametrize("case", DEVICES, ids=name_of)
def test_a_strict_client_gets_on_with_what_went_on(made: Stage, case: Case) -> None:
    with serve(made.recording(case), speed=None, as_sent=True) as replay:
        assert made.talk(case, replay.port) == Verdict(Result.WORKS)
    assert replay.report().mismatch_count == 0, replay.report().text
