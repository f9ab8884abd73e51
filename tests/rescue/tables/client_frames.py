"""Clients whose frames depart from the standard."""

from tests.devices.habits import Message, octets, opcode_of, spoken
from tests.devices.lenient import Reader
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import (
    PINGED,
    asking_with,
    client,
    followed_by,
    goodbye,
    payload_of,
    preceded_by,
    says,
)
from tests.wire.build import CONT, KEY, PING, PONG, TEXT, client_frame, deflated, frame, mask

_UUID = b"0b9bc0ad-a3a5-4fd8-8ed2-6f3d9c5ea7b2"
_ANY = ()
_PATIENT = "[options.client]\npong_timeout = 0.5"
_BIG = "all of it, " * 9000


def _in_pieces(first: int, second: int) -> object:
    """Each message in two frames with these opcodes."""
    return says(lambda m: client_frame(first, octets(m)[:5], fin=False) + client_frame(second, octets(m)[5:]))


def _compressed(message: Message) -> bytes:
    return client_frame(opcode_of(message), deflated(octets(message))[0], rsv=4)


_DRAFT = """
[rules]
"frame.draft-opcode" = true
[options.client]
opcodes = { 4 = 1, 5 = 2, 1 = 8, 2 = 9, 3 = 10 }
"""
_GUESS_LENGTH = '[rules]\n"frame.length-encoding" = true\n[options]\nhold_time = 0.5'


def _126_and_four_bytes(message: Message) -> bytes:
    payload = octets(message)
    return b"\x81\xfe" + len(payload).to_bytes(4, "big") + KEY + mask(payload)


MASKING = (
    client(
        "client-does-not-mask",
        "frames M02, frames M03, frames X01",
        "snapview/tungstenite-rs#159",
        quick=True,
        voice=spoken(),
        farewell=goodbye(key=None),
    ),
    client(
        "client-masks-all-but-its-close",
        "frames M05, frames M10",
        "ostinelli/misultin#99",
        quick=True,
        farewell=goodbye(key=None),
    ),
    client(
        "client-masks-all-but-its-pongs",
        "frames P10, frames P11",
        "Links2004/arduinoWebSockets#34",
        quick=True,
        says=("hello",),
        task=PINGED,
        pong=lambda payload: frame(PONG, payload),
    ),
    client(
        "close-with-a-key-but-clear",
        "frames P19",
        "capnproto/capnproto#2161",
        farewell=b"\x88\x86" + KEY + b"\x03\xe8done",
    ),
    client("client-masks-with-zeros", "frames Q01", "boostorg/beast#1061", voice=spoken(bytes(4))),
)

BITS = (
    client("rsv1-from-client", "frames F09", "gorilla#707", quick=True, voice=spoken(KEY, rsv=4)),
    client("all-rsv-bits-from-client", "frames F09", "gorilla#707", voice=spoken(KEY, rsv=7)),
    client(
        "compressed-by-safari-though-not-agreed",
        "frames Z26",
        "wandenberg/nginx-push-stream-module#295",
        says=("tick tock tick tock",),
        voice=says(_compressed),
    ),
    client(
        "reserved-opcode-from-client",
        "frames O01",
        "websockets/ws#919",
        quick=True,
        voice=preceded_by(client_frame(7, b"private"), KEY),
    ),
    client(
        "ping-without-fin-from-poco",
        "frames C01",
        "websockets/ws#1476",
        quick=True,
        voice=preceded_by(client_frame(PING, b"x", fin=False), KEY),
    ),
    client(
        "ping-of-126-from-bun",
        "frames C05",
        "oven-sh/bun#35030",
        voice=preceded_by(client_frame(PING, b"b" * 126), KEY),
    ),
    client(
        "control-in-long-form-from-client",
        "frames C03",
        "sta/websocket-sharp#244",
        voice=preceded_by(client_frame(PING, b"long", form=16), KEY),
    ),
    client(
        "length-not-minimal-from-client",
        "frames L10",
        "RFC 6455 section 5.2",
        quick=True,
        says=("0123456789" * 30,),
        voice=spoken(KEY, form=64),
    ),
    client(
        "len32-from-delphi",
        "frames L02",
        "mateusvicente100/bird-socket-client#24",
        says=("z" * 70000,),
        hears=("z" * 70000,),
        flags=("--client-dialect", "len32"),
        reader=lambda: Reader(4),
        voice=says(lambda m: client_frame(opcode_of(m), octets(m), form=32)),
    ),
    client(
        "126-and-four-bytes",
        "frames L03",
        "domoticz/domoticz#6543",
        says=("0123456789" * 30,),
        normalize=_GUESS_LENGTH,
        voice=says(_126_and_four_bytes),
    ),
    client(
        "126-in-seven-bits",
        "frames L06",
        "dandeliondeathray/DandelionWebSockets.jl#13",
        says=("x" * 126,),
        normalize=_GUESS_LENGTH,
        voice=says(lambda m: b"\x81\xfe" + KEY + mask(octets(m))),
    ),
    client(
        "opcodes-of-an-early-draft-from-client",
        "frames D05",
        "Links2004/arduinoWebSockets#380",
        normalize=_DRAFT,
        voice=says(lambda m: client_frame(opcode_of(m) + 3, octets(m))),
        farewell=client_frame(1, b"\x03\xe8"),
    ),
)

