"""How connections end, who goes on speaking after it, and streams large or simultaneous enough to matter."""

from tests.wire.build import BINARY, CONT, PING, PONG, TEXT, client_frame, frame, noise, words
from tests.wire.conversation import (
    CLIENT_FIN,
    CLIENT_RST,
    DEVICE_FIN,
    DEVICE_RST,
    Case,
    both,
    case,
    client,
    device,
)
from tests.wire.handshakes import (
    ANSWER,
    CLIENT_CLOSE,
    CLOSED,
    DEVICE_CLOSE,
    HELLO,
    OPENED,
    REQUEST,
    RESPONSE,
    client_says,
    device_says,
)

ENDS = (
    case(
        "no-close-device-hangs-up",
        "frames E01, frames J09",
        "TakahikoKawasaki/nv-websocket-client#63",
        device_says(HELLO),
        client(ANSWER),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "no-close-client-hangs-up",
        "frames E02, frames E15",
        "cc-tweaked/CC-Tweaked#2096",
        device_says(HELLO),
        client(ANSWER),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "close-never-answered",
        "frames E03, frames E18",
        "eclipse-vertx/vert.x#5610",
        client_says(CLIENT_CLOSE),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "client-half-closes-device-goes-on",
        "frames E19",
        "jetty/jetty.project#13346",
        OPENED,
        client(CLIENT_CLOSE),
        CLIENT_FIN,
        device(HELLO),
        device(noise(20000)),
        device(DEVICE_CLOSE),
        DEVICE_FIN,
    ),
    case(
        "device-half-closes-client-goes-on",
        "frames E19",
        "jetty/jetty.project#13346",
        OPENED,
        device(DEVICE_CLOSE),
        DEVICE_FIN,
        client(ANSWER),
        client(noise(20000)),
        client(CLIENT_CLOSE),
        CLIENT_FIN,
    ),
    case(
        "client-half-closes-before-the-101",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        CLIENT_FIN,
        device(RESPONSE),
        device(HELLO),
        DEVICE_FIN,
    ),
    case(
        "client-resets-before-the-101",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        CLIENT_RST,
        session=False,
    ),
    case(
        "device-hangs-up-inside-the-101",
        "frames E17",
        "hassanfayyaz19/pts-controller",
        client(REQUEST),
        device(RESPONSE[:40]),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "half-close-at-once", "relay", "docs/interception.md", OPENED, CLIENT_FIN, device(HELLO), DEVICE_FIN
    ),
    case(
        "device-resets",
        "frames E05",
        "crossbario/autobahn-python#887",
        device_says(HELLO, DEVICE_CLOSE),
        DEVICE_RST,
    ),
    case("client-resets", "frames E21", "websockets/ws#1902", client_says(ANSWER), device(HELLO), CLIENT_RST),
    case(
        "device-resets-after-half-close",
        "frames E05",
        "crossbario/autobahn-python#283",
        client_says(CLIENT_CLOSE),
        CLIENT_FIN,
        device(DEVICE_CLOSE),
        DEVICE_RST,
    ),
    case(
        "client-resets-after-half-close",
        "frames E21",
        "websockets/ws#1902",
        device_says(DEVICE_CLOSE),
        DEVICE_FIN,
        client(CLIENT_CLOSE),
        CLIENT_RST,
    ),
)

BIG = 4 << 20

SIZES = (
    case(
        "1-mib-each-way",
        "frames S03, frames S05",
        "TakahikoKawasaki/nv-websocket-client#8",
        device_says(frame(BINARY, noise(1 << 20))),
        client(client_frame(BINARY, noise(1 << 20))),
        CLOSED,
    ),
    case(
        "16-mib-in-one-frame",
        "frames S06",
        "zaphoyd/websocketpp#111",
        device_says(frame(BINARY, noise(16 << 20))),
        CLOSED,
    ),
    case(
        "4-mib-of-fragments",
        "frames Q03",
        "boazsegev/facil.io#6",
        client_says(
            client_frame(BINARY, noise(1 << 17), fin=False)
            + client_frame(CONT, noise(1 << 17), fin=False) * 30
            + client_frame(CONT, b"end")
        ),
        CLOSED,
    ),
    case(
        "flood-both-ways",
        "relay",
        "back-pressure",
        OPENED,
        both(client_frame(BINARY, noise(94)) * 20000, frame(BINARY, noise(98)) * 20000),
        CLOSED,
    ),
    case(
        "big-frames-both-ways",
        "relay",
        "back-pressure",
        OPENED,
        both(client_frame(BINARY, noise(BIG)), frame(BINARY, noise(BIG))),
        CLOSED,
    ),
    case(
        "control-frames-both-ways",
        "frames P26",
        "sparckles/Robyn#536",
        OPENED,
        both(client_frame(PONG, b"pong") * 3000, frame(PING, b"ping") * 3000),
        CLOSED,
    ),
    case(
        "noise-flood-both-ways",
        "frames F06",
        "TooTallNate/Java-WebSocket#430",
        OPENED,
        both(noise(1 << 20), noise(1 << 20, start=7)),
    ),
    case(
        "hundred-turns",
        "relay",
        "question and answer",
        OPENED,
        *((device(frame(TEXT, words(n))), client(client_frame(TEXT, words(n)))) for n in range(100)),
        CLOSED,
    ),
)

CASES: tuple[Case, ...] = (*ENDS, *SIZES)
