"""Response heads of real devices: accept keys, extensions, subprotocols, sizes."""

from tests.wire.build import (
    CLOSE,
    TEXT,
    client_frame,
    close,
    deflated,
    frame,
    lines,
    words,
)
from tests.wire.conversation import CLIENT_FIN, DEVICE_FIN, Case, case, client, device, trickled
from tests.wire.handshakes import (
    ACCEPT,
    CLOSED,
    CONNECTION,
    GET,
    HOST,
    REQUEST,
    RESPONSE,
    SWITCHING,
    TALK,
    UPGRADE,
    VERSION,
    answers,
    meets,
    request,
    response,
)

ACCEPTS = (
    case(
        "accept-from-another-guid",
        "handshake C13",
        "SafeRL-Lab/cheetahclaws#91",
        answers(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: FlscFByo7EQHPKXToHKEWjb17RQ=")),
    ),
    case(
        "accept-behind-heroku",
        "handshake C14",
        "Links2004/arduinoWebSockets#604",
        meets(
            lines(GET, HOST, UPGRADE, CONNECTION, b"Sec-WebSocket-Key: RCYYiihv1c5j+qglR6C5oA==", VERSION),
            lines(
                SWITCHING,
                CONNECTION,
                UPGRADE,
                b"Sec-WebSocket-Accept: QEFMhxzLTip8aJkbmocIGNEeOB8=",
                b"Via: 1.1 vegur",
            ),
        ),
    ),
    case(
        "accept-of-a-camera-behind-h2",
        "handshake C43",
        "python-websockets/websockets#1172",
        answers(
            lines(
                b"HTTP/1.1 101 Switching Protocols",
                b"sec-websocket-accept: qELEzTXDs0AxcFlAJmMjCSwpgIc=",
                b"sec-websocket-protocol: rtsp.onvif.org",
                b"x-http2-stream-id: 35",
                b"upgrade: websocket",
                b"connection: upgrade",
            )
        ),
    ),
    case(
        "lg-tv-in-standby",
        "handshake C133, handshake C134",
        "merdok/homebridge-webos-tv#127",
        client(REQUEST),
        device(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        device(frame(CLOSE, close(1008, b"invalid origin"))),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
    case(
        "accept-twice",
        "handshake C118, handshake C142",
        "ProxymanApp/Proxyman#1635",
        answers(response(ACCEPT, b"Sec-WebSocket-Protocol: v12.stomp", b"Sec-WebSocket-Protocol: v12.stomp")),
    ),
    case(
        "samsung-channel-timeout",
        "handshake C49",
        "Ape/samsungctl#126",
        client(
            lines(
                b"GET /api/v2/channels/samsung.remote.control HTTP/1.1",
                b"Host: 10.0.0.7:8001",
                UPGRADE,
                b"Connection: upgrade",
                b"Sec-WebSocket-Key: Xhi+Wn7pn3FbOmssyQkG6Q==",
                VERSION,
            )
        ),
        device(lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: 3rADUUV+VGKaW0MqBwwSpMa4Mm0=")),
        device(frame(TEXT, b'{"event":"ms.channel.timeOut"}')),
        device(frame(CLOSE, close(1005))),
        DEVICE_FIN,
        CLIENT_FIN,
    ),
)

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"

SQUEEZED = frame(TEXT, deflated(b"squeezed squeezed")[0], rsv=4)

SQUEEZED_BACK = client_frame(TEXT, deflated(b"and back and back")[0], rsv=4)


def negotiates(name: str, cites: str, thread: str, extensions: bytes) -> Case:
    """Compression offered, `extensions` answered, a compressed message each way."""
    head = response(b"Sec-WebSocket-Extensions: " + extensions)
    return case(
        name,
        cites,
        thread,
        client(request(OFFER)),
        device(head),
        device(SQUEEZED),
        client(SQUEEZED_BACK),
        CLOSED,
    )


NEGOTIATION = (
    negotiates("deflate-plain", "handshake C50", "warmcat/libwebsockets#765", b"permessage-deflate"),
    negotiates(
        "deflate-window-bits-without-value",
        "handshake C63",
        "bauglir-websocket-2#2",
        b"permessage-deflate; client_max_window_bits",
    ),
    negotiates(
        "deflate-quoted-window-bits",
        "handshake C137",
        "shinnytech/tqsdk#509",
        b'permessage-deflate; server_max_window_bits="15"',
    ),
    negotiates(
        "deflate-spaces-everywhere",
        "handshake C110",
        "nodejs/undici#5714",
        b"permessage-deflate ; server_max_window_bits = 10",
    ),
    negotiates(
        "deflate-window-of-8",
        "handshake C66, frames Z17",
        "oven-sh/bun#38632",
        b"permessage-deflate; client_max_window_bits=8; server_max_window_bits=8",
    ),
    negotiates(
        "deflate-nonsense-parameters",
        "handshake C110",
        "nodejs/undici#5714",
        b"permessage-deflate; server_max_window_bits=99; server_max_window_bits=; frobnicate",
    ),
    negotiates(
        "webkit-deflate-frame",
        "handshake C53, frames Z23",
        "python-websockets/websockets#178",
        b"x-webkit-deflate-frame",
    ),
    case(
        "empty-extensions-answer",
        "handshake C117",
        "uNetworking/uWebSockets.js#76",
        answers(response(b"Sec-WebSocket-Extensions:", b"Sec-WebSocket-Protocol: ")),
    ),
    case(
        "empty-server-field",
        "handshake C135",
        "qt/qtwebsockets#3",
        answers(response(b"Server: ", b"Access-Control-Allow-Origin: http://localhost")),
    ),
    case(
        "subprotocol-nobody-offered",
        "handshake C77",
        "websockets/wscat#127",
        answers(response(b"Sec-WebSocket-Protocol: xmpp")),
    ),
    case(
        "subprotocol-not-answered",
        "handshake C78, handshake C79",
        "websocket-client/websocket-client#1027",
        meets(request(b"Sec-WebSocket-Protocol: ocpp1.6, ocpp1.5"), RESPONSE),
    ),
    case(
        "subprotocol-with-other-name",
        "handshake C125, handshake C131",
        "beerfactory/hbmqtt#20",
        meets(request(b"Sec-WebSocket-Protocol: mqttv3.1"), response(b"Sec-WebSocket-Protocol: mqtt")),
    ),
)

LONG = (
    case(
        "101-of-2400-bytes",
        "handshake C85",
        "boostorg/beast#1460",
        answers(response(b"Set-Cookie: __cf=" + words(1100), b"Content-Security-Policy: " + words(1000))),
    ),
    case(
        "101-of-40-kib",
        "handshake C85",
        "espressif/esp-idf#16871",
        answers(response(*(b"Set-Cookie: AWSALB%d=" % i + words(1000) for i in range(40)))),
    ),
    case(
        "non-ascii-values",
        "handshake C86",
        "websocket-client/websocket-client#137",
        answers(response(b"Date: S\xe1. 13 Dic. 2014", b"cf-city: Montr\xc3\xa9al", b"Server: caf\xe9")),
    ),
    case(
        "101-of-1-mib",
        "handshake C85",
        "eclipse-paho/paho.mqtt.c#1688",
        answers(response(*(b"X-%d: " % i + words(1000) for i in range(1000)))),
    ),
    case(
        "101-in-one-byte-segments",
        "relay",
        "docs/interception.md",
        client(REQUEST),
        device(RESPONSE, segments=trickled(RESPONSE)),
        TALK,
    ),
)

CASES: tuple[Case, ...] = (
    *ACCEPTS,
    *NEGOTIATION,
    *LONG,
)
