"""What `lint` names in a session, `show` and `explain` name as well."""

from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.store.recording import AT, record_session
from tests.wire.build import BINARY, CLOSE, CONT, PING, PONG, TEXT, client_frame, close, frame
from wsproxy.protocol.frame import Side

CLIENT, SERVER = Side.CLIENT, Side.SERVER
HEADER = b"\x81\x7e\x10\x00"
SENT = {
    "frame.payload-unmasked": (CLIENT, client_frame(TEXT, bytes(5))[:6] + b"Hello"),
    "frame.header-twice": (SERVER, HEADER + HEADER + b"a" * 4092),
    "frame.masked-by-server": (SERVER, client_frame(BINARY, b"x")),
    "message.text-not-utf8": (SERVER, frame(TEXT, b"caf\xe9")),
    "message.nul-padding": (SERVER, frame(TEXT, b'{"a":1}\0\0\0')),
    "message.several-json": (SERVER, frame(TEXT, b'{"a":1}{"b":2}')),
    "message.byte-order-mark": (SERVER, frame(TEXT, b'\xef\xbb\xbf{"a":1}')),
    "message.orphan-continuation": (SERVER, frame(CONT, b"x")),
    "close.frame-after": (SERVER, frame(CLOSE, close(1000)) + frame(TEXT, b"x")),
}


@pytest.mark.parametrize("rule_id", SENT)
def test_what_a_frame_shows(tmp_path: Path, rule_id: str) -> None:
    place = str(tmp_path / "r.db")
    side, data = SENT[rule_id]
    record_session(place, [(side, data)])
    assert rule_id in {each.get("rule") for each in wsproxy_here("lint", "--json", place).objects}
    assert wsproxy_here("show", place).out.count(f"{rule_id})") == 1
    assert wsproxy_here("explain", "--side", side.value, data.hex()).out.count(f"{rule_id})") == 1


def test_what_only_the_whole_session_shows(tmp_path: Path) -> None:
    place = str(tmp_path / "r.db")
    chunks = [(SERVER, frame(PING, b"abc")), (CLIENT, client_frame(PONG, b"zz"))]
    record_session(place, chunks, then=lambda session: session.receive_eof(SERVER, "fin", AT + 9))
    found = {"keepalive.pong-payload-differs": "client", "close.missing": "server"}
    for rule_id, side in found.items():
        assert wsproxy_here("show", place).out.count(f"{rule_id})") == 1
        for asked in ("client", "server"):
            shown = wsproxy_here("show", place, "--side", asked).out
            assert (f"{rule_id})" in shown) is (side == asked)
    rules = [each["rule"] for each in wsproxy_here("show", "--json", place).objects if "rule" in each]
    assert set(found) <= set(rules)
    assert len(rules) == len(set(rules))
