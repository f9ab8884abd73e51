"""Clients who end sessions oddly, do not answer pings, or can take only some frames."""

from collections.abc import Callable

from tests.devices.habits import octets, opcode_of, silent
from tests.devices.lenient import Piece, Reader
from tests.rescue.case import Case, Task
from tests.rescue.tables.client_heads import keyed
from tests.rescue.tables.made import PINGED, client, goodbye, says
from tests.wire.build import CLOSE, CONT, PING, PONG, TEXT, client_frame

_UUID = b"0b9bc0ad-a3a5-4fd8-8ed2-6f3d9c5ea7b2"
_ANY = ()
_PATIENT = "[options.client]\npong_timeout = 0.5"
_BIG = "all of it, " * 9000


def _only_text(piece: Piece) -> str:
    return "" if piece.opcode in (CONT, TEXT, CLOSE, PING, PONG) else f"it cannot read opcode {piece.opcode}"


def _at_most(limit: int) -> Callable[[Piece], str]:
    def take(piece: Piece) -> str:
        size = len(piece.payload)
        return "" if size <= limit else f"it takes {limit} bytes a frame and got {size}"

    return take


def _whole_only(piece: Piece) -> str:
    return "" if piece.fin and piece.opcode else "it cannot put fragments together"


ENDS = (
    client(
        "client-closes-with-1005",
        "frames K21",
        "dotnet/corefx#29768",
        quick=True,
        codes=_ANY,
        farewell=goodbye(1005),
    ),
    client(
        "client-closes-with-1006",
        "frames K11",
        "awslabs/aws-c-http#583",
        codes=(1001, 1011),
        farewell=goodbye(1006),
    ),
    client(
        "client-closes-with-65535", "frames K07", "websockets/ws#1686", codes=_ANY, farewell=goodbye(65535)
    ),
    client(
        "client-closes-little-endian",
        "frames K26",
        "axmolengine/axmol#2889",
        quick=True,
        farewell=client_frame(CLOSE, b"\xe8\x03"),
    ),
    client(
        "client-closes-with-text",
        "frames K06",
        "websockets/ws#1916",
        quick=True,
        codes=_ANY,
        farewell=client_frame(CLOSE, b"We are done"),
    ),
    client(
        "client-closes-with-one-byte",
        "frames K06",
        "RFC 6455 section 5.5.1",
        codes=_ANY,
        farewell=client_frame(CLOSE, b"\x03"),
    ),
    client(
        "client-reason-cut-in-a-character",
        "frames K14",
        "browserless#5594",
        farewell=goodbye(1000, b"caf\xc3"),
    ),
    client(
        "client-hangs-up",
        "frames E02, frames E15",
        "cc-tweaked/CC-Tweaked#2096",
        quick=True,
        codes=(1000, 1001),
        farewell=b"",
        hangs_up=True,
    ),
    client(
        "masked-close-of-safari-without-key",
        "frames C10",
        "mathieucarbou/ESPAsyncWebServer#168",
        codes=_ANY,
        farewell=b"\x88\x80",
        hangs_up=True,
    ),
    client(
        "client-sends-after-its-close",
        "frames E10",
        "ws-rs#275",
        farewell=goodbye() + client_frame(TEXT, b"one more thing"),
    ),
    client("client-closes-twice", "frames E11", "websocket-client#269", farewell=goodbye() * 2),
    client(
        "client-never-answers-a-close",
        "frames E03",
        "eclipse-vertx/vert.x#5610",
        codes=_ANY,
        normalize="[options.client]\nclose_timeout = 0.5",
        farewell=None,
        close=silent,
    ),
)

PONGS = (
    client(
        "client-never-pongs",
        "frames P01, frames P02, frames P14",
        "lbbrhzn/ocpp#211",
        says=("hello",),
        task=PINGED,
        normalize=_PATIENT,
        pong=silent,
    ),
    client(
        "charger-that-never-pongs",
        "frames P01",
        "lbbrhzn/ocpp#553",
        says=("hello",),
        task=PINGED,
        normalize="ocpp-charger",
        pong=silent,
    ),
    client(
        "empty-pong-from-client",
        "frames P06",
        "ASPLes/nopoll#17",
        says=("hello",),
        task=PINGED,
        pong=lambda _: client_frame(PONG),
    ),
    client(
        "pong-cut-at-nul-by-esp8266",
        "frames P15",
        "gilmaimon/ArduinoWebsockets#151",
        says=("hello",),
        task=Task(hears=("hello",), pings=("q\0\x01z",), echoes=True),
        pong=lambda payload: client_frame(PONG, payload.split(b"\0")[0]),
    ),
    client(
        "pong-mangled-by-websocket4net",
        "frames P07",
        "kerryjiang/WebSocket4Net#38",
        says=("hello",),
        task=PINGED,
        pong=lambda payload: client_frame(PONG, payload[:-1] + b"\xef\xbf\xbd"),
    ),
)

_WEAKEST = """
[options.client]
frame_limit = 65535
answer_pings = "at-once"
retype = { "*" = "text" }
"""

LIMITS = (
    client(
        "takes-1000-bytes-a-frame",
        "frames S05, frames S07",
        "Links2004/arduinoWebSockets#880",
        says=("0123456789" * 300,),
        normalize="[options.client]\nframe_limit = 1000",
        take=_at_most(1000),
    ),
    client(
        "reads-only-text",
        "frames B03",
        "joewalnes/websocketd#422",
        says=("hello", b"bytes"),
        hears=("hello", "bytes"),
        normalize='[options.server]\nretype = { "*" = "text" }',
        task=Task(hears=("hello", b"bytes"), closes=False, echoes=True),
        take=_only_text,
    ),
    client(
        "cannot-take-fragments",
        "frames G02, frames G14",
        "espressif/esp-idf#8367",
        says=("hello",),
        hears=("in many pieces", "hello"),
        normalize="[options.client]\nwhole_messages = true",
        only=("websockets", "wsproto"),
        task=Task(says=("in many pieces",), hears=("hello",), closes=False, echoes=True, fragments=True),
        take=_whole_only,
    ),
    client(
        "loses-what-is-glued-to-the-101",
        "frames A02, handshake C70",
        "espressif/esp-protocols#396",
        says=("hello",),
        hears=("good morning", "hello"),
        normalize="[options.client]\nfirst_frame_delay = 0.4",
        task=Task(says=("good morning",), hears=("hello",), closes=False, echoes=True),
        deaf_s=0.2,
    ),
    client(
        "the-weakest-client",
        "handshake C19, frames P01, frames L02",
        "a client that cannot be changed",
        quick=True,
        tls=True,
        normalize=_WEAKEST,
        says=("hello", _BIG),
        hears=("hello", _BIG),
        task=Task(hears=("hello", _BIG), pings=("are you there",), echoes=True),
        pong=silent,
        take=_only_text,
        reader=lambda: Reader(4),
        voice=says(lambda m: client_frame(opcode_of(m), octets(m), form=32 if len(m) > 65535 else 0)),
        flags=("--client-dialect", "len32"),
        **keyed(_UUID),
    ),
)

CASES: tuple[Case, ...] = (*ENDS, *PONGS, *LIMITS)
