"""Frames cut into segments anywhere, and cut off for good."""

from tests.wire.build import (
    BINARY,
    frame,
    noise,
)
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, case, client, device, trickled
from tests.wire.handshakes import (
    ANSWER,
    CLOSED,
    HELLO,
    OPENED,
    client_says,
    device_says,
)

TORN = (
    case(
        "everything-in-one-byte-segments",
        "frames Q01, frames W01",
        "boostorg/beast#1061",
        OPENED,
        device(HELLO + frame(BINARY, noise(130)), segments=trickled(HELLO + frame(BINARY, noise(130)))),
        client(ANSWER, segments=trickled(ANSWER)),
        CLOSED,
    ),
    case(
        "header-torn",
        "frames W02",
        "aio-libs/aiohttp#1951",
        OPENED,
        device(bytes.fromhex("8900"), segments=(1,)),
        device(bytes.fromhex("817e0100") + noise(256), segments=(1, 1, 1, 1)),
        client(ANSWER, segments=(1, 1, 1, 1, 1, 1)),
        CLOSED,
    ),
    case(
        "payload-after-the-header",
        "frames W03",
        "tidwall/SwiftWebSocket#7",
        OPENED,
        device(HELLO, segments=(2,)),
        client(ANSWER, segments=(6,)),
        CLOSED,
    ),
    case(
        "torn-in-the-key",
        "frames Q01",
        "uNetworking/uWebSockets#1407",
        OPENED,
        client(bytes.fromhex("82fe0400b700bb51") + noise(1024), segments=(6, 1, 292)),
        CLOSED,
    ),
    case(
        "many-frames-in-one-segment",
        "frames J06, frames W05",
        "uNetworking/uWebSockets#723",
        device_says(HELLO * 400),
        client(ANSWER * 400),
        CLOSED,
    ),
    case(
        "cut-in-a-payload-and-gone",
        "frames E01, frames E15",
        "gusavila92/java-android-websocket-client#7",
        device_says(HELLO, HELLO[:9]),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "cut-in-a-header-and-gone",
        "frames E02, frames E07",
        "cc-tweaked/CC-Tweaked#2096",
        client_says(ANSWER, b"\x81\xfe\x01"),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "cut-in-the-key-and-gone",
        "frames C10",
        "mathieucarbou/ESPAsyncWebServer#168",
        client_says(b"\x81\x85\x37\xfa"),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
)

CASES: tuple[Case, ...] = (*TORN,)
