"""What a session departs from, as it comes: each kind once, ordinary sessions not at all."""

import asyncio
import gzip
import random
import zlib
from collections.abc import Iterable, Sequence
from itertools import count

import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate

from tests.conformance.conforming import Step, conforming_sessions, ordinary_sessions
from tests.conformance.strict_peer import StrictPeer
from tests.conformance.test_normalizer_cases import SESSIONS, events
from tests.wire.build import BINARY, CLOSE, CONT, PING, PONG, TEXT, client_frame, close, deflated, frame
from tests.wire.conversation import Case
from tests.wire.handshakes import REQUEST, RESPONSE, request, response
from wsproxy.conformance.checker import MOST_LISTED, Checker
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.rules import RULES, Severity
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader
from wsproxy.protocol.session import Session

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND = 1_000_000_000
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate"
SMALL = OFFER + b"; server_max_window_bits=9; client_max_window_bits=10"
DEFLATE = DeflateParameters.from_extension_header("permessage-deflate")
SESSION_RULES = [rule for rule in RULES.values() if not rule.id.startswith("handshake.")]


class Sight:
    """A session and its checker; `found` is everything given so far."""

    def __init__(
        self, asked: bytes = REQUEST, answered: bytes = RESPONSE, dropped: Iterable[tuple[Side, int]] = ()
    ) -> None:
        self.session = Session()
        self.session.handshake(asked, answered)
        self.checker = Checker(asked, answered, dropped=set(dropped))
        self.found = self.checker.handshake()

    def send(self, side: Side, data: bytes, at_s: float = 0) -> list[str]:
        at_ns = int(at_s * SECOND)
        return self.add(self.checker.receive(side, self.session.receive_data(side, data, at_ns), at_ns))

    def eof(self, side: Side, at_s: float = 0, how: str = "fin") -> list[str]:
        at_ns = int(at_s * SECOND)
        self.add(self.checker.receive(side, self.session.receive_eof(side, at_ns), at_ns))
        return self.add(self.checker.receive_eof(side, how, at_ns, self.session.pending(side)))

    def end(self, at_s: float = 0) -> list[str]:
        return self.add(self.checker.end(int(at_s * SECOND)))

    def add(self, found: list[Finding]) -> list[str]:
        self.found += found
        return [finding.rule_id for finding in found]


def rules_of(findings: Iterable[Finding], *, above: Severity | None = None) -> list[str]:
    return [finding.rule_id for finding in findings if finding.rule.severity is not above]


