"""Responses of real devices: `cites` are ids in the collected cases, `rules` what they depart from."""

from dataclasses import dataclass

from tests.wire.build import lines
from tests.wire.handshakes import (
    ACCEPT,
    CONNECTION,
    GET,
    HOST,
    KEY,
    REQUEST,
    RESPONSE,
    SWITCHING,
    UPGRADE,
    VERSION,
    request,
    response,
)
from tests.wire.opening_hixie import HIXIE_RESPONSE

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"
OFFERED = request(DEFLATE + b"; client_max_window_bits")
ALONE = request(DEFLATE + b"; server_no_context_takeover")
MQTT = request(b"Sec-WebSocket-Protocol: mqttv3.1")
OCPP = request(b"Sec-WebSocket-Protocol: ocpp1.6, ocpp1.5")
STOMP = request(b"Sec-WebSocket-Protocol: v12.stomp")


@dataclass(frozen=True, slots=True)
class ResponseVector:
    """A response to a request, the rules it departs from (without `handshake.`), and what the client gets.

    `repaired` False: it goes on as it came.
    """

    cites: str
    head: bytes
    rules: tuple[str, ...] = ()
    sent: bytes = RESPONSE
    request: bytes = REQUEST
    detail: str = ""
    repaired: bool = True


def _accept(value: bytes) -> bytes:
    return lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: " + value)


_LOWER = tuple(
    each.partition(b":")[0].lower() + b":" + each.partition(b":")[2] for each in (UPGRADE, CONNECTION, ACCEPT)
)
_NAME, _CONNECTION = "field.name-spelling", "field.connection-spelling"
_HEROKU_KEY = b"Sec-WebSocket-Key: RCYYiihv1c5j+qglR6C5oA=="
_HEROKU = lines(GET, HOST, UPGRADE, CONNECTION, _HEROKU_KEY, VERSION)
_IIS = REQUEST.replace(KEY, b"Sec-WebSocket-Key: aHXOe9VH+K+EygZOcVDRZg==")

