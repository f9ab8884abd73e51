"""`wsproxy lint` through the installed entry point."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import BEGAN_NS, KEY, recorder, send, start
from tests.cli.run import Done, check_error, wsproxy, wsproxy_here
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.conformance.checker import MOST_LISTED
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.store.model import ChangeKind, SessionStart, TcpEnd
from wsproxy.store.session_recorder import Changed
from wsproxy.store.writer import Recorder, SessionRecorder

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND_MS = 1000

pytestmark = pytest.mark.usefixtures("utc")


def proper(**changed: object) -> SessionStart:
    """A session whose opening handshake is right."""
    return start(**({"request_head": REQUEST, "response_head": RESPONSE} | changed))


def end(session: SessionRecorder, after_ms: int = 0) -> None:
    for side in (SERVER, CLIENT):
        session.receive_eof(side, TcpEnd.FIN, BEGAN_NS + after_ms * 1_000_000)
    session.end(BEGAN_NS + after_ms * 1_000_000)


def close(session: SessionRecorder, after_ms: int = 0) -> None:
    send(session, CLIENT, 0x8, b"\x03\xe8", after_ms=after_ms)
    send(session, SERVER, 0x8, b"\x03\xe8", after_ms=after_ms)
    end(session, after_ms)


def talk(found: Recorder, **changed: object) -> None:
    """A session that keeps to the RFCs."""
    session = found.open_session(proper(**changed))
    send(session, SERVER, 0x1, b'{"state": "on"}')
    send(session, CLIENT, 0x9, b"\xde\xad", after_ms=1)
    send(session, SERVER, 0xA, b"\xde\xad", after_ms=2)
    send(session, SERVER, 0x2, bytes(200_000), after_ms=3)
    close(session, 60 * SECOND_MS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wsproxy.db"


def findings(path: Path, *arguments: str) -> list[dict[str, Any]]:
    return wsproxy_here("lint", str(path), "--json", *arguments).objects


def rules(path: Path, *arguments: str) -> list[str]:
    return [found["rule"] for found in findings(path, *arguments)]


def test_a_session_that_keeps_to_the_rfcs_has_no_finding(path: Path) -> None:
    with recorder(path) as found:
        talk(found)
    done = wsproxy_here("lint", str(path), "--fail-on", "note")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("ws://skyq:9006/as/system/status\n  no findings\n")
    assert wsproxy_here("lint", str(path), "--json").out == ""


def test_findings_are_grouped_by_session_and_explained(recording: str) -> None:
    done = wsproxy("lint", recording, TZ="UTC")
    assert (done.code, done.err) == (1, "")
    heads = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert [head[:32] for head in heads] == [f"2018-10-20 01:46:40  session {n}  " for n in (1, 2, 3)]
    first = done.out.split("\n2018")[0]
    assert (
        "  error    close.reserved-code  RFC 6455 7.4.1  server, frame 7, offset 1751\n"
        "           close code 1005 (no status received) is for an endpoint's own use, not for the wire\n"
        "           The close code is one that never goes on the wire.\n"
        "           rejected by websockets: invalid status code\n"
    ) in first
    assert "error    handshake.request.connection  RFC 6455 4.1  client, opening handshake\n" in first
    assert "error    stream.http-bytes  RFC 6455 5.2  server, offset 1755\n" in first
    assert first.endswith("  4 errors, 1 warning, 2 notes")
    assert done.out.endswith("  1 error, 2 warnings, 2 notes\n")


def test_the_session_can_be_chosen(recording: str) -> None:
    assert {found["session"] for found in findings(Path(recording))} == {1, 2, 3}
    assert {found["session"] for found in findings(Path(recording), "last")} == {3}
    assert {found["session"] for found in findings(Path(recording), "2")} == {2}
    check_error(wsproxy_here("lint", recording, "9"), 2, "no session 9", "wsproxy ls")
    check_error(wsproxy_here("lint", recording + ".none"), 2)


def test_a_finding_as_an_object(recording: str) -> None:
    (found,) = (each for each in findings(Path(recording), "1") if each["rule"] == "close.reserved-code")
    rule = RULES["close.reserved-code"]
    assert found == {
        "type": "finding",
        "session": 1,
        "rule": rule.id,
        "section": rule.section,
        "severity": "error",
        "detail": "close code 1005 (no status received) is for an endpoint's own use, not for the wire",
        "side": "server",
        "offset": 1751,
        "frame": 7,
        "sentence": rule.sentence,
        "rejects": [{"peer": peer, "words": words} for peer, words in rule.rejects],
        "repair": True,
        "repaired": False,
    }
    assert rule.rejects
    same = wsproxy_here("lint", recording, "1", "--format", "jsonl")
    assert found in same.objects


@pytest.mark.parametrize(
    ("opcode", "payload", "codes"),
    [
        (0x1, b"\xff", {"error": 1, "warning": 1, "note": 1}),
        (0x8, b"\x03\xf8", {"error": 0, "warning": 1, "note": 1}),
        (0x1, b"padded\0", {"error": 0, "warning": 0, "note": 1}),
        (0x1, b"", {"error": 0, "warning": 0, "note": 0}),
    ],
)
def test_the_exit_code(path: Path, opcode: int, payload: bytes, codes: dict[str, int]) -> None:
    with recorder(path) as found:
        talk(found)
        session = found.open_session(proper())
        send(session, SERVER, opcode, payload)
        if opcode == 0x8:
            send(session, CLIENT, 0x8, payload[:0])
            end(session)
        else:
            close(session)
        talk(found)
    for level, code in codes.items():
        assert wsproxy_here("lint", str(path), "--fail-on", level).code == code
    assert wsproxy_here("lint", str(path)).code == codes["warning"]
    assert wsproxy_here("lint", str(path), "1").code == 0


def record_padded(path: Path) -> None:
    """A session with thirty messages that depart from one rule."""
    with recorder(path) as found:
        session = found.open_session(proper())
        for _ in range(30):
            send(session, SERVER, 0x1, b"padded\0")
        close(session)


def test_repeated_findings_are_counted(path: Path) -> None:
    record_padded(path)
    *listed, repeated = findings(path)
    assert [each["frame"] for each in listed] == list(range(1, MOST_LISTED + 1))
    assert repeated == {
        "type": "repeated",
        "session": 1,
        "rule": "message.nul-padding",
        "severity": "note",
        "side": "server",
        "count": 30 - MOST_LISTED,
    }
    text = wsproxy_here("lint", str(path)).out
    assert text.count(RULES["message.nul-padding"].sentence) == 1
    assert text.endswith("  and 25 more of message.nul-padding by the server\n  30 notes\n")


def sarif(done: Done) -> dict[str, Any]:
    log = json.loads(done.out)
    assert log["version"] == "2.1.0"
    assert "sarif-2.1.0" in log["$schema"]
    (run,) = log["runs"]
    return dict(run)


def test_sarif_quotes_what_a_file_is_called(recording: str, tmp_path: Path) -> None:
    odd = shutil.copy(recording, tmp_path / "a b?c#d.db")
    result = sarif(wsproxy("lint", str(odd), "--format", "sarif"))["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"{tmp_path}/a%20b%3Fc%23d.db"


def test_sarif(recording: str) -> None:
    done = wsproxy("lint", recording, "--format", "sarif")
    assert done.code == 1
    run = sarif(done)
    rows = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "wsproxy"
    for result in run["results"]:
        rule = rows[result["ruleIndex"]]
        assert (rule["id"], rule["defaultConfiguration"]["level"]) == (result["ruleId"], result["level"])
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == recording
        assert location["physicalLocation"]["region"]["startLine"] == 1
    places = {
        result["ruleId"]: result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
        for result in run["results"]
        if result["properties"]["session"] == 1
    }
    assert places["close.reserved-code"] == "session 1/server/frame 7"
    assert places["handshake.request.connection"] == "session 1/client/opening handshake"
    assert places["stream.http-bytes"] == "session 1/server/offset 1755"
    used = {result["ruleId"] for result in run["results"]}
    assert [row["id"] for row in rows] == list(dict.fromkeys(result["ruleId"] for result in run["results"]))
    assert used == {found["rule"] for found in findings(Path(recording))}


def test_sarif_counts_what_is_repeated(path: Path) -> None:
    record_padded(path)
    results = sarif(wsproxy_here("lint", str(path), "--format", "sarif"))["results"]
    assert sum(result["occurrenceCount"] for result in results) == 30


def test_sarif_of_nothing(path: Path) -> None:
    with recorder(path):
        pass
    done = wsproxy_here("lint", str(path), "--format", "sarif")
    assert (done.code, done.err) == (0, "")
    run = sarif(done)
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    assert wsproxy_here("lint", str(path)).out == ""


def test_how_sessions_end(path: Path) -> None:
    with recorder(path) as found:
        gone = found.open_session(proper())
        send(gone, SERVER, 0x1, b"half", fin=False)
        gone.receive_data(CLIENT, build_frame(0x1, b"cut", masking_key=KEY).serialize()[:4], BEGAN_NS)
        end(gone)
        unanswered = found.open_session(proper())
        send(unanswered, CLIENT, 0x8, b"\x03\xe8")
        end(unanswered)
        pinged = found.open_session(proper())
        send(pinged, CLIENT, 0x9, b"anyone?")
        send(pinged, SERVER, 0x1, b"busy", after_ms=30 * SECOND_MS)
        found.open_session(proper())
    assert rules(path, "1") == ["message.unfinished", "close.missing", "stream.cut-short"]
    assert rules(path, "2") == ["close.unanswered"]
    assert rules(path, "3") == ["keepalive.ping-unanswered"]
    assert rules(path, "4") == []


@pytest.mark.parametrize("first", Side)
def test_who_ended_first_is_who_did_not_close(first: Side, path: Path) -> None:
    with recorder(path) as found:
        session = found.open_session(proper())
        for side in (first, first.other):
            session.receive_eof(side, TcpEnd.FIN, BEGAN_NS)
        session.end(BEGAN_NS)
    (listed,) = findings(path)
    assert (listed["rule"], listed["side"]) == ("close.missing", first.name.lower())


def test_compressed_messages_are_read(path: Path) -> None:
    extension = "permessage-deflate"
    deflated = RESPONSE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    asked = REQUEST.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    hello = bytes.fromhex("c107f248cdc9c90700")
    with recorder(path) as found:
        both = found.open_session(proper(request_head=asked, response_head=deflated, extensions=extension))
        both.receive_data(SERVER, hello, BEGAN_NS)
        both.receive_data(SERVER, bytes.fromhex("c103ffffff"), BEGAN_NS)
        one = found.open_session(
            proper(request_head=asked, response_head=deflated, response_head_sent=RESPONSE)
        )
        one.receive_data(SERVER, hello, BEGAN_NS)
        one.receive_data(CLIENT, build_frame(0x1, b"x", rsv=4, masking_key=KEY).serialize(), BEGAN_NS)
    (listed,) = findings(path, "1")
    assert (listed["rule"], listed["frame"], listed["side"]) == ("deflate.damaged", 2, "server")
    (listed,) = findings(path, "2")
    assert (listed["rule"], listed["side"]) == ("frame.rsv-bits", "client")


def test_what_was_never_sent_on_needs_no_answer(path: Path) -> None:
    with recorder(path) as found:
        for kind in (ChangeKind.DROPPED, None):
            session = found.open_session(proper())
            send(session, CLIENT, 0x9, b"")
            if kind is not None:
                session.change(Changed(kind, CLIENT, 0, 6, b""), BEGAN_NS)
            send(session, SERVER, 0x1, b"busy", after_ms=30 * SECOND_MS)
    assert rules(path, "1") == []
    assert rules(path, "2") == ["keepalive.ping-unanswered"]


def test_what_a_peer_says_cannot_move_the_cursor(path: Path) -> None:
    head = REQUEST.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: \x1b[2J13")
    with recorder(path) as found:
        found.open_session(proper(request_head=head))
    for form in ("text", "jsonl", "sarif"):
        done = wsproxy_here("lint", str(path), "--format", form)
        assert done.code == 1
        assert "\x1b" not in done.out


def test_a_dialect_that_is_not_at_hand_can_have_any_headers(path: Path, tmp_path: Path) -> None:
    grammar = tmp_path / "short.py"
    grammar.write_text(
        "from construct import Byte, Computed, Struct\n"
        "HEADER = Struct('length' / Byte, 'fin' / Computed(True), 'rsv' / Computed(0),"
        " 'opcode' / Computed(1), 'masked' / Computed(False), 'masking_key' / Computed(None))\n"
    )
    with recorder(path) as found:
        session = found.open_session(proper(server_dialect=str(grammar)))
        session.receive_data(SERVER, b"\x81" + b"x" * 0x81, BEGAN_NS)
        end(session)
    done = wsproxy_here("lint", str(path), "--json")
    assert [each["rule"] for each in done.objects] == ["close.missing"]
    assert done.code == 1
