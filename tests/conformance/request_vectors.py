"""Opening requests of real clients: `cites` are ids in the collected cases, `rules` what they depart from."""

from dataclasses import dataclass, field

from tests.wire.build import lines
from tests.wire.handshakes import CONNECTION, GET, HOST, KEY, REQUEST, UPGRADE, VERSION
from tests.wire.opening_hixie import HIXIE_REQUEST

NAME = "field.name-spelling"


@dataclass(frozen=True, slots=True)
class RequestVector:
    """A request, the rules it departs from (without `handshake.`), and lines of what the server gets.

    `options` are what a profile says of the server. `repaired` False: it goes on as it came.
    """

    cites: str
    head: bytes
    rules: tuple[str, ...] = ()
    sent: tuple[bytes, ...] = ()
    options: dict[str, str | bool] = field(default_factory=dict)
    repaired: bool = True
    gone: bytes = b""


def _request(*more: bytes, start: bytes = GET, host: bytes = HOST, eol: bytes = b"\r\n") -> bytes:
    return lines(start, host, UPGRADE, CONNECTION, KEY, VERSION, *more, eol=eol)


def _with(line: bytes, *instead: bytes) -> bytes:
    return REQUEST.replace(line + b"\r\n", b"".join(each + b"\r\n" for each in instead))


def _respelt(name: bytes) -> bytes:
    return name.partition(b":")[0].title() + b":" + name.partition(b":")[2]


FRESH_KEY_LINE = b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="
_TITLED = (_respelt(KEY), _respelt(VERSION))
_CONNECTION = "field.connection-spelling"
_LOWER = tuple(
    each.partition(b":")[0].lower() + b":" + each.partition(b":")[2]
    for each in (HOST, UPGRADE, CONNECTION, KEY, VERSION)
)

