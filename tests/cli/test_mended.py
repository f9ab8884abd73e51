"""What was repaired is shown with its reason: in a recording, while recording, and by lint."""

import json
from dataclasses import replace

import pytest

from tests.cli.run import wsproxy_here
from tests.cli.test_live import END, PATIENCE_S, Display, StoppedTerminal
from tests.store.recording import AT, REQUEST, START, recording_to
from tests.wire.build import TEXT, client_frame, frame
from wsproxy.cli.ration import LiveLimits
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.store.model import ChangeKind
from wsproxy.store.session_recorder import Changed, Found

MASKED, RIGHT = client_frame(TEXT, b"hello"), frame(TEXT, b"hello")
RULE = "frame.masked-by-server"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A session with a request and a frame that were mended, and a frame that was not."""
    place = tmp_path_factory.mktemp("mended") / "recording.db"
    odd = REQUEST.replace(b"Upgrade: websocket", b"upgrade: websocket").replace(b"Host: device:9006\r\n", b"")
    start = replace(START, request_head=odd, request_head_sent=REQUEST, mode="normalize")
    with recording_to(place) as recorder:
        session = recorder.open_session(
            start, [Finding("handshake.request.host", "there is none", Side.CLIENT, None)]
        )
        session.change(Changed(ChangeKind.REPLACED, Side.SERVER, 0, len(MASKED), RIGHT, (RULE,)), AT)
        session.receive_data(Side.SERVER, MASKED + MASKED, AT)
        session.end(AT)
    return str(place)


def test_show_tells_both_and_why(recording: str) -> None:
    shown = wsproxy_here("show", recording).out
    assert "request, as sent on" in shown
    (line,) = (line for line in shown.splitlines() if "handshake.request.host" in line)
    assert line.startswith("  + client: ")
    assert line.endswith("  repaired")
    (reason,) = (line for line in shown.splitlines() if "because" in line)
    assert RULE in reason
    assert "RFC 6455 5.1" in reason
    assert "sent on  text" in shown


def test_show_tells_machines_as_well(recording: str) -> None:
    objects = wsproxy_here("show", recording, "--json").objects
    (host,) = (o for o in objects if o["type"] == "finding" and o["rule"] == "handshake.request.host")
    assert (host["repaired"], host["side"], host["offset"]) == (True, "client", None)
    (change,) = (o for o in objects if o["type"] == "change")
    assert change["sent"] == RIGHT.hex()
    assert [reason["rule"] for reason in change["reasons"]] == [RULE]
    assert all(reason["sentence"] and reason["section"] for reason in change["reasons"])


def test_lint_tells_what_was_repaired(recording: str) -> None:
    found = [json.loads(line) for line in wsproxy_here("lint", recording, "--json").out.splitlines()]
    assert [f["repaired"] for f in found if f["rule"] == RULE] == [True, False]
    text = wsproxy_here("lint", recording).out.splitlines()
    assert [line.endswith("  repaired") for line in text if RULE in line] == [True, False]


def test_the_live_display_tells_it_in_short() -> None:
    display = Display()
    display.display.session_started(1, START)
    display.display.findings_made(
        1, [Found("handshake.request.host", "there is none", Side.CLIENT, None, True)]
    )
    display.send(build_frame(TEXT, b"hello", masking_key=b"\0\0\0\1"))
    change = Changed(ChangeKind.REPLACED, Side.SERVER, 0, len(MASKED), RIGHT, (RULE,))
    display.display.changes_made(1, [change, change])
    display.display.findings_made(1, [Found(RULE, "seen with its frame", Side.SERVER, 0, True)])
    display.display.session_ended(1, END)
    lines = display.close()
    assert lines[1].startswith("  + client: there is none")
    assert f"  + server: repaired  {RULE} (2 times)" in lines
    assert not any("seen with its frame" in line for line in lines)


def test_a_stopped_terminal_keeps_few_repairs_in_memory() -> None:
    terminal = StoppedTerminal()
    display = Display(LiveLimits(frames_per_second=0, waiting_bytes=100_000), terminal)
    display.display.session_started(1, START)
    assert terminal.reached.wait(PATIENCE_S)
    change = Changed(ChangeKind.REPLACED, Side.SERVER, 0, 7, bytes(60_000), (RULE,))
    for _ in range(20):
        display.display.changes_made(1, [change])
    terminal.resumed.set()
    assert sum("repaired" in line for line in display.close()) == 2


def test_changes_of_addons_are_no_repairs() -> None:
    display = Display()
    display.display.session_started(1, START)
    display.display.changes_made(1, [Changed(ChangeKind.REPLACED, Side.SERVER, 0, 7, RIGHT, ())])
    assert len(display.close()) == 1
