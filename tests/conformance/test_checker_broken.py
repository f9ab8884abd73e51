"""What one side sends that breaks a rule: each kind is found, and strict peers object to it."""

import gzip
import zlib

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate

from tests.conformance.sight import CLIENT, DEFLATE, DEFLATED, FRAGMENT, OFFER, SERVER, Sight
from tests.conformance.strict_peer import StrictPeer
from tests.wire.build import BINARY, CLOSE, CONT, PONG, TEXT, client_frame, close, deflated, frame
from tests.wire.handshakes import request, response
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side

SESSION_RULES = [rule for rule in RULES.values() if not rule.id.startswith("handshake.")]

PARTIAL = (bytes.fromhex("2ac94cce5628c94fce0608"), bytes.fromhex("a012180320"))

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
    ("stream.stray-space", SERVER, b" \x81\x05Hello" + bytes(200)),
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
    ("deflate.partial-flush", b"".join(frame(TEXT, each, rsv=4) for each in PARTIAL)),
    ("deflate.wrapped", frame(TEXT, zlib.compress(b"hello hello hello"), rsv=4)),
    ("deflate.wrapped", frame(TEXT, gzip.compress(b"hello hello hello", mtime=0), rsv=4)),
    ("deflate.not-compressed", frame(TEXT, b"hello", rsv=4) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.tail-cut-inside", frame(TEXT, DEFLATED, rsv=4, fin=False) + frame(CONT, DEFLATED)),
    ("deflate.frame-by-frame", frame(TEXT, DEFLATED, rsv=4, fin=False) + frame(CONT, DEFLATED, rsv=4)),
    ("deflate.rsv1-missing", frame(TEXT, DEFLATED) + frame(TEXT, DEFLATED, rsv=4)),
    ("deflate.rsv1-missing", frame(TEXT, DEFLATED[:3], fin=False) + frame(CONT, DEFLATED[3:])),
    ("deflate.rsv1-missing", frame(TEXT, DEFLATED[:3], fin=False) + frame(CONT, DEFLATED[3:], rsv=4)),
    ("deflate.plain-in-window", frame(TEXT, PLAIN) + frame(TEXT, BEHIND_PLAIN, rsv=4)),
]


@pytest.mark.parametrize(("rule_id", "data"), DEFLATE_BROKEN)
def test_what_a_compressing_side_sends(rule_id: str, data: bytes) -> None:
    sight = Sight(request(OFFER), response(OFFER))
    assert sight.send(SERVER, frame(TEXT, DEFLATED, rsv=4)) == []
    assert rule_id in sight.send(SERVER, data)


def test_text_that_is_compressed_and_not_marked_is_no_bad_text() -> None:
    sight = Sight(request(OFFER), response(OFFER))
    lamp = b'{"lamp": {"state": "on", "level": 100}}'
    *same, second = deflated(lamp, lamp, lamp, b"tick tock, again")
    assert same[2].isascii()
    for each in same:
        assert sight.send(SERVER, frame(TEXT, each)) == ["deflate.rsv1-missing"]
    assert sight.send(SERVER, frame(TEXT, second, rsv=4)) == []
    assert sight.send(SERVER, frame(TEXT, b"caf\xe9 au lait")) == ["message.text-not-utf8"]


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