REQUESTS = (
    RequestVector(
        "C01 go",
        lines(
            GET, HOST, b"User-Agent: Go", CONNECTION, b"Origin: http://skyq:9006/as", KEY, VERSION, UPGRADE
        ),
        ("request.origin",),
        (b"Origin: http://skyq:9006", UPGRADE),
    ),
    RequestVector(
        "C01 wsproto",
        lines(GET, *(each.replace(b"websocket\r", b"WebSocket\r") for each in _LOWER)),
        (NAME,),
        (HOST, UPGRADE, CONNECTION, KEY, VERSION),
    ),
    RequestVector(
        "C01 nc", lines(GET, HOST, CONNECTION, UPGRADE), ("request.not-websocket",), repaired=False
    ),
    RequestVector("C02 C09 C49", _with(CONNECTION, b"Connection: upgrade"), (_CONNECTION,), (CONNECTION,)),
    RequestVector(
        "C03 C06 C07 C10 C145 C155",
        _with(UPGRADE, b"Upgrade: WebSocket"),
        ("field.upgrade-spelling",),
        (UPGRADE,),
    ),
    RequestVector("C05", lines(GET, HOST, UPGRADE, CONNECTION, *_TITLED), (NAME,), (KEY, VERSION)),
    RequestVector("C153", lines(GET, *_LOWER), (NAME,), (HOST, UPGRADE, CONNECTION, KEY, VERSION)),
    RequestVector(
        "C19 C46",
        _with(KEY, b"Sec-WebSocket-Key: JCMCrKJENqcrTU9erFxGoiP5P8JhjeocERQs9vgR/Y4="),
        ("request.key",),
        (FRESH_KEY_LINE,),
    ),
    RequestVector("C21 ws", _request(b"Origin: skyq:9006"), ("request.origin",), (b"Origin: skyq:9006",)),
    RequestVector("C21 C134", _request(b"Origin: http://x"), options={"origin": ""}, gone=b"Origin"),
    RequestVector(
        "C22 C74 C105",
        REQUEST,
        options={"origin": "http://skyq:9006"},
        sent=(b"Origin: http://skyq:9006",),
    ),
    RequestVector("C29", _with(CONNECTION), ("request.connection",), (CONNECTION,)),
    RequestVector(
        "C30",
        _request(b"Origin: https://github.com/gilmaimon/TinyWebsockets"),
        ("request.origin",),
        (b"Origin: https://github.com",),
    ),
    RequestVector(
        "C31 C105 C131",
        REQUEST,
        options={"subprotocols": "ocpp1.6"},
        sent=(b"Sec-WebSocket-Protocol: ocpp1.6",),
    ),
    RequestVector(
        "C33 C82 C93 C139",
        _with(CONNECTION, b"Connection: keep-alive, Upgrade"),
        (_CONNECTION,),
        (CONNECTION,),
    ),
    RequestVector("C33", _with(CONNECTION, b"Connection: Upgrade,Keep-Alive"), (_CONNECTION,), (CONNECTION,)),
    RequestVector(
        "C34", _with(CONNECTION, b"Connection: keep-alive"), ("request.connection",), (CONNECTION,)
    ),
    RequestVector("C143", _with(CONNECTION, b"Connection:"), ("request.connection",), (CONNECTION,)),
    RequestVector(
        "C37", _with(UPGRADE, b"Upgrade:WebSocket"), ("field.space", "field.upgrade-spelling"), (UPGRADE,)
    ),
    RequestVector(
        "C39",
        REQUEST.replace(KEY + b"\r\n", KEY + b"\n").replace(UPGRADE, b"Upgrade: WebSocket"),
        ("field.line-end", "field.upgrade-spelling"),
        (KEY, UPGRADE),
    ),
    RequestVector(
        "C45 C94 C135",
        _request(b"Sec-WebSocket-Extensions: "),
        ("field.empty",),
        gone=b"Sec-WebSocket-Extensions",
    ),
    RequestVector(
        "C47",
        lines(
            b"GET /ws HTTP/1.1",
            b"user-agent: Dart/2.10 (dart:io)",
            b"connection: Upgrade",
            b"content-length: 0",
            b"sec-websocket-version: 13",
            b"host: skyq:9006",
            b"sec-websocket-key: qjaovfzeqzo=",
            b"upgrade: websocket",
        ),
        (NAME, "request.body", "request.key", "request.order"),
        (HOST, FRESH_KEY_LINE, b"user-agent: Dart/2.10 (dart:io)"),
        gone=b"content-length",
    ),
    RequestVector(
        "C51 C61 C94",
        _request(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        options={"extensions": "permessage-deflate"},
        sent=(b"Sec-WebSocket-Extensions: permessage-deflate",),
    ),
    RequestVector("C55 C149", _with(KEY), ("request.key",), (FRESH_KEY_LINE,)),
    RequestVector("C123", _with(KEY, b"Sec-WebSocket-Key: "), ("request.key",), (FRESH_KEY_LINE,)),
    RequestVector(
        "C57 C81 C119",
        lines(GET, HOST, KEY, VERSION),
        ("request.stripped",),
        (KEY,),
        gone=b"Upgrade",
        repaired=False,
    ),
    RequestVector(
        "C58",
        _request(b"Sec-WebSocket-Key: T+9CxdPnLVNTJ/u0XDtHuQ=="),
        ("field.duplicate", "request.order"),
        (KEY,),
    ),
    RequestVector("C75", _with(HOST), ("request.host",), (HOST,)),
    RequestVector("C75 stratus", _with(HOST, b"Host: skyq"), options={"host_port": "with"}, sent=(HOST,)),
    RequestVector("C75 IXWebSocket", REQUEST, options={"host_port": "without"}, sent=(b"Host: skyq",)),
    RequestVector("C83 C113", HIXIE_REQUEST, ("request.hixie76",), repaired=False),
    RequestVector(
        "C85",
        _request(b"Cookie: a=1", b"User-Agent: " + b"x" * 3000),
        ("field.many-bytes",),
        (b"Cookie: a=1",),
        options={"few_fields": True},
        gone=b"User-Agent",
    ),
    RequestVector(
        "C86",
        _request(b"User-Agent: NetType/MOB\xc4\xb0LE"),
        ("field.not-ascii",),
        (b"User-Agent: NetType/MOB??LE",),
    ),
    RequestVector(
        "C86 autopush",
        _request(b"Sec-WebSocket-Protocol: push, p\xe5"),
        ("field.not-ascii", "request.subprotocol"),
        (b"Sec-WebSocket-Protocol: push",),
    ),
    RequestVector("C90", _with(UPGRADE), ("request.upgrade",), (UPGRADE,)),
    RequestVector(
        "C95",
        REQUEST[:-2] + b"Authorization: Basic YWRtaW46YWRtaW4=\n\r\n",
        ("field.line-end",),
        (b"Authorization: Basic YWRtaW46YWRtaW4=",),
    ),
    RequestVector("C97", _with(KEY, b"Sec-WebSocket-Key: foo"), ("request.key",), (FRESH_KEY_LINE,)),
    RequestVector(
        "C109", _request(b"X-Custom-Header: "), ("field.blank",), (VERSION,), gone=b"X-Custom-Header"
    ),
    RequestVector(
        "C110 C141",
        _request(b"Sec-WebSocket-Protocol: Bearer,token"),
        ("field.list-spelling",),
        (b"Sec-WebSocket-Protocol: Bearer, token",),
    ),
    RequestVector(
        "C141 canton",
        _request(b"Sec-WebSocket-Protocol: Bearer, token"),
        options={"comma": ","},
        sent=(b"Sec-WebSocket-Protocol: Bearer,token",),
    ),
    RequestVector(
        "C111", lines(GET, HOST, UPGRADE, CONNECTION, VERSION, KEY), ("request.order",), (KEY, VERSION)
    ),
    RequestVector(
        "C114",
        lines(
            GET,
            HOST,
            UPGRADE,
            b"Connection: a, Upgrade",
            KEY,
            b"Sec-WebSocket-Version: 7",
            b"Sec-WebSocket-Origin: http://localhost/",
        ),
        (_CONNECTION, "request.origin", "request.websocket-version"),
        (VERSION, b"Origin: http://localhost"),
        gone=b"Sec-WebSocket-Origin",
    ),
    RequestVector(
        "C121 C106",
        _request(b"Sec-WebSocket-Protocol: arduino", b"Origin: file://"),
        ("request.origin",),
        (b"Origin: null",),
        options={"subprotocols": ""},
        gone=b"Sec-WebSocket-Protocol",
    ),
    RequestVector(
        "C122",
        lines(
            GET,
            b"Host: ws://192.168.0.9:81/",
            b"Upgrade: WebSocket",
            CONNECTION,
            KEY,
            VERSION,
            b"Sec - WebSocket - Protocol: arduino ",
            b"Sec - WebSocket - Protocol: arduino ",
        ),
        (
            "field.name",
            "field.space",
            "field.split-list",
            "field.upgrade-spelling",
            "request.host",
            "request.subprotocol",
        ),
        (b"Host: 192.168.0.9:81", UPGRADE, b"Sec-WebSocket-Protocol: arduino"),
    ),
    RequestVector(
        "C127",
        lines(b"GET /tunnel HTTP/1.1", HOST, b"connection: upgrade", UPGRADE),
        (NAME, _CONNECTION, "request.not-websocket"),
        repaired=False,
    ),
    RequestVector("C129", _request(start=b"GET /x HTTP/1.0"), ("request.version",), (b"GET /x HTTP/1.1",)),
    RequestVector("C135 double slash", _request(start=b"GET // HTTP/1.1"), (), (b"GET // HTTP/1.1",)),
    RequestVector(
        "C137 C110",
        _request(b'Sec-WebSocket-Extensions: permessage-deflate ; server_max_window_bits = "15"'),
        ("request.extension-spelling",),
        (b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15",),
    ),
    RequestVector(
        "C142", _request(UPGRADE, KEY), ("field.duplicate", "field.split-list", "request.order"), (KEY,)
    ),
    RequestVector(
        "X07",
        _request(start=b"GET ws://skyq:9006/as?x=1 HTTP/1.1"),
        ("request.target",),
        (b"GET /as?x=1 HTTP/1.1",),
    ),
    RequestVector(
        "RFC 9112 5.2",
        _request(b"Cookie: a=1;\r\n\t b=2"),
        ("field.fold",),
        (b"Cookie: a=1; b=2",),
    ),
    RequestVector("RFC 9112 2.2", b"\r\n\n" + REQUEST, ("request.preamble",), (GET,)),
    RequestVector("RFC 9112 5", _request(b"this is no field"), ("field.colon",), (KEY,), gone=b"this"),
    RequestVector("RFC 9110 5.5", _request(b"X-A: a\0b"), ("field.control-character",), (b"X-A: ab",)),
    RequestVector(
        "RFC 7692 7.1.2.1",
        _request(b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7, x"),
        ("request.deflate-parameter",),
        (b"Sec-WebSocket-Extensions: x",),
    ),
    RequestVector(
        "RFC 6455 4.1", _request(start=b"POST /x HTTP/1.1"), ("request.method",), (b"GET /x HTTP/1.1",)
    ),
    RequestVector(
        "RFC 9112 3",
        _request(start=b"get  /a b  http/1.1"),
        ("request.line", "request.target"),
        (b"GET /a%20b HTTP/1.1",),
    ),
)
