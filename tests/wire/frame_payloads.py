"""permessage-deflate as real peers get it wrong, and payloads nobody expects."""

from tests.wire.build import (
    BINARY,
    CONT,
    TEXT,
    client_frame,
    deflated,
    frame,
    noise,
)
from tests.wire.conversation import Case, case, client, device
from tests.wire.handshakes import (
    CLOSED,
    REQUEST,
    client_says,
    device_says,
    response,
)

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"

FIRST, SECOND, THIRD = deflated(
    b'{"n":1,"text":"the same"}', b'{"n":2,"text":"the same"}', b'{"n":3,"text":"the same"}'
)

TAIL = b"\x00\x00\xff\xff"


def compressed(name: str, cites: str, thread: str, *frames: bytes, agreed: bytes = DEFLATE) -> Case:
    """After permessage-deflate was agreed, the device sends these frames."""
    opened = (client(REQUEST[:-2] + agreed + b"\r\n\r\n"), device(response(agreed)))
    return case(name, cites, thread, opened, [device(each) for each in frames], CLOSED)


COMPRESSION = (
    compressed(
        "takeover",
        "frames Z29",
        "TooTallNate/Java-WebSocket#1093",
        frame(TEXT, FIRST, rsv=4),
        frame(TEXT, SECOND, rsv=4),
        frame(TEXT, b"left plain"),
        frame(TEXT, THIRD, rsv=4),
    ),
    compressed(
        "takeover-broken",
        "frames Z01",
        "python-websockets/websockets#665",
        frame(TEXT, bytes.fromhex("1a5c27a718595a200fd48c9e9c327a72ca"), rsv=4),
        frame(TEXT, FIRST, rsv=4),
    ),
    compressed(
        "takeover-with-a-plain-message-inside",
        "frames Z02, frames Z03",
        "sockudo/sockudo-ws#14",
        frame(TEXT, FIRST, rsv=4),
        frame(TEXT, b'{"n":2,"text":"the same"}'),
        frame(TEXT, THIRD, rsv=4),
    ),
    compressed(
        "no-takeover-unannounced",
        "frames Z05, handshake C101",
        "Kitura/Kitura-WebSocket-NIO#22",
        *(frame(TEXT, deflated(b"fresh window")[0], rsv=4) for _ in range(3)),
    ),
    compressed(
        "rsv1-on-continuations",
        "frames Z07",
        "jetty/jetty.project#3159",
        frame(TEXT, FIRST[:5], fin=False, rsv=4) + frame(CONT, FIRST[5:], rsv=4),
    ),
    compressed(
        "rsv1-only-on-continuation",
        "frames Z07",
        "websockets/ws#2292",
        frame(TEXT, b"plain", fin=False) + frame(CONT, FIRST, rsv=4),
    ),
    compressed(
        "empty-compressed",
        "frames Z09, frames Z10, frames Z11",
        "machinezone/IXWebSocket#167",
        frame(TEXT, FIRST, rsv=4),
        frame(TEXT, b"", rsv=4),
        frame(TEXT, SECOND, rsv=4),
        frame(TEXT, b"\x00", rsv=4),
    ),
    compressed(
        "tail-cut-wrong",
        "frames Z13",
        "warmcat/libwebsockets#1413",
        frame(TEXT, noise(1019), fin=False, rsv=4) + frame(CONT, b"\x00\x00\x00\xff\xff\x00"),
    ),
    compressed(
        "tail-kept",
        "frames Z14",
        "square/okhttp#4871",
        frame(TEXT, FIRST + TAIL, rsv=4),
        frame(TEXT, SECOND + TAIL, rsv=4),
    ),
    compressed(
        "bfinal",
        "frames Z15",
        "websockets/ws#2294",
        frame(TEXT, bytes.fromhex("f348cdc9c90700"), rsv=4),
        frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4),
    ),
    compressed(
        "invalid-code-lengths",
        "frames X05",
        "vm0-ai/vm0#23958",
        frame(BINARY, b"\x04", rsv=4),
        frame(TEXT, FIRST, rsv=4),
    ),
    compressed(
        "deflate-bomb", "relay", "RFC 7692 section 8", frame(BINARY, deflated(bytes(64 << 20))[0], rsv=4)
    ),
    compressed(
        "every-frame-compressed-by-safari",
        "frames Z23",
        "gorilla/websocket#696",
        frame(TEXT, FIRST, fin=False, rsv=4) + frame(CONT, SECOND, rsv=4),
        agreed=b"Sec-WebSocket-Extensions: x-webkit-deflate-frame",
    ),
    case(
        "compressed-though-not-agreed",
        "frames Z26, frames Z22, frames X11",
        "wandenberg/nginx-push-stream-module#295",
        client_says(client_frame(TEXT, FIRST, rsv=4), client_frame(TEXT, SECOND, rsv=4)),
        device(frame(TEXT, bytes.fromhex("aa562aa92c4855b202512d00"), rsv=4)),
        CLOSED,
    ),
)

PAYLOADS = (
    case(
        "utf-8-cut-between-messages",
        "frames U01",
        "ehazlett/shipyard#826",
        device_says(frame(TEXT, b"\x1b[1m\xe4\xb8"), frame(TEXT, b"\xad")),
        CLOSED,
    ),
    case(
        "latin-1-text",
        "frames U02, frames X02",
        "Warfley/LazWebsockets#12",
        device_says(bytes.fromhex("8103e5e4f6"), frame(TEXT, b"\xd8\xd9")),
        CLOSED,
    ),
    case(
        "lone-surrogates",
        "frames U05",
        "sockjs/sockjs-node#27",
        device_says(frame(TEXT, b"\xed\xa0\x80 and \xc0\xaf")),
        CLOSED,
    ),
    case(
        "bad-utf-8-from-client",
        "frames U06, frames U07, frames K15",
        "automicus/PyISY#124",
        client_says(client_frame(TEXT, b'<?xml version="1.0"?>\xff\xfe')),
        CLOSED,
    ),
    case(
        "nul-padding",
        "frames N02, frames N01, frames N03",
        "NanoHttpd/nanohttpd#158",
        device_says(bytes.fromhex("81127b226b223a2276227d") + bytes(9), frame(BINARY, b'{"a":1}\x00')),
        CLOSED,
    ),
    case(
        "two-documents-in-a-message",
        "frames J01, frames J02",
        "websockets/ws#1231",
        client_says(client_frame(TEXT, b'{"newPos":{"pos":"1:1"}}{"newPos":{"pos":"2:2"}}')),
        CLOSED,
    ),
    case(
        "truncated-json-of-a-charger",
        "frames J07, frames J05",
        "lbbrhzn/ocpp#442",
        client_says(client_frame(TEXT, b'[3,"189ce671-e12c-4b3d-b2bf-4112ee759f26",{"configurationKey":[]')),
        CLOSED,
    ),
    case(
        "bom-in-text",
        "frames U10",
        "fastify/secure-json-parse#5",
        device_says(frame(TEXT, b'\xef\xbb\xbf{"a":1}')),
        CLOSED,
    ),
    case(
        "mqtt-as-text",
        "frames B01, frames B05",
        "mqttjs/MQTT.js#480",
        client_says(client_frame(TEXT, bytes.fromhex("100c00044d5154540402003c0000"))),
        device(frame(TEXT, bytes.fromhex("20020000"))),
        CLOSED,
    ),
)

CASES: tuple[Case, ...] = (
    *COMPRESSION,
    *PAYLOADS,
)
