"""Close frames and fragments of real peers."""

from tests.wire.build import (
    BINARY,
    CLOSE,
    CONT,
    TEXT,
    client_frame,
    close,
    frame,
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


def closes(name: str, cites: str, thread: str, payload: bytes) -> Case:
    """The device closes with this payload; the client echoes it."""
    return case(name, cites, thread, device_says(frame(CLOSE, payload)), client(client_frame(CLOSE, payload)))


CLOSES = (
    closes(
        "close-code-1005",
        "frames K17, frames K03, frames K19, frames K21",
        "tavicu/homebridge-samsung-tizen#499",
        close(1005),
    ),
    closes(
        "close-code-1006",
        "frames K02, frames K18, frames K11",
        "zachowj/node-red-contrib-home-assistant-websocket#1823",
        close(1006, b"abnormal"),
    ),
    closes("close-code-0", "frames K05, frames F13", "websockets/ws#1677", close(0)),
    closes("close-code-65535", "frames K07", "websockets/ws#1686", close(65535)),
    closes(
        "close-code-little-endian", "frames K25, frames K26", "axmolengine/axmol#2889", bytes.fromhex("e803")
    ),
    closes("close-code-without-high-byte", "frames K27", "warmcat/libwebsockets#792", bytes.fromhex("00e8")),
    closes("close-code-as-text", "frames K01", "websocket-client/websocket-client#136", b"1001"),
    closes("close-is-only-text", "frames K06", "websockets/ws#1916", b"We are closed"),
    closes("close-of-one-byte", "frames K06", "RFC 6455 section 5.5.1", b"\x03"),
    closes("close-of-nothing", "frames K10, frames K29", "square/okhttp#2940", b""),
    closes(
        "close-reason-cut-in-a-character",
        "frames K13, frames K14",
        "nodejs/undici#3080",
        close(1000, "中".encode()[:2]),
    ),
    closes(
        "close-reason-one-byte-per-character",
        "frames K23",
        "totaljs/framework#354",
        bytes.fromhex("03e82d87"),
    ),
    closes("close-code-1013", "frames K09", "square/okhttp#5275", close(1013, b"try again later")),
    case(
        "two-closes",
        "frames E09, frames E11",
        "http-kit/http-kit#319",
        device_says(frame(CLOSE, close(1000))),
        client(client_frame(CLOSE, close(1000))),
        device(frame(CLOSE, close(1000))),
    ),
    case(
        "data-after-close",
        "frames E10, frames E14",
        "home-assistant/core#27758",
        device_says(frame(CLOSE, close(1001)), HELLO, frame(BINARY, noise(50))),
        client(client_frame(CLOSE, close(1001)), ANSWER),
    ),
    case(
        "http-behind-close",
        "frames H01",
        "Effect-TS/effect#7457",
        device_says(
            HELLO, bytes.fromhex("88121130") + b"0123456789abcdef", b"HTTP/1.1 204 No Content\r\n\r\n"
        ),
    ),
    case(
        "masked-close-without-key-then-fin",
        "frames C10",
        "mathieucarbou/ESPAsyncWebServer#168",
        client_says(bytes.fromhex("8880")),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
)

FRAGMENTS = (
    case(
        "new-message-inside-a-message",
        "frames O02, frames G03",
        "websockets/ws#1874",
        client_says(client_frame(BINARY, b"one", fin=False) + client_frame(BINARY, b"two")),
        CLOSED,
    ),
    case(
        "fragments-of-two-messages-mixed",
        "frames G03",
        "PatrickJS/angular-websocket#113",
        device_says(
            b"".join(
                (
                    frame(TEXT, b"a1", fin=False),
                    frame(TEXT, b"b1", fin=False),
                    frame(CONT, b"a2", fin=False),
                    frame(CONT, b"b2"),
                    frame(CONT, b"a3"),
                )
            )
        ),
        CLOSED,
    ),
    case(
        "fragments-that-repeat-the-opcode",
        "frames G11",
        "Spritetm/libesphttpd#36",
        device_says(
            b"".join((frame(TEXT, b"a", fin=False), frame(TEXT, b"b", fin=False), frame(TEXT, b"c")))
        ),
        CLOSED,
    ),
    case(
        "continuation-after-fin",
        "frames G09, frames G17",
        "espressif/esp-protocols#460",
        client_says(
            client_frame(TEXT, words(223)),
            client_frame(CONT, b"the rest"),
            client_frame(CONT, b"more", fin=False),
            client_frame(CONT),
        ),
        CLOSED,
    ),
    case(
        "every-piece-a-message",
        "frames G10",
        "espressif/esp-idf#4974",
        client_says(*(client_frame(TEXT, words(1024)) for _ in range(3))),
        CLOSED,
    ),
    case(
        "fragments-of-nothing",
        "frames W05",
        "cadouthat/pico-ws-server#16",
        device_says(
            b"".join((frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT))),
            frame(TEXT) + frame(BINARY),
        ),
        CLOSED,
    ),
    case(
        "a-thousand-fragments",
        "frames S01",
        "ChromeDevTools/devtools-protocol#24",
        device_says(frame(TEXT, b"0", fin=False) + frame(CONT, b"1", fin=False) * 1000 + frame(CONT, b"2")),
        CLOSED,
    ),
    case(
        "message-never-finished",
        "frames G02",
        "kaeawc/auto-mobile#5674",
        device_says(frame(TEXT, b"begun", fin=False) + frame(CONT, b"and", fin=False)),
    ),
)

CASES: tuple[Case, ...] = (
    *CLOSES,
    *FRAGMENTS,
)
