"""Opening requests as real clients spell them: names, values, lists."""

from tests.wire.build import lines
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, case, client, device
from tests.wire.handshakes import (
    CLOSED,
    CONNECTION,
    GET,
    HOST,
    KEY,
    SKYQ_FRAME,
    SWITCHING,
    UPGRADE,
    VERSION,
    asks,
    meets,
)

ORIGIN = b"Origin: http://skyq:9006/as/system/status"

SPELLINGS = (
    case(
        "sky-q-answers-go",
        "handshake C01",
        "HyperionGray/trio-websocket#72",
        client(
            lines(
                GET,
                HOST,
                b"User-Agent: Go-http-client/1.1",
                CONNECTION,
                ORIGIN,
                b"Sec-WebSocket-Key: 3pDOFIejJw9aFZ84xAus+A==",
                VERSION,
                UPGRADE,
            )
        ),
        device(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: 0INWfq7txLmN/1LGLgpPUl+OfA8=")),
        device(SKYQ_FRAME),
        CLOSED,
    ),
    case(
        "sky-q-is-silent-to-wsproto",
        "handshake C01",
        "HyperionGray/trio-websocket#72",
        client(
            lines(
                GET,
                b"host: skyq:9006",
                b"upgrade: WebSocket",
                b"connection: Upgrade",
                b"sec-websocket-key: xNtNd7KbRC0kZu14wayhRA==",
                b"sec-websocket-version: 13",
            )
        ),
        device(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: xCfjTlQDTFLgO1IFiV8a8eK1Ar8=")),
        CLIENT_FIN,
        DEVICE_FIN,
    ),
    case(
        "old-aiohttp-puts-host-seventh",
        "handshake C01",
        "aio-libs/aiohttp#3291",
        asks(
            lines(
                GET,
                b"Upgrade: Websocket",
                CONNECTION,
                b"Sec-Websocket-Version: 13",
                b"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                b"Accept: */*",
                b"Accept-Encoding: gzip, deflate",
                HOST,
                b"User-Agent: Python/3.7 aiohttp/3.4.4",
            )
        ),
    ),
    case(
        "connection-upgrade-in-lower-case",
        "handshake C02",
        "websocket-client/websocket-client#595",
        asks(lines(GET, HOST, UPGRADE, b"Connection: upgrade", KEY, VERSION)),
    ),
    case(
        "upgrade-value-capitalized",
        "handshake C03, handshake C10",
        "hyperion-project/hyperion.ng#969",
        asks(lines(GET, HOST, b"Upgrade: WebSocket", CONNECTION, KEY, VERSION)),
    ),
    case(
        "field-names-title-cased",
        "handshake C05, handshake C153",
        "gobwas/ws#71",
        asks(
            lines(
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                KEY.replace(b"WebS", b"Webs"),
                VERSION.replace(b"WebS", b"Webs"),
            )
        ),
    ),
    case(
        "field-names-in-lower-case",
        "handshake C153, handshake C155",
        "XRPLF/rippled#116",
        asks(
            lines(
                GET,
                *(
                    name.lower() + b":" + value
                    for name, value in (f.split(b":", 1) for f in (HOST, UPGRADE, CONNECTION, KEY, VERSION))
                ),
            )
        ),
    ),
    case(
        "field-names-shouted",
        "handshake C153",
        "hyperium/hyper#2752",
        asks(
            lines(
                GET,
                *(
                    name.upper() + b":" + value
                    for name, value in (f.split(b":", 1) for f in (HOST, UPGRADE, CONNECTION, KEY, VERSION))
                ),
            )
        ),
    ),
    case(
        "no-space-after-colon",
        "handshake C37, handshake C109",
        "wandenberg/nginx-push-stream-module#61",
        asks(
            lines(
                GET,
                *(
                    field.replace(b": ", b":", 1)
                    for field in (HOST, b"Upgrade: WebSocket", CONNECTION, KEY, VERSION)
                ),
            )
        ),
    ),
    case(
        "spaces-around-values",
        "relay",
        "RFC 7230 section 3.2.4",
        asks(
            lines(
                GET,
                b"Host:   skyq:9006  ",
                b"Upgrade:\twebsocket\t",
                b"Connection:  Upgrade ",
                KEY + b" ",
                VERSION,
            )
        ),
    ),
    case(
        "spaces-inside-field-names",
        "handshake C122",
        "Links2004/arduinoWebSockets#487",
        meets(
            lines(
                b"GET / HTTP/1.1",
                b"Host: ws://192.168.0.9:81/",
                b"Upgrade: WebSocket",
                CONNECTION,
                KEY,
                b"Sec - WebSocket - Protocol: arduino ",
                b"Sec - WebSocket - Protocol: arduino ",
                VERSION,
            ),
            lines(
                SWITCHING,
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                b"Sec-WebSocket-Protocol: arduino",
            ),
        ),
    ),
)

CONNECTION_LISTS = (
    case(
        "connection-keep-alive-upgrade",
        "handshake C33, handshake C139",
        "krpc/krpc#418",
        asks(
            lines(
                b"GET /jsonrpc HTTP/1.1",
                b"Host: 192.168.1.20:9090",
                b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0",
                b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                b"Sec-WebSocket-Version: 13",
                b"Origin: http://192.168.1.20:8080",
                b"Sec-WebSocket-Extensions: permessage-deflate",
                KEY,
                b"Connection: keep-alive, Upgrade",
                b"Pragma: no-cache",
                b"Cache-Control: no-cache",
                UPGRADE,
            )
        ),
    ),
    case(
        "connection-list-without-space",
        "handshake C33",
        "sitegui/nodejs-websocket#46",
        asks(lines(GET, HOST, UPGRADE, b"Connection: Upgrade,Keep-Alive", KEY, VERSION)),
    ),
    case(
        "connection-keep-alive-only",
        "handshake C34",
        "Yakifo/amqtt#230",
        asks(lines(GET, HOST, UPGRADE, b"Connection: keep-alive", KEY, VERSION)),
    ),
    case(
        "charger-without-connection-field",
        "handshake C29",
        "lbbrhzn/ocpp#1933",
        asks(lines(b"GET /evse-1 HTTP/1.1", HOST, UPGRADE, KEY, VERSION, b"Sec-WebSocket-Protocol: ocpp1.6")),
    ),
    case(
        "everything-twice",
        "handshake C142",
        "ws.q#1",
        asks(lines(GET, HOST, UPGRADE, UPGRADE, CONNECTION, KEY, VERSION, CONNECTION, KEY, VERSION)),
    ),
    case(
        "hybi-07-request",
        "handshake C114",
        "ostinelli/misultin#102",
        asks(
            lines(
                b"GET /service HTTP/1.1",
                HOST,
                b"Connection: a, Upgrade",
                b"Sec-WebSocket-Version: 7",
                b"Sec-WebSocket-Origin: http://localhost/",
                KEY,
                UPGRADE,
            )
        ),
    ),
)

CASES: tuple[Case, ...] = (
    *SPELLINGS,
    *CONNECTION_LISTS,
)