RESPONSES = (
    ResponseVector(
        "C11 C155",
        lines(SWITCHING, UPGRADE, b"Connection: upgrade", ACCEPT),
        (_CONNECTION,),
        detail="upgrade",
    ),
    ResponseVector(
        "C13", _accept(b"FlscFByo7EQHPKXToHKEWjb17RQ="), ("response.accept",), detail="5AB9DC11B5AB"
    ),
    ResponseVector(
        "C14",
        _accept(b"QEFMhxzLTip8aJkbmocIGNEeOB8="),
        ("response.accept",),
        _accept(b"5WQdLwdYf0ahB70uBxPU8tJ9lxE="),
        _HEROKU,
        "answers another key",
    ),
    ResponseVector(
        "C15",
        lines(SWITCHING, UPGRADE, ACCEPT),
        ("response.connection",),
        lines(SWITCHING, UPGRADE, ACCEPT, CONNECTION),
    ),
    ResponseVector("C17 C115 C54", lines(SWITCHING, UPGRADE, CONNECTION), ("response.accept-missing",)),
    ResponseVector(
        "C18 C59",
        _accept(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("response.accept",),
        _accept(b"MlmQRqS1pqbgqpudZfakQy+y8ts="),
        _IIS,
        "answers another key",
    ),
    ResponseVector("C17 hixie", HIXIE_RESPONSE, ("response.hixie76",), HIXIE_RESPONSE, repaired=False),
    ResponseVector("C23", response(start=b"HTTP/1.1 101"), ("response.line", "response.reason")),
    ResponseVector("C23 libuwsc", response(start=b"HTTP/1.1 101 "), ("response.reason",)),
    ResponseVector(
        "C23 amphp",
        lines(b"HTTP/1.1 101", *_LOWER),
        (_NAME, "response.line", "response.reason"),
    ),
    ResponseVector("C25", response(start=b"HTTP/1.1 101 null"), ("response.reason",), detail="null"),
    ResponseVector(
        "C26", response(start=b"HTTP/1.1 101 Web Socket Protocol Handshake"), ("response.reason",)
    ),
    ResponseVector("C27", response(start=b"HTTP/1.0 101 Switching Protocols"), ("response.version",)),
    ResponseVector(
        "C38",
        lines(
            b"HTTP/1.1 101 Web Socket Protocol Handshake",
            UPGRADE,
            CONNECTION,
            ACCEPT.replace(b": ", b":"),
            eol=b"\n",
        ),
        ("field.line-end", "field.space", "response.reason"),
        detail="5 of 5 lines",
    ),
    ResponseVector("C42 C98", lines(SWITCHING, *_LOWER), (_NAME,)),
    ResponseVector(
        "C43",
        lines(
            SWITCHING,
            b"upgrade: websocket",
            b"connection: upgrade",
            b"sec-websocket-accept: qELEzTXDs0AxcFlAJmMjCSwpgIc=",
            b"sec-websocket-protocol: rtsp.onvif.org",
        ),
        (_CONNECTION, _NAME, "response.accept", "response.subprotocol"),
        detail="answers another key",
    ),
    ResponseVector(
        "C50",
        response(DEFLATE),
        ("response.deflate-mismatch",),
        request=ALONE,
        detail="server_no_context_takeover",
    ),
    ResponseVector(
        "C53 C62", response(b"Sec-WebSocket-Extensions: x-webkit-deflate-frame"), ("response.extension",)
    ),
    ResponseVector("C102", response(DEFLATE), ("response.extension",)),
    ResponseVector(
        "C63",
        response(DEFLATE + b"; client_max_window_bits"),
        ("response.deflate-parameter",),
        response(DEFLATE),
        OFFERED,
        "client_max_window_bits without a value",
    ),
    ResponseVector("C65", response(DEFLATE), (), response(DEFLATE), OFFERED),
    ResponseVector(
        "Z17",
        response(DEFLATE + b"; server_max_window_bits=8"),
        ("response.window-of-8",),
        RESPONSE,
        OFFERED,
    ),
    ResponseVector(
        "C74",
        lines(b"HTTP/1.1 403 Forbidden"),
        ("response.refused",),
        lines(b"HTTP/1.1 403 Forbidden"),
        detail="it may want an Origin",
        repaired=False,
    ),
    ResponseVector(
        "C114",
        lines(b"HTTP/1.1 400 Bad Request", b"Sec-WebSocket-Version: 8, 7"),
        ("response.refused",),
        lines(b"HTTP/1.1 400 Bad Request", b"Sec-WebSocket-Version: 8, 7"),
        detail="it speaks the versions 8, 7 only",
        repaired=False,
    ),
    ResponseVector("C66 none", RESPONSE, (), RESPONSE, OFFERED),
    ResponseVector(
        "C66",
        response(DEFLATE + b"; client_max_window_bits=8"),
        ("response.window-of-8",),
        RESPONSE,
        OFFERED,
    ),
    ResponseVector(
        "C77", response(b"Sec-WebSocket-Protocol: xmpp"), ("response.subprotocol",), detail="xmpp"
    ),
    ResponseVector("C77 C117 empty", response(b"Sec-WebSocket-Protocol: "), ("field.empty",)),
    ResponseVector(
        "C78",
        RESPONSE,
        ("response.subprotocol-missing",),
        response(b"Sec-WebSocket-Protocol: v12.stomp"),
        STOMP,
    ),
    ResponseVector(
        "C79 several", RESPONSE, ("response.subprotocol-missing",), RESPONSE, OCPP, "ocpp1.5", repaired=False
    ),
    ResponseVector(
        "C83 mojo",
        lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Accept:", b"Content-Length: 0"),
        ("field.empty", "response.accept-missing", "response.body"),
    ),
    ResponseVector(
        "C86",
        response("Date: Sá. 13 Dic. 2014".encode("latin-1")),
        ("field.not-ascii",),
        response(b"Date: S?. 13 Dic. 2014"),
    ),
    ResponseVector("C86 deno", response("X-Имя: значение".encode()), ("field.name",), RESPONSE),
    ResponseVector("C01 C87", b"", ("response.missing",)),
    ResponseVector("C87 interim", b"HTTP/1.1 100 Continue\r\n\r\n", ("response.missing",), RESPONSE),
    ResponseVector(
        "C89",
        lines(b"HTTP/1.1 301 Moved Permanently", b"Location: /ws/"),
        ("response.refused",),
        lines(b"HTTP/1.1 301 Moved Permanently", b"Location: /ws/"),
        detail="it moved to '/ws/'",
        repaired=False,
    ),
    ResponseVector(
        "C91 C73",
        b"Error: HTTP/1.1 400 Bad Request\r\n\r\n",
        ("response.refused",),
        b"Error: HTTP/1.1 400 Bad Request\r\n\r\n",
        repaired=False,
    ),
    ResponseVector(
        "C154 C07",
        lines(b"HTTP/1.1 426 Upgrade Required"),
        ("response.refused",),
        lines(b"HTTP/1.1 426 Upgrade Required"),
        repaired=False,
    ),
    ResponseVector(
        "C93", lines(SWITCHING, UPGRADE, b"Connection: keep-alive, Upgrade", ACCEPT), (_CONNECTION,)
    ),
    ResponseVector(
        "C93 C94", lines(SWITCHING, b"Upgrade: Websocket", CONNECTION, ACCEPT), ("field.upgrade-spelling",)
    ),
    ResponseVector(
        "C109", lines(SWITCHING, UPGRADE, CONNECTION, ACCEPT.replace(b": ", b":")), ("field.space",)
    ),
    ResponseVector(
        "C110 C137",
        response(DEFLATE + b' ; server_max_window_bits = "10"'),
        ("response.extension-spelling",),
        response(DEFLATE + b"; server_max_window_bits=10"),
        OFFERED,
    ),
    ResponseVector("C115", response(start=b"HTTP/1.1 200 OK"), ("response.status",), detail="200"),
    ResponseVector("C117", response(b"Sec-WebSocket-Extensions:"), ("field.empty",)),
    ResponseVector(
        "C118",
        response(b"Sec-WebSocket-Protocol: v12.stomp", b"Sec-WebSocket-Protocol: v12.stomp"),
        ("field.duplicate",),
        response(b"Sec-WebSocket-Protocol: v12.stomp"),
        STOMP,
        "2 times",
    ),
    ResponseVector("C118 accept", response(ACCEPT), ("field.duplicate",)),
    ResponseVector(
        "C123", _accept(b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="), ("response.accept",), detail="an empty key"
    ),
    ResponseVector(
        "C125",
        response(b"Sec-WebSocket-Protocol: mqtt"),
        ("response.subprotocol-alias",),
        response(b"Sec-WebSocket-Protocol: mqttv3.1"),
        MQTT,
        "mqttv3.1",
    ),
    ResponseVector(
        "C131 C79",
        response(b"Sec-WebSocket-Protocol: ocpp1.6, ocpp1.5"),
        ("response.subprotocol",),
        response(b"Sec-WebSocket-Protocol: ocpp1.6"),
        OCPP,
    ),
    ResponseVector(
        "C127",
        lines(SWITCHING, UPGRADE, b"connection: upgrade"),
        (_CONNECTION, _NAME),
        lines(SWITCHING, UPGRADE, b"connection: upgrade"),
        lines(b"GET /tunnel HTTP/1.1", HOST, CONNECTION, UPGRADE),
        repaired=False,
    ),
    ResponseVector("C133", _accept(b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="), ("response.accept",)),
    ResponseVector("C135", response(b"Server: "), ("field.blank",)),
    ResponseVector(
        "C147 C90",
        lines(SWITCHING, CONNECTION, ACCEPT),
        ("response.upgrade",),
        lines(SWITCHING, CONNECTION, ACCEPT, UPGRADE),
    ),
    ResponseVector("C151 T01", response(b"Transfer-Encoding: chunked"), ("response.body",), detail="chunked"),
    ResponseVector("C151 envoy", response(b"Content-Length: 5"), ("response.body",)),
    ResponseVector("RFC 9112 2.2", b"\r\n" + RESPONSE, ("response.preamble",)),
    ResponseVector("RFC 9110 15.2", b"HTTP/1.1 103 Early Hints\r\n\r\n" + RESPONSE, ("response.interim",)),
    ResponseVector("RFC 9112 5", response(b"this is no field"), ("field.colon",)),
)