@given(st.data(), st.sampled_from([None, DEFLATE]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_conforming_session_gives_no_finding_above_note(
    data: st.DataObject, deflate: DeflateParameters | None, split: bool
) -> None:
    steps: Sequence[Step] = data.draw(conforming_sessions(deflate))
    sight = Sight(request(OFFER), response(OFFER)) if deflate else Sight()
    for moment, (side, sent) in enumerate(steps):
        parts = [sent[at : at + 7] for at in range(0, len(sent), 7)] if split else [sent]
        for part in parts:
            sight.send(side, part, moment / 1000)
    if sight.session.close is not None:
        sight.eof(SERVER, len(steps) / 1000)
        sight.eof(CLIENT, len(steps) / 1000)
    sight.end(len(steps) / 1000)
    assert rules_of(sight.found, above=Severity.NOTE) == []


@given(st.data(), st.sampled_from([None, OFFER, SMALL]), st.sampled_from([7, 1 << 16]))
@settings(max_examples=60, deadline=None)
def test_an_ordinary_session_gives_no_finding(
    data: st.DataObject, extension: bytes | None, size: int
) -> None:
    deflate = DeflateParameters.from_extension_header(extension.decode()[26:]) if extension else None
    sight = Sight(request(extension), response(extension)) if extension else Sight()
    moment = 0.0
    for side, sent in data.draw(ordinary_sessions(deflate)):
        moment += 6
        for at in range(0, len(sent), size):
            sight.send(side, sent[at : at + size], moment)
    sight.eof(SERVER, moment)
    sight.eof(CLIENT, moment)
    sight.end(moment)
    assert sight.found == []


def test_a_session_of_websockets_gives_no_finding() -> None:
    sent = asyncio.run(_conversation())
    readers = {side: HeadReader(side) for side in Side}
    after: list[tuple[Side, bytes]] = []
    for side, data in sent:
        reader = readers[side]
        if reader.head is None:
            data = reader.rest if reader.receive_data(data) is not None else b""
        if data:
            after.append((side, data))
    asked, answered = readers[CLIENT].head, readers[SERVER].head
    assert asked
    assert answered
    assert b"permessage-deflate" in answered
    sight = Sight(asked, answered)
    for side, data in after:
        sight.send(side, data, 1)
    assert sight.session.close is not None
    sight.eof(SERVER, 1)
    sight.eof(CLIENT, 1)
    sight.end(1)
    assert rules_of(sight.found) == []


async def _conversation() -> list[tuple[Side, bytes]]:
    """What a client and a server of `websockets` write, in order, as something between them sees it."""
    sent: list[tuple[Side, bytes]] = []

    async def echo(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def pump(side: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            sent.append((side, data))
            writer.write(data)
        writer.close()

    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(CLIENT, reader, far_writer), pump(SERVER, far_reader, writer))

        relay = await asyncio.start_server(between, "127.0.0.1", 0)
        async with relay:
            url = f"ws://127.0.0.1:{relay.sockets[0].getsockname()[1]}/"
            async with asyncio.timeout(20), websockets.connect(url, max_size=None) as client:
                for message in ("hello", b"\x00\x01", '{"a": [{}, {}]}', "x" * 70_000, ["in ", "parts"]):
                    await client.send(message)
                    await client.recv()
                await (await client.ping(b"once"))
    return sent


FRAGMENT = frame(TEXT, b"one", fin=False)

BROKEN: list[tuple[str, Side, bytes]] = [
    ("frame.rsv-bits", SERVER, frame(TEXT, b"x", rsv=2)),
    ("frame.reserved-opcode", SERVER, frame(3, b"x")),
    ("frame.unmasked-by-client", CLIENT, frame(TEXT, b"x")),
    ("frame.masked-by-server", SERVER, client_frame(TEXT, b"x")),
    ("frame.masking-key-zero", CLIENT, frame(TEXT, b"x", key=bytes(4))),
    ("frame.length-not-minimal", SERVER, frame(TEXT, b"x", form=16)),
    ("frame.length-not-minimal", CLIENT, client_frame(TEXT, b"x" * 200, form=64)),
    ("frame.length-top-bit", SERVER, b"\x82\x7f" + b"\xff" * 8 + b"abc"),
    ("control.fragmented", SERVER, frame(PONG, fin=False)),
    ("control.too-long", SERVER, frame(PONG, b"x" * 126)),
    ("close.one-byte-payload", SERVER, frame(CLOSE, b"x")),
    ("close.reserved-code", SERVER, frame(CLOSE, close(1005))),
    ("close.invalid-code", SERVER, frame(CLOSE, close(0))),
    ("close.unassigned-code", SERVER, frame(CLOSE, close(1016))),
    ("close.reason-not-utf8", SERVER, frame(CLOSE, close(1000, b"\xff"))),
    ("close.frame-after", SERVER, frame(CLOSE, close(1000)) + frame(TEXT, b"x")),
    ("close.frame-after", SERVER, frame(CLOSE, close(1000)) * 2),
    ("stream.http-bytes", SERVER, b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n" * 3),
    ("stream.handshake-bytes", SERVER, b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n" * 3),
    ("stream.tls-bytes", SERVER, bytes.fromhex("160303002a") + bytes(42)),
    ("stream.chunk-size", SERVER, b"5\r\n\x81\x03abc\r\n" + bytes(100)),
    ("stream.stray-line-end", SERVER, b"\r\n\x81\x05Hello" + bytes(20)),
    ("stream.stray-zero", SERVER, b"\x00\x81\x05Hello" + bytes(200)),
    ("stream.byte-order-mark", SERVER, b"\xef\xbb\xbf\x81\x05Hello" + bytes(60)),
    ("stream.bare-text", SERVER, b"Warning: fread(): SSL: Connection reset by peer" + b"x" * 100),
    ("stream.bare-text", SERVER, b'{"abc": "this is so"}' + b"x" * 100),
    ("message.text-not-utf8", SERVER, frame(TEXT, b"\xff")),
    ("message.text-not-utf8", SERVER, frame(TEXT, b"\xc3", fin=False) + frame(CONT)),
    ("message.orphan-continuation", SERVER, frame(CONT, b"x")),
    ("message.interrupted", SERVER, FRAGMENT + frame(TEXT, b"two")),
    ("message.interrupted", SERVER, FRAGMENT + frame(BINARY, b"two")),
    ("message.unfinished", SERVER, FRAGMENT + frame(CLOSE, close(1000))),
    ("message.nul-padding", SERVER, frame(TEXT, b"on\0\0")),
    ("message.byte-order-mark", SERVER, frame(TEXT, b"\xef\xbb\xbf{}")),
    ("message.several-json", SERVER, frame(TEXT, b'{"id": 1}\r\n{"id": 2}')),
    ("message.several-json", SERVER, frame(TEXT, b"[1][2]\0")),
    ("keepalive.pong-unsolicited", SERVER, frame(PONG, b"x")),
]


@pytest.mark.parametrize(("rule_id", "side", "data"), BROKEN)
def test_what_one_side_sends(rule_id: str, side: Side, data: bytes) -> None:
    sight = Sight()
    greeting = frame(TEXT, b"hello") if side is SERVER else client_frame(TEXT, b"hello")
    sight.send(side, greeting)
    assert rule_id in sight.send(side, data)
    (offset,) = {finding.offset for finding in sight.found if finding.rule_id == rule_id}
    assert offset is not None
    assert len(greeting) <= offset < len(greeting + data)


@pytest.mark.parametrize("size", [300, 100_000])
def test_a_ping_too_long_is_answered_as_far_as_may_be(size: int) -> None:
    sight = Sight()
    assert set(sight.send(SERVER, frame(PING, b"x" * size))) == {"control.too-long"}
    assert sight.send(CLIENT, client_frame(PONG, b"x" * 125)) == []


def test_the_rest_of_a_control_frame_is_no_orphan() -> None:
    sight = Sight()
    pieces = frame(PONG, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c")
    found = sight.send(SERVER, pieces + frame(TEXT, b"x"))
    assert found == ["control.fragmented", "keepalive.pong-unsolicited", *["control.fragmented"] * 2]
    assert sight.send(SERVER, frame(CONT, b"d")) == ["message.orphan-continuation"]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("bits", "exceeds"), [(9, False), (10, False), (11, True), (15, True)])
@pytest.mark.parametrize("size", [100, 1 << 16])
def test_a_small_window_that_was_agreed_on(side: Side, bits: int, size: int, *, exceeds: bool) -> None:
    both = SMALL.replace(b"bits=9", b"bits=10")
    sight = Sight(request(both), response(both))
    said = random.Random(1).randbytes(1300)
    messages = deflated(said, said, b"more", window_bits=bits)
    frames = [frame(BINARY, each, rsv=4, key=b"abcd" if side is CLIENT else None) for each in messages]
    for at in range(0, len(b"".join(frames)), size):
        sight.send(side, b"".join(frames)[at : at + size])
    expected = [("deflate.window-exceeded", len(frames[0]))] if exceeds else []
    assert [(found.rule_id, found.offset) for found in sight.found] == expected


DEFLATED = deflated(b"hello hello hello")[0]
TAIL_KEPT = deflated(b"hello", keep_tail=True)[0]
PLAIN = b"all that is told here is new to whoever inflates it"
_squeezer = zlib.compressobj(wbits=-15, zdict=PLAIN)
BEHIND_PLAIN = (_squeezer.compress(PLAIN) + _squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]
FINAL = zlib.compress(b"hello", wbits=-15)

DEFLATE_BROKEN = [
    ("deflate.rsv1-on-control", frame(PONG, rsv=4)),
    ("deflate.rsv1-on-continuation", frame(TEXT, b"", rsv=4, fin=False) + frame(CONT, DEFLATED, rsv=4)),
    ("deflate.damaged", frame(TEXT, b"\xff\xff\xff", rsv=4)),
    ("deflate.tail-kept", frame(TEXT, TAIL_KEPT, rsv=4) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.no-data", frame(TEXT, b"", rsv=4) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.final-block", frame(TEXT, FINAL, rsv=4) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.wrapped", frame(TEXT, zlib.compress(b"hello hello hello"), rsv=4)),
    ("deflate.wrapped", frame(TEXT, gzip.compress(b"hello hello hello", mtime=0), rsv=4)),
    ("deflate.not-compressed", frame(TEXT, b"hello", rsv=4) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.tail-cut-inside", frame(TEXT, DEFLATED, rsv=4, fin=False) + frame(CONT, DEFLATED)),
    ("deflate.frame-by-frame", frame(TEXT, DEFLATED, rsv=4, fin=False) + frame(CONT, DEFLATED, rsv=4)),
    ("deflate.plain-in-window", frame(TEXT, PLAIN) + frame(TEXT, BEHIND_PLAIN, rsv=4)),
]


@pytest.mark.parametrize(("rule_id", "data"), DEFLATE_BROKEN)
def test_what_a_compressing_side_sends(rule_id: str, data: bytes) -> None:
    sight = Sight(request(OFFER), response(OFFER))
    assert sight.send(SERVER, frame(TEXT, DEFLATED, rsv=4)) == []
    assert rule_id in sight.send(SERVER, data)


@pytest.mark.parametrize(
    "payload", [b'[{"a": 1}, {"b": "}{"}]', b'{"a": "]["}', b"{ not json }{", b"[" * 90_000 + b"]["]
)
def test_one_json_document_is_no_news(payload: bytes) -> None:
    assert Sight().send(SERVER, frame(TEXT, payload)) == []


def test_behind_foreign_bytes_nothing_is_guessed() -> None:
    sight = Sight()
    assert sight.send(SERVER, b"HTTP/1.1 500 Internal Server Error\r\n" * 50) == ["stream.http-bytes"]
    assert sight.eof(SERVER) == ["close.missing"]
    assert Sight().send(CLIENT, b"\x00" + client_frame(TEXT, b"x" * 70)) == ["stream.stray-zero"]


def test_the_opening_handshake_is_checked_as_each_side_saw_it() -> None:
    assert Checker(REQUEST, RESPONSE).handshake() == []
    own_key = REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"AQIDBAUGBwgJCgsMDQ4PEA==")
    wrong = Checker(own_key, RESPONSE).handshake()
    assert [finding.rule_id for finding in wrong] == ["handshake.response.accept"]
    assert Checker(own_key, RESPONSE, request_head_sent=REQUEST).handshake() == []


def test_each_side_has_the_extensions_of_its_own_leg() -> None:
    checker = Checker(request(OFFER), RESPONSE, response_head_sent=response(OFFER))
    session = Session()
    session.handshake(request(OFFER), response(OFFER))
    data = client_frame(TEXT, DEFLATED, rsv=4)
    assert checker.receive(CLIENT, session.receive_data(CLIENT, data, 0), 0) == []
    found = checker.receive(SERVER, session.receive_data(SERVER, frame(TEXT, DEFLATED, rsv=4), 0), 0)
    assert rules_of(found) == ["frame.rsv-bits"]


def test_findings_of_a_rule_are_counted_after_a_few() -> None:
    sight = Sight()
    for _ in range(100):
        sight.send(SERVER, frame(TEXT, b"\xff"))
    sight.send(CLIENT, client_frame(TEXT, b"\xff"))
    assert rules_of(sight.found) == ["message.text-not-utf8"] * (MOST_LISTED + 1)
    assert sight.checker.repeated == {("message.text-not-utf8", SERVER): 100 - MOST_LISTED}


def ping(sight: Sight, payload: bytes, at_s: float) -> list[str]:
    return sight.send(CLIENT, client_frame(PING, payload), at_s)


def test_a_ping_that_is_never_answered() -> None:
    sight = Sight()
    assert ping(sight, b"a", 1) == []
    assert sight.send(SERVER, frame(TEXT, b"x"), 20.5) == []
    assert sight.send(SERVER, frame(TEXT, b"x"), 21) == ["keepalive.ping-unanswered"]
    assert "61" in sight.found[0].detail
    assert sight.found[0].side is SERVER
    assert sight.end(30) == []


@pytest.mark.parametrize(
    ("heard_s", "end_s", "found"),
    [
        (1.5, 2.5, []),
        (3.5, 3.5, ["keepalive.ping-unanswered"]),
        (None, 4, []),
        (None, 6, ["keepalive.ping-unanswered"]),
    ],
)
def test_a_ping_unanswered_at_the_end(heard_s: float | None, end_s: float, found: list[str]) -> None:
    sight = Sight()
    ping(sight, b"a", 1)
    if heard_s is not None:
        sight.send(SERVER, frame(TEXT, b"x"), heard_s)
    assert sight.end(end_s) == found


def test_one_pong_answers_every_ping_before_it() -> None:
    sight = Sight()
    for number in range(200):
        ping(sight, b"%d" % number, 1)
    assert sight.send(SERVER, frame(PONG, b"199"), 2) == []
    assert sight.end(60) == []


def test_a_pong_with_the_wrong_payload() -> None:
    sight = Sight()
    ping(sight, b"first", 1)
    assert sight.send(SERVER, frame(PONG), 1.1) == []
    assert ping(sight, b"second", 2) == ["keepalive.pong-payload-differs"]
    assert sight.send(SERVER, frame(PONG), 2.1) == []
    assert sight.end(2.2) == ["keepalive.pong-payload-differs"]


def test_a_pong_that_crossed_a_ping_was_not_asked_for() -> None:
    sight = Sight()
    ping(sight, b"first", 1)
    sight.send(SERVER, frame(PONG, b"alive"), 1.1)
    assert sight.send(SERVER, frame(PONG, b"first"), 1.2) == ["keepalive.pong-unsolicited"]
    assert sight.end(60) == []


def test_a_ping_for_a_ping() -> None:
    sight = Sight()
    ping(sight, b"abc", 1)
    sight.send(SERVER, frame(PING, b"abc"), 1.1)
    sight.send(CLIENT, client_frame(PONG, b"abc"), 1.2)
    assert sight.send(SERVER, frame(TEXT, b"x"), 30) == ["keepalive.ping-answered-with-ping"]


def test_nothing_is_expected_for_what_never_arrived() -> None:
    sight = Sight(dropped={(CLIENT, 0)})
    ping(sight, b"abc", 1)
    assert sight.send(SERVER, frame(TEXT, b"x"), 60) == []
    sight = Sight(dropped={(CLIENT, 0)})
    sight.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    assert sight.end(60) == []


def test_a_connection_that_ends_without_a_close() -> None:
    sight = Sight()
    sight.send(SERVER, FRAGMENT)
    sight.send(CLIENT, client_frame(TEXT, b"cut off")[:6])
    assert sight.eof(SERVER, how="rst") == ["message.unfinished", "close.missing"]
    assert "RST" in sight.found[-1].detail
    assert sight.eof(CLIENT) == ["stream.cut-short"]
    assert sight.end(60) == []


def test_a_large_frame_that_is_cut_short() -> None:
    sight = Sight()
    sight.send(SERVER, frame(BINARY, bytes(200_000))[:-1])
    assert sight.eof(SERVER) == ["stream.cut-short", "close.missing"]
    # Where the frame begins, not where it would have ended: that is no place in the stream.
    assert [each.offset for each in sight.found] == [0, 0]
    whole = Sight()
    whole.send(SERVER, frame(BINARY, bytes(200_000)) + frame(CLOSE))
    assert whole.eof(SERVER) == []


def test_foreign_bytes_at_the_very_end() -> None:
    sight = Sight()
    sight.send(SERVER, frame(CLOSE))
    sight.send(SERVER, b"HTTP/1.1 204")
    assert sight.eof(SERVER) == ["stream.http-bytes"]


def test_a_close_that_is_not_answered() -> None:
    sight = Sight()
    sight.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    sight.eof(SERVER, 1.5)
    assert sight.end(1.5) == ["close.unanswered"]
    assert sight.found[0].side is SERVER
    hasty = Sight()
    hasty.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    hasty.eof(CLIENT, 1.1)
    assert hasty.end(1.1) == []
    slow = Sight()
    slow.send(CLIENT, client_frame(CLOSE, close(1000)), 1)
    assert slow.end(10) == ["close.unanswered"]


@pytest.mark.parametrize("case", SESSIONS, ids=lambda case: case.name)
def test_every_collected_session_is_taken(case: Case) -> None:
    readers = {side: HeadReader(side) for side in Side}
    following: list[tuple[Side, bytes | None]] = []
    for side, data in events(case):
        reader = readers[side]
        if data is not None and reader.head is None and reader.reason is None:
            data = reader.rest if reader.receive_data(data) is not None or reader.reason is not None else b""
        following.append((side, data))
    sight = Sight(readers[CLIENT].head or b"", readers[SERVER].head or b"")
    for (side, data), at_s in zip(following, count(), strict=False):
        if data is None:
            sight.eof(side, at_s)
        elif data:
            sight.send(side, data, at_s)
    sight.end(len(following))
    assert all(finding.detail and finding.rule for finding in sight.found)
    assert all(finding.offset is None or finding.offset >= 0 for finding in sight.found)


@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.binary(max_size=60)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_nothing_raises(chunks: list[tuple[Side, bytes]]) -> None:
    sight = Sight()
    for at_s, (side, data) in enumerate(chunks):
        sight.send(side, data, at_s)
    for side in Side:
        sight.eof(side, 99)
    sight.end(99)
    assert len(sight.found) <= len(RULES) * 2 * MOST_LISTED


def test_payload_data_that_was_not_masked() -> None:
    sight = Sight()
    text = "es geht: grüezi".encode()
    assert sight.send(CLIENT, client_frame(TEXT, text)[:6] + text) == ["frame.payload-unmasked"]
    assert sight.send(CLIENT, client_frame(CLOSE, b"12")[:6] + close(1000)) == ["frame.payload-unmasked"]


def test_a_header_that_is_there_twice() -> None:
    sight = Sight()
    torn = frame(TEXT, b"x" * 300)
    assert "frame.header-twice" in sight.send(SERVER, torn[:4] + torn)
    client = Sight()
    again = client_frame(TEXT, b"x" * 300)
    assert "frame.header-twice" in client.send(CLIENT, again[:8] + again)


@pytest.mark.parametrize("ended", [None, True, False])
def test_tls_that_is_not_ended_as_it_must_be(ended: bool | None) -> None:
    sight = Sight()
    sight.send(SERVER, frame(CLOSE, close(1000)))
    found = sight.add(sight.checker.receive_eof(SERVER, "fin", 0, close_notify=ended))
    assert found == (["stream.no-close-notify"] if ended is False else [])


def test_frames_before_the_response() -> None:
    checker = Checker(REQUEST, RESPONSE)
    assert [finding.rule_id for finding in checker.handshake(early_bytes=7)] == ["stream.before-response"]


def test_one_document_in_several_messages() -> None:
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, b'{"a": [1,') + frame(TEXT, b"2]") + frame(TEXT, b"}")) == [
        "message.split-json"
    ]
    assert sight.send(SERVER, frame(TEXT, b'{"a"') + frame(BINARY, b"}") + frame(TEXT, b"}")) == []
    assert sight.send(SERVER, frame(TEXT, b"[1") + frame(TEXT, b'["') * 3) == []
    assert sight.send(SERVER, frame(TEXT, b'"]]]]') + frame(TEXT, b"{} ")) == []


def test_a_charset_is_guessed() -> None:
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, "Größe".encode("cp1252"))) == ["message.text-not-utf8"]
    assert "cp1252" in sight.found[-1].detail


KEPT_OVER_TIME = ("keepalive.", "close.missing", "close.unanswered")


@pytest.mark.parametrize(
    ("rule_id", "peer", "words"),
    [
        (rule.id, peer, words)
        for rule in SESSION_RULES
        for peer, words in rule.rejects
        if peer in ("websockets", "wsproto") and not rule.id.startswith(KEPT_OVER_TIME)
    ],
)
def test_strict_peers_say_what_the_table_says(rule_id: str, peer: str, words: str) -> None:
    said = [_words(peer, side, data, None) for rule, side, data in BROKEN if rule == rule_id]
    said += [_words(peer, SERVER, data, DEFLATE) for rule, data in DEFLATE_BROKEN if rule == rule_id]
    assert [each for each in said if words in each], said


def _words(peer: str, side: Side, data: bytes, deflate: DeflateParameters | None) -> str:
    """What the receiver says of it."""
    if peer == "websockets":
        strict = StrictPeer(side.other, deflate)
        strict.receive(data)
        try:
            strict.messages()
        except UnicodeDecodeError as error:
            return str(error)
        return str(strict.complaint)
    extension = PerMessageDeflate()
    extension._enabled = True
    kind = ConnectionType.SERVER if side is CLIENT else ConnectionType.CLIENT
    connection = Connection(kind, extensions=[extension] if deflate else [])
    connection.receive_data(data)
    return " ".join(str(event) for event in connection.events())


def test_what_is_compressed_unasked_is_not_taken_for_bad_text() -> None:  # F02 F09 Z22 Z26
    sight = Sight()
    assert sight.send(SERVER, frame(TEXT, DEFLATED, rsv=4)) == ["frame.rsv-bits"]
    assert sight.send(SERVER, frame(TEXT, b"\xff")) == ["message.text-not-utf8"]
