"""Devices that close, answer pings or end a connection in ways of their own."""

from typing import Any

from tests.devices.habits import silent
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import PINGS, WAITS, closing, device, goodbye
from tests.wire.build import BINARY, CLOSE, CONT, KEY, PING, PONG, TEXT, frame

_ANY = ()
_PATIENT = "[options.server]\npong_timeout = 0.5"
_QUICK_CLOSE = "[options.server]\nclose_timeout = 0.5"


def _leaving(farewell: bytes) -> dict[str, Any]:
    """The device says goodbye first, after the first message."""
    return {"task": WAITS, "leaves_after": 1, "farewell": farewell}


CODES = (
    device(
        "close-code-1005",
        "frames K17, frames K19, frames K21",
        "tavicu/homebridge-samsung-tizen#499",
        quick=True,
        codes=_ANY,
        normalize="tizen-tv",
        close=closing(b"\x03\xed"),
    ),
    device(
        "close-code-1006",
        "frames K02, frames K18",
        "zachowj/node-red-contrib-home-assistant-websocket#1823",
        quick=True,
        codes=(1001, 1011),
        **_leaving(goodbye(1006, key=None)),
    ),
    device(
        "close-code-0",
        "frames K05, frames F13",
        "websockets/ws#1677",
        codes=_ANY,
        **_leaving(frame(CLOSE, b"\0\0")),
    ),
    device("close-code-65535", "frames K07", "websockets/ws#1686", codes=_ANY, close=closing(b"\xff\xff")),
    device(
        "close-code-2000", "relay", "RFC 6455 section 7.4.2", codes=_ANY, **_leaving(goodbye(2000, key=None))
    ),
    device(
        "close-code-little-endian",
        "frames K25, frames K26",
        "amphp/websocket-client#15",
        quick=True,
        close=closing(b"\xe8\x03"),
    ),
    device(
        "close-code-without-high-byte", "frames K27", "warmcat/libwebsockets#792", close=closing(b"\x00\xe8")
    ),
    device(
        "close-code-in-four-bytes", "frames K25", "amphp/websocket-client#15", close=closing(b"\0\0\x03\xe8")
    ),
    device(
        "close-code-as-text",
        "frames K01",
        "websocket-client/websocket-client#136",
        codes=(1001,),
        close=closing(b"1001"),
    ),
    device(
        "close-is-only-text",
        "frames K06",
        "websockets/ws#1916",
        codes=_ANY,
        **_leaving(frame(CLOSE, b"We are done")),
    ),
    device("close-of-one-byte", "frames K06", "RFC 6455 section 5.5.1", codes=_ANY, close=closing(b"\x03")),
    device(
        "close-reason-of-200",
        "frames C06",
        "sockjs/sockjs-node#107",
        quick=True,
        close=closing(b"\x03\xe8" + b"r" * 200),
    ),
    device(
        "close-reason-cut-in-a-character",
        "frames K13, frames K14",
        "nodejs/undici#3080",
        quick=True,
        close=closing(b"\x03\xe8caf\xc3"),
    ),
    device(
        "close-reason-one-byte-per-character",
        "frames K23",
        "totaljs/framework#354",
        close=closing(b"\x03\xe8\x2d\x87"),
    ),
    device(
        "masked-close",
        "frames M01",
        "Azure/DotNetty#531",
        close=lambda payload: frame(CLOSE, payload[:2], key=KEY),
    ),
)

ENDS = (
    device(
        "no-close-device-hangs-up",
        "frames E01, frames J09",
        "gusavila92/java-android-websocket-client#7",
        quick=True,
        codes=(1001, 1006),
        **_leaving(b""),
    ),
    device(
        "close-answered-by-hanging-up",
        "frames E01",
        "TakahikoKawasaki/nv-websocket-client#63",
        codes=_ANY,
        close=silent,
    ),
    device(
        "close-never-answered",
        "frames E03, frames E18",
        "weechat/weechat#1281",
        codes=_ANY,
        normalize="skyq",
        close=silent,
        hangs_up=False,
    ),
    device(
        "reserved-opcode-for-a-close",
        "frames O05",
        "python-websockets/websockets#1651",
        codes=_ANY,
        normalize=_QUICK_CLOSE,
        close=lambda _: b"\x8f\x00",
        hangs_up=False,
    ),
    device(
        "two-closes",
        "frames E09",
        "http-kit/http-kit#319",
        close=lambda payload: frame(CLOSE, payload[:2]) * 2,
    ),
    device(
        "data-after-the-close",
        "frames E10, frames E14",
        "home-assistant/core#27758",
        **_leaving(goodbye(key=None) + frame(TEXT, b"one more thing")),
    ),
    device(
        "garbage-after-the-close",
        "frames E10",
        "http4s#2022",
        close=lambda payload: frame(CLOSE, payload[:2]) + b"\xff\xff\xff\xff",
    ),
    device(
        "close-inside-a-message",
        "frames G01",
        "RFC 6455 section 5.4",
        close=lambda payload: frame(BINARY, b"half", fin=False) + frame(CLOSE, payload[:2]),
    ),
    device(
        "cut-in-a-frame-and-gone",
        "frames E15, frames E07",
        "lbbrhzn/ocpp#899",
        codes=(1001, 1006),
        gone=True,
        **_leaving(b"\x81\x05hel"),
    ),
)

PONGS = (
    device(
        "pings-never-answered",
        "frames P01, frames P13",
        "lbbrhzn/ocpp#553",
        task=PINGS,
        normalize=_PATIENT,
        pong=silent,
    ),
    device(
        "empty-pong",
        "frames P06",
        "eidheim/Simple-WebSocket-Server#103",
        quick=True,
        task=PINGS,
        pong=lambda _: frame(PONG),
    ),
    device(
        "pong-cut-at-nul",
        "frames P15",
        "gilmaimon/ArduinoWebsockets#151",
        task=Task(("hello",), ("hello",), pings=("q\0\x01z",)),
        pong=lambda payload: frame(PONG, payload.split(b"\0")[0]),
    ),
    device(
        "pong-mangled-as-utf-8",
        "frames P07",
        "kerryjiang/WebSocket4Net#38",
        task=PINGS,
        pong=lambda payload: frame(PONG, payload[:-1] + b"\xef\xbf\xbd"),
    ),
    device(
        "ping-answered-with-ping",
        "frames P21",
        "RFC 6455 section 5.5.2",
        task=PINGS,
        pong=lambda payload: frame(PING, payload),
    ),
    device(
        "pong-in-pieces",
        "frames C07",
        "hyperion-project/hyperion.ng#1820",
        task=PINGS,
        pong=lambda payload: frame(PONG, payload[:4], fin=False) + frame(CONT, payload[4:]),
    ),
    device(
        "pong-without-fin",
        "frames C07, frames C09",
        "hyperion-project/hyperion.ng#1820",
        quick=True,
        task=PINGS,
        pong=lambda payload: frame(PONG, payload, fin=False),
    ),
    device(
        "masked-pong",
        "frames M01",
        "Azure/DotNetty#531",
        task=PINGS,
        pong=lambda payload: frame(PONG, payload, key=KEY),
    ),
    device(
        "ping-answered-with-text",
        "frames P21",
        "DrozmotiX/ioBroker.wled#647",
        task=Task(("hello",), ("hello", "pong"), pings=("are you there",)),
        normalize=_PATIENT,
        pong=lambda _: frame(TEXT, b"pong"),
    ),
)

CASES: tuple[Case, ...] = (*CODES, *ENDS, *PONGS)