FRAGMENTS = (
    client(
        "new-message-inside-a-message",
        "frames O02",
        "websockets/ws#1874",
        quick=True,
        says=("in two pieces",),
        voice=_in_pieces(TEXT, TEXT),
    ),
    client(
        "orphan-continuation-of-esp32",
        "frames G09",
        "espressif/esp-protocols#460",
        says=("hello",),
        hears=("hello", " and more"),
        task=Task(hears=("hello", " and more"), closes=False, echoes=True),
        voice=followed_by(client_frame(CONT, b" and more"), KEY),
    ),
    client(
        "ping-in-pieces-from-client",
        "frames C01",
        "aspnet/WebSockets#16",
        quick=True,
        says=("hello",),
        voice=preceded_by(client_frame(PING, b"pi", fin=False) + client_frame(CONT, b"ng"), KEY),
    ),
    client(
        "fin-never-set-by-client",
        "frames G02",
        "RFC 6455 section 5.4",
        normalize='[rules]\n"message.fin-missing" = true',
        voice=says(lambda m: client_frame(opcode_of(m), octets(m), fin=False)),
    ),
    client(
        "zeros-behind-each-frame-from-client",
        "frames G15",
        "protobufjs/protobuf.js#177",
        voice=followed_by(bytes(2), KEY),
    ),
    client(
        "line-ends-between-frames-from-client",
        "frames A06",
        "rawhat/stratus#9",
        voice=followed_by(b"\r\n", KEY),
    ),
)

TEXTS = (
    client(
        "text-that-is-not-utf-8-from-client",
        "frames U06, frames K15",
        "warmcat/libwebsockets#2720",
        quick=True,
        says=("node ",),
        hears=("node \ufffd",),
        task=Task(hears=("node \ufffd",), closes=False, echoes=True),
        voice=payload_of(lambda data: data + b"\xff", KEY),
    ),
    client(
        "latin-1-from-client",
        "frames U02",
        "Warfley/LazWebsockets#12",
        says=("ö",),
        normalize='[options.client]\nutf8 = "transcode:latin-1"',
        voice=payload_of(lambda data: data.decode().encode("latin-1"), KEY),
    ),
    client(
        "mqtt-as-text",
        "frames B01",
        "mqttjs/MQTT.js#480",
        says=(b"\x10\x0c\x00\x04MQTT",),
        request=asking_with(b"Sec-WebSocket-Protocol: mqtt"),
        voice=says(lambda m: client_frame(TEXT, octets(m))),
    ),
    client(
        "nul-padding-from-client",
        "frames N03",
        "jl777/SuperNET#642",
        says=('{"a":1}',),
        normalize='[rules]\n"message.nul-padding" = true',
        voice=payload_of(lambda data: data + b"\0\0", KEY),
    ),
    client(
        "two-documents-from-godot",
        "frames J01",
        "websockets/ws#1231",
        says=('{"a":1}',),
        hears=('{"a":1}', '{"a":1}'),
        normalize='[rules]\n"message.several-json" = true',
        task=Task(hears=('{"a":1}', '{"a":1}'), closes=False, echoes=True),
        voice=payload_of(lambda data: data + data, KEY),
    ),
)

CASES: tuple[Case, ...] = (*MASKING, *BITS, *FRAGMENTS, *TEXTS)
