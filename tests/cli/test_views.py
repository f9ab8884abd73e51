"""Whatever the sides send can be shown, in either form, and does nothing to a terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.recordings import BEGAN_NS, start
from tests.protocol.strategies import streams
from wsproxy.cli.seen import Seen, SessionSight
from wsproxy.cli.views import JsonView, TextView, View
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.protocol.session import Session
from wsproxy.store.model import ChangeKind, SessionEnd, StoredChange, TcpEnd

EXTENSIONS = [None, "permessage-deflate", "x-webkit-deflate-frame", "x-unknown"]
VIEWS: list[View] = [
    TextView(limit=3, numbered=True),
    TextView(),
    TextView(show_hex=True),
    TextView(messages_only=True),
    JsonView(),
    JsonView(messages_only=True),
]


def plain(lines: object) -> list[str]:
    """Lines without their styles."""
    return [line if isinstance(line, str) else "".join(span.text for span in line) for line in lines]  # type: ignore[attr-defined]


def check(view: View, lines: object) -> None:
    """They are what the view promises."""
    for line in plain(lines):
        if isinstance(view, JsonView):
            assert isinstance(json.loads(line), dict)
        else:
            assert line.isprintable()


@given(
    streams,
    st.sampled_from(Side),
    st.sampled_from(sorted(DIALECTS)),
    st.sampled_from(EXTENSIONS),
    st.integers(1, 20),
    st.sampled_from([4, 65536]),
)
def test_whatever_a_side_sends_can_be_shown(
    data: bytes, side: Side, dialect: str, extensions: str | None, size: int, piece_limit: int
) -> None:
    session = Session(dialects={side: DIALECTS[dialect]}, piece_limit=piece_limit)
    header = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    session.handshake(b"GET / HTTP/1.1\r\n\r\n", f"HTTP/1.1 101 x\r\n{header}\r\n".encode())
    sight = SessionSight(extensions)
    for at in range(0, len(data), size):
        events = session.receive_data(side, data[at : at + size], BEGAN_NS)
        for seen in sight.see_all(side, BEGAN_NS, events):
            for view in VIEWS:
                check(view, view.seen(1, seen))
    sight.skip(side, session.receive_data(side, data, BEGAN_NS))


@given(st.binary(max_size=40), st.sampled_from(ChangeKind), st.sampled_from(Side))
def test_whatever_was_sent_on_can_be_shown(sent: bytes, kind: ChangeKind, side: Side) -> None:
    change = StoredChange(1, 1, side, BEGAN_NS, kind, 0, 5, sent)
    for view in VIEWS:
        check(view, view.changed(1, change))


@given(st.text(max_size=20), st.text(max_size=20), st.none() | st.text(max_size=20))
def test_whatever_a_handshake_says_can_be_shown(target: str, address: str, agreed: str | None) -> None:
    began = start(target=target, client_address=address, subprotocol=agreed, extensions=agreed)
    for view in VIEWS:
        check(view, view.started(1, began))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            (1000, "bye\x1b", Side.CLIENT, "fin", "fin"),
            r"closed by the client, 1000 (normal closure): bye\x1b",
        ),
        ((None, "", Side.SERVER, "fin", "fin"), "closed by the server, without a code"),
        ((None, None, None, "fin", "open"), "ended by the client, without a Close frame"),
        ((None, None, None, "open", "fin"), "ended by the server, without a Close frame"),
        ((None, None, None, "fin", "fin"), "ended without a Close frame"),
        ((None, None, None, "open", "rst"), "reset by the server"),
        ((None, None, None, "rst", "fin"), "reset by the client"),
        ((None, None, None, "open", "open"), "ended without a Close frame"),
    ],
)
def test_how_a_session_ended_is_said(
    end: tuple[int | None, str | None, Side | None, str, str], words: str
) -> None:
    code, reason, side, client, server = end
    ended = SessionEnd(BEGAN_NS, code, reason, side, TcpEnd(client), TcpEnd(server))
    assert plain(VIEWS[0].ended(7, ended))[0].endswith(f"session 7  {words}")
    (line,) = plain(JsonView().ended(7, ended))
    assert json.loads(line)["client_end"] == client


def test_frames_not_shown_are_said_to_be_recorded_only_where_they_are() -> None:
    counts = {"client": 0, "server": 1234}
    assert plain(TextView().skipped(counts)) == [
        "… frames not shown, they come too fast: 1,234 of the server; all are recorded"
    ]
    assert plain(TextView(recorded=False).skipped(counts)) == [
        "… frames not shown, they come too fast: 1,234 of the server"
    ]
    assert json.loads(plain(JsonView().skipped(counts))[0]) == {"type": "skipped", **counts}


def test_http_inside_a_session_is_named() -> None:
    session, sight = Session(), SessionSight(None)
    events = session.receive_data(Side.SERVER, b"HTTP/1.1 504 Gateway Timeout\r\n\r\n" + bytes(90), BEGAN_NS)
    first: Seen = next(sight.see_all(Side.SERVER, BEGAN_NS, events))
    assert first.findings[0].rule_id == "stream.http-bytes"
    assert "504 Gateway Timeout" in first.findings[0].detail
