"""Lengths of every wrong form, and bytes in the stream that are no frames."""

from tests.wire.build import (
    BINARY,
    KEY,
    TEXT,
    client_frame,
    frame,
    length,
    mask,
    noise,
    words,
)
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, case, client, device
from tests.wire.handshakes import (
    ANSWER,
    CLOSED,
    HELLO,
    client_says,
    device_says,
)

HTTP_500 = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"

LENGTHS = (
    case(
        "len32-server",
        "frames L01",
        "cyrus-great/phpwebsocket#52",
        device_says(b"\x81" + length(65536, form=32) + words(65536)),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "len32-client",
        "frames L02",
        "bird-socket-client#24",
        client_says(b"\x81" + length(66000, masked=True, form=32) + KEY + mask(words(66000))),
    ),
    case(
        "126-and-four-bytes",
        "frames L03",
        "domoticz/domoticz#6543",
        client_says(bytes.fromhex("81fe0000012c") + KEY + mask(words(300))),
        device(HELLO),
    ),
    case(
        "not-minimal",
        "frames L10, frames L11, frames L05",
        "OvenMediaLabs/OvenMediaEngine#2315",
        device_says(
            frame(TEXT, words(125), form=16),
            frame(TEXT, words(65535), form=64),
            frame(TEXT, words(300), form=64),
            frame(TEXT, b"", form=64),
        ),
        CLOSED,
    ),
    case(
        "not-minimal-client",
        "frames L10",
        "OvenMediaLabs/OvenMediaEngine#2315",
        client_says(
            client_frame(TEXT, b"short", form=16),
            client_frame(TEXT, b"", form=16),
            client_frame(BINARY, b"x", form=64),
        ),
        CLOSED,
    ),
    case(
        "126-in-seven-bits",
        "frames L06",
        "dandeliondeathray/DandelionWebSockets.jl#13",
        client_says(b"\x81\xfe" + KEY + mask(words(126))),
        device(HELLO),
    ),
    case(
        "length-little-endian",
        "frames L07",
        "Pithikos/python-websocket-server#3",
        device_says(bytes.fromhex("817e2c01") + words(300), HELLO),
    ),
    case(
        "length-shifted",
        "frames L17",
        "SWI-Prolog/packages-http#73",
        device_says(bytes.fromhex("81000000000001000042") + words(1000)),
    ),
    case(
        "length-too-small-then-zeros",
        "frames G15",
        "protobufjs/protobuf.js#177",
        device_says(frame(BINARY, noise(30)) + bytes(5)),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "length-modulo-65536",
        "frames Q07",
        "ESP32Async/ESPAsyncWebServer#462",
        device_says(b"\x81" + length(70000 % 65536, form=16) + words(70000)),
    ),
    case(
        "length-counts-characters",
        "frames U03",
        "radu-matei/websocket-manager#40",
        device_says(bytes.fromhex("8102e4b8"), HELLO),
        CLOSED,
    ),
    case(
        "length-with-the-top-bit",
        "relay",
        "RFC 6455 section 5.2",
        device_says(bytes.fromhex("827f8000000000000010") + noise(500)),
        client(ANSWER),
    ),
    case(
        "length-of-all-ones",
        "relay",
        "RFC 6455 section 5.2",
        client_says(bytes.fromhex("82ffffffffffffffffff") + KEY + noise(500)),
        device(HELLO),
    ),
    case(
        "length-of-2-to-the-62",
        "relay",
        "RFC 6455 section 5.2",
        device_says(bytes.fromhex("827f4000000000000000") + noise(5000)),
        client(ANSWER),
    ),
    case(
        "around-the-length-forms",
        "frames L14, frames L15",
        "Spinoco/protocol#13",
        device_says(
            *(frame(BINARY, noise(n)) for n in (0, 1, 125, 126, 127, 32767, 32768, 65535, 65536, 65537))
        ),
        CLOSED,
    ),
    case(
        "around-the-length-forms-client",
        "frames L14",
        "Spinoco/protocol#13",
        client_says(*(client_frame(BINARY, noise(n)) for n in (0, 1, 3, 125, 126, 65535, 65536))),
        CLOSED,
    ),
)

FOREIGN = (
    case(
        "http-500-in-the-stream",
        "frames F05, frames H02, frames X13",
        "channable/icepeak#28",
        device_says(HELLO, HTTP_500),
    ),
    case(
        "http-request-in-the-stream",
        "frames X14, frames F15",
        "gorilla/websocket#797",
        client_says(ANSWER, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        device(HELLO),
    ),
    case(
        "tls-records-in-the-stream",
        "frames X18, frames F10",
        "librestack/gladd#54",
        device_says(HELLO, bytes.fromhex("1703030010") + noise(16)),
        client(bytes.fromhex("160301000516030100ff")),
    ),
    case(
        "digits-in-the-stream",
        "frames X15, frames F01",
        "gorilla/websocket#886",
        device_says(b"8\r\n" + HELLO, b"\r\n0\r\n\r\n"),
    ),
    case(
        "xml-in-the-stream",
        "frames F01",
        "strophe/strophejs#198",
        device_says(b"<stream:stream xmlns='jabber:client'>"),
    ),
    case(
        "json-in-the-stream",
        "frames F03",
        "ghedipunk/PHP-Websockets#77",
        device_says(HELLO, b'{"the":"length was wrong"}\n[1,2,3]\n'),
        client(ANSWER),
    ),
    case(
        "bom-before-a-frame",
        "frames U10",
        "joshrotenberg/tower-mcp#1314",
        device_says(b"\xef\xbb\xbf" + HELLO),
    ),
    case(
        "orphan-header",
        "frames Q06",
        "ESP32Async/ESPAsyncWebServer#453",
        device_says(bytes.fromhex("817e1000") + frame(TEXT, words(4096))),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "noise-both-ways",
        "frames F06",
        "TooTallNate/Java-WebSocket#430",
        device_says(noise(3000)),
        client(noise(3000, start=3)),
    ),
)

CASES: tuple[Case, ...] = (
    *LENGTHS,
    *FOREIGN,
)
