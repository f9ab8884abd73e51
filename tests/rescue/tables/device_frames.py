"""Devices whose frames depart from the standard: bits, opcodes, lengths, fragments, foreign bytes."""

from collections.abc import Callable
from pathlib import Path

from tests.devices.habits import Message, Voice, octets, opcode_of, spoken
from tests.devices.lenient import Reader
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import (
    ECHO_LONG,
    GREETED,
    GREETED_FIRST,
    device,
    followed_by,
    preceded_by,
    says,
)
from tests.wire.build import BINARY, CLOSE, CONT, KEY, PING, TEXT, frame

_DIALECTS = Path(__file__).parent / "dialects"
_ONE = Task(says=("hello",), hears=("hello",))


def _parts(*opcodes: int, last_fin: bool = True) -> Callable[[], Voice]:
    """Each message in as many frames, with these opcodes (-1: that of the message)."""

    def voice(message: Message) -> bytes:
        payload, first = octets(message), opcode_of(message)
        cuts = [len(payload) * n // len(opcodes) for n in range(len(opcodes) + 1)]
        return b"".join(
            frame(
                first if opcode < 0 else opcode,
                payload[cuts[n] : cuts[n + 1]],
                fin=n == len(opcodes) - 1 and last_fin,
            )
            for n, opcode in enumerate(opcodes)
        )

    return says(voice)


def _length_forms(message: Message) -> bytes:
    """125 bytes behind 126, and 65535 behind 127, as one media server does."""
    size = len(octets(message))
    return frame(opcode_of(message), octets(message), form={125: 16, 65535: 64}.get(size, 0))


def _little_endian(message: Message) -> bytes:
    payload = octets(message)
    return bytes([0x80 | opcode_of(message), 126]) + len(payload).to_bytes(2, "little") + payload


def _interleaved(message: Message) -> bytes:
    """A fragmented greeting, the message in the midst of it."""
    return frame(TEXT, b"good ", fin=False) + frame(BINARY, octets(message)) + frame(CONT, b"morning")


_EXACT = ("x" * 125, "y" * 65535)
_PIECES = Task(says=("in three pieces",), hears=("in three pieces",))

_DRAFT = """
[rules]
"frame.draft-opcode" = true
[options.server]
opcodes = { 4 = 1, 5 = 2, 1 = 8, 2 = 9, 3 = 10 }
"""
_GUESS_LENGTH = '[rules]\n"frame.length-encoding" = true\n[options]\nhold_time = 0.5'

BITS = (
    device("server-masks", "frames M01, frames M07", "Azure/DotNetty#531", quick=True, voice=spoken(KEY)),
    device("server-masks-with-zeros", "frames M01", "chronoxor/NetCoreServer#213", voice=spoken(bytes(4))),
    device(
        "rsv1-without-extension",
        "frames F02, frames Z22",
        "koush/AndroidAsync#61",
        quick=True,
        voice=spoken(rsv=4),
    ),
    device("rsv2-and-rsv3", "frames F07", "websockets/ws#2151", voice=spoken(rsv=3)),
    device("all-rsv-bits", "frames F11", "dotnet/runtime#1938", voice=spoken(rsv=7)),
    device(
        "reserved-data-opcode-first",
        "frames O01, frames O03",
        "netty/netty#13074",
        quick=True,
        voice=preceded_by(frame(7, b"private")),
    ),
    device(
        "reserved-control-opcode-first",
        "frames O05",
        "python-websockets/websockets#1651",
        voice=preceded_by(frame(0xB, b"private")),
    ),
    device(
        "opcodes-of-an-early-draft",
        "frames D05",
        "Links2004/arduinoWebSockets#380",
        normalize=_DRAFT,
        voice=says(lambda message: frame(opcode_of(message) + 3, octets(message))),
        close=lambda payload: frame(1, payload[:2]),
    ),
    device(
        "ping-without-fin",
        "frames C01",
        "websockets/ws#1476",
        quick=True,
        voice=preceded_by(frame(PING, b"x", fin=False)),
    ),
    device(
        "close-without-fin",
        "frames C01",
        "websockets/ws#1476",
        close=lambda payload: frame(CLOSE, payload[:2], fin=False),
    ),
    device(
        "ping-of-300",
        "frames C05, frames C03",
        "oven-sh/bun#35030",
        quick=True,
        voice=preceded_by(frame(PING, b"b" * 300)),
    ),
    device(
        "control-in-long-form",
        "frames C03",
        "sta/websocket-sharp#244",
        voice=preceded_by(frame(PING, b"long form", form=16)),
    ),
)

LENGTHS = (
    device(
        "length-not-minimal",
        "frames L10, frames L11",
        "unfiltered/unfiltered#128",
        quick=True,
        task=ECHO_LONG,
        voice=spoken(form=64),
    ),
    device(
        "length-of-125-and-65535",
        "frames L10, frames L05",
        "OvenMediaLabs/OvenMediaEngine#2315",
        task=Task(_EXACT, _EXACT),
        voice=says(_length_forms),
    ),
    device(
        "len32",
        "frames L01",
        "eclipse-vertx/vert.x#260",
        task=Task(("z" * 70000,), ("z" * 70000,)),
        flags=("--server-dialect", "len32"),
        reader=lambda: Reader(4),
        voice=says(
            lambda message: frame(opcode_of(message), octets(message), form=32 if len(message) > 65535 else 0)
        ),
    ),
    device(
        "length-little-endian",
        "frames L07",
        "Pithikos/python-websocket-server#3",
        task=ECHO_LONG,
        flags=("--server-dialect", str(_DIALECTS / "little_endian.py")),
        voice=says(_little_endian),
    ),
    device(
        "length-little-endian-guessed",
        "frames L07",
        "Pithikos/python-websocket-server#3",
        task=ECHO_LONG,
        normalize=_GUESS_LENGTH,
        voice=says(_little_endian),
    ),
    device(
        "len32-guessed",
        "frames L01",
        "cyrus-great/phpwebsocket#52",
        task=Task(("z" * 70000,), ("z" * 70000,)),
        normalize=_GUESS_LENGTH,
        voice=says(lambda message: frame(opcode_of(message), octets(message), form=32)),
    ),
    device(
        "header-twice",
        "frames Q06",
        "ESP32Async/ESPAsyncWebServer#453",
        task=ECHO_LONG,
        normalize='[rules]\n"frame.header-twice" = true',
        voice=says(
            lambda message: frame(opcode_of(message), octets(message))[:4] + frame(1, octets(message))
        ),
    ),
    device(
        "tail-of-a-message-before-each-frame",
        "frames F03, frames Q05",
        "oatpp/oatpp-websocket#17",
        task=_ONE,
        normalize='[rules]\n"stream.resync" = true',
        voice=preceded_by(b'temp":21}'),
    ),
    device(
        "zeros-behind-each-frame",
        "frames G15",
        "protobufjs/protobuf.js#177",
        quick=True,
        task=_ONE,
        voice=followed_by(bytes(3)),
    ),
)

FRAGMENTS = (
    device(
        "fragments-that-repeat-the-opcode",
        "frames G11",
        "Spritetm/libesphttpd#36",
        quick=True,
        task=_PIECES,
        voice=_parts(-1, -1, -1),
    ),
    device(
        "message-inside-a-message",
        "frames O02, frames G03",
        "websockets/ws#1874",
        task=Task((b"\x01\x02",), ("good morning", b"\x01\x02")),
        voice=says(_interleaved),
    ),
    device(
        "orphan-continuation",
        "frames G09, frames G17",
        "me-no-dev/ESPAsyncWebServer#325",
        task=Task(("hello",), ("hello", " and more")),
        voice=followed_by(frame(CONT, b" and more")),
    ),
    device(
        "fragments-of-nothing",
        "frames W05",
        "brazilofmux/tinymux#1093",
        task=_ONE,
        voice=says(lambda m: frame(opcode_of(m), b"", fin=False) + frame(CONT, octets(m))),
    ),
    device(
        "rsv1-on-continuation-unagreed",
        "frames Z07",
        "websockets/ws#2292",
        task=_PIECES,
        voice=says(lambda m: frame(TEXT, octets(m)[:5], fin=False) + frame(CONT, octets(m)[5:], rsv=4)),
    ),
    device(
        "ping-of-300-between-fragments",
        "frames G01, frames C05",
        "SergejJurecko/mio_httpc#20",
        task=_PIECES,
        voice=says(
            lambda m: (
                frame(TEXT, octets(m)[:5], fin=False) + frame(PING, b"p" * 300) + frame(CONT, octets(m)[5:])
            )
        ),
    ),
)

_MEND_TEXT = '[options.server]\nbare_text = "mend"'
_HTTP_500 = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"

FOREIGN = (
    device(
        "http-500-in-the-stream",
        "frames F05, frames H02, frames X13",
        "channable/icepeak#28",
        task=Task(("hello",), ("hello",), closes=False),
        codes=(1000, 1001, 1008, 1011),
        leaves_after=1,
        farewell=_HTTP_500,
    ),
    device(
        "http-behind-the-close",
        "frames H01",
        "Effect-TS/effect#7457",
        close=lambda payload: frame(CLOSE, payload[:2]) + b"HTTP/1.1 204 No Content\r\n\r\n",
    ),
    device(
        "bare-json-in-the-stream",
        "frames F03",
        "ghedipunk/PHP-Websockets#77",
        task=Task(("hello",), ('{"event":"ready"}', "hello")),
        normalize=_MEND_TEXT,
        greeting=b'{"event":"ready"}',
    ),
    device(
        "bare-xml-in-the-stream",
        "frames F01",
        "strophe/strophejs#198",
        task=Task(("hello",), ("<stream:features/>", "hello")),
        normalize=_MEND_TEXT,
        greeting=b"<stream:features/>",
    ),
    device(
        "warning-of-a-script-in-the-stream",
        "frames F03",
        "ghedipunk/PHP-Websockets#77",
        task=Task(says=("hello",), hears=("PHP Warning: fread() failed in ws.php", "hello")),
        normalize=_MEND_TEXT,
        greeting=b"PHP Warning: fread() failed in ws.php",
    ),
    device(
        "byte-order-mark-before-the-first-frame",
        "frames U10",
        "joshrotenberg/tower-mcp#1314",
        quick=True,
        task=GREETED_FIRST,
        greeting=b"\xef\xbb\xbf" + GREETED,
    ),
    device(
        "zero-and-line-end-between-frames",
        "frames A07, frames A05",
        "warmcat/libwebsockets#2774",
        task=Task(("hello", "again"), ("hello", "again")),
        voice=followed_by(b"\0\r\n"),
    ),
    device(
        "line-ends-between-frames",
        "frames A05",
        "python-websockets/websockets#177",
        task=Task(("hello", "again"), ("hello", "again")),
        voice=followed_by(b"\r\n"),
    ),
)

CASES: tuple[Case, ...] = (*BITS, *LENGTHS, *FRAGMENTS, *FOREIGN)
