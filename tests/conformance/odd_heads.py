"""Heads of the kinds that have been seen, though not exactly so: `cites` says what is odd."""

from tests.conformance.request_vectors import FRESH_KEY_LINE, RequestVector
from tests.conformance.response_vectors import ResponseVector
from tests.wire.build import lines
from tests.wire.handshakes import (
    ACCEPT,
    CONNECTION,
    GET,
    KEY,
    REQUEST,
    RESPONSE,
    SWITCHING,
    UPGRADE,
    VERSION,
    request,
    response,
)

_EXTENSIONS = b"Sec-WebSocket-Extensions: "
_SUBPROTOCOL = b"Sec-WebSocket-Protocol: "
_DEFLATE = _EXTENSIONS + b"permessage-deflate"


def _instead(line: bytes, other: bytes) -> bytes:
    return REQUEST.replace(line, other)


def _answered(line: bytes, other: bytes) -> bytes:
    return RESPONSE.replace(line, other)


def _versions(*values: bytes, sent: tuple[bytes, ...] = (VERSION,)) -> tuple[RequestVector, ...]:
    return tuple(
        RequestVector(
            f"version {value.decode()}",
            _instead(VERSION, b"Sec-WebSocket-Version: " + value),
            ("request.websocket-version",),
            sent or (b"Sec-WebSocket-Version: " + value,),
            repaired=bool(sent),
        )
        for value in values
    )


def _upgrades(*values: bytes) -> tuple[RequestVector, ...]:
    return tuple(
        RequestVector(
            f"Upgrade {value.decode()}",
            _instead(UPGRADE, b"Upgrade: " + value),
            ("request.upgrade",),
            (UPGRADE,),
        )
        for value in values
    )


def _request_lines(*starts: bytes, rules: tuple[str, ...], sent: bytes = GET) -> tuple[RequestVector, ...]:
    return tuple(
        RequestVector(start.decode("latin-1"), request(start=start), rules, (sent,)) for start in starts
    )


def _status_lines(*starts: bytes, rules: tuple[str, ...]) -> tuple[ResponseVector, ...]:
    return tuple(ResponseVector(start.decode("latin-1"), response(start=start), rules) for start in starts)


_NAMES = ("field.name",)
_LINES = ("field.line-end",)
_PATH = b"/as/system/status"

ODD_REQUESTS = (
    RequestVector("Origin of nothing", request(b"Origin: "), ("request.origin",), (VERSION,), gone=b"Origin"),
    RequestVector("CR alone", REQUEST.replace(b"\r\n", b"\r"), _LINES, (GET, KEY, VERSION)),
    RequestVector("LF CR", REQUEST.replace(b"\r\n", b"\n\r"), ("field.line-end", "field.name"), (GET, KEY)),
    RequestVector("CR CR LF", REQUEST.replace(b"\r\n", b"\r\r\n"), _LINES, (GET, KEY)),
    RequestVector("blank line of LF", REQUEST[:-2] + b"\n", _LINES, (GET, VERSION)),
    RequestVector("no blank line", REQUEST[:-2], _LINES, (GET, VERSION)),
    RequestVector(
        "NUL behind each line", REQUEST.replace(b"\r\n", b"\r\n\0")[:-1], (*_LINES, *_NAMES), (GET, KEY)
    ),
    RequestVector("indented", REQUEST[:-2].replace(b"\r\n", b"\r\n  ")[:-2] + b"\r\n", _NAMES, (GET, KEY)),
    RequestVector("byte order mark", b"\xef\xbb\xbf" + REQUEST, ("request.foreign-bytes",), (GET,)),
    RequestVector("NUL before", b"\0" + REQUEST, ("request.foreign-bytes",), (GET,)),
    RequestVector(
        "PROXY", b"PROXY TCP4 127.0.0.1 127.0.0.1 5 80\r\n" + REQUEST, ("request.foreign-bytes",), (GET,)
    ),
    *_versions(
        b"13.0", b"v13", b'"13"', b"013", b"14", b"17", b"9", b"8, 13", b"13;", b"hybi-13", b"RFC6455"
    ),
    *_versions(b"6", b"0", b"1 3", b"76", sent=()),
    *_upgrades(b"websocket;", b"websocket; version=13", b"web-socket", b"ws", b": websocket", b"true"),
    RequestVector(
        "Upgrade h2c",
        _instead(UPGRADE, b"Upgrade: h2c"),
        ("request.upgrade",),
        (b"Upgrade: h2c",),
        repaired=False,
    ),
    RequestVector(
        "Key and NUL",
        _instead(KEY, KEY + b"\0"),
        ("field.control-character", "request.key"),
        (FRESH_KEY_LINE,),
    ),
    RequestVector("joined keys", _instead(KEY, KEY + b", " + KEY[19:]), ("request.key",), (FRESH_KEY_LINE,)),
    RequestVector(
        "underscores", REQUEST.replace(b"Sec-WebSocket-", b"Sec_WebSocket_"), _NAMES, (KEY, VERSION)
    ),
    RequestVector("no hyphens", _instead(b"Sec-WebSocket-Key", b"SecWebSocketKey"), _NAMES, (KEY,)),
    *_request_lines(
        b"PUT " + _PATH + b" HTTP/1.1", b"GETS " + _PATH + b" HTTP/1.1", rules=("request.method",)
    ),
    *_request_lines(
        b"GET " + _PATH,
        *(
            b"GET " + _PATH + b" " + each
            for each in (b"HTTP/2", b"HTTP1.1", b"HTTP", b"HTTP/ 1.1", b"WS/1.1")
        ),
        b"GET " + _PATH + b" HTTP/1.1 HTTP/1.1",
        rules=("request.version",),
    ),
    *_request_lines(
        b"GET ws://user:secret@skyq:9006" + _PATH + b" HTTP/1.1",
        b"GET skyq:9006" + _PATH + b" HTTP/1.1",
        b'GET "' + _PATH + b'" HTTP/1.1',
        b"GET " + _PATH + b"#top HTTP/1.1",
        b"GET as/system/status HTTP/1.1",
        rules=("request.target",),
    ),
    *(
        RequestVector(
            f"extensions {value.decode()}",
            request(_EXTENSIONS + value),
            ("field.extensions",),
            gone=_EXTENSIONS,
        )
        for value in (b"a/b", b"=", b'""', b"{permessage-deflate}", b";")
    ),
    RequestVector(
        "extensions without semicolon",
        request(_DEFLATE + b" client_max_window_bits"),
        ("field.extensions",),
        (_DEFLATE + b"; client_max_window_bits",),
    ),
    *(
        RequestVector(
            f"announces {line.decode()}", request(line), ("request.body",), (VERSION,), gone=line[:12]
        )
        for line in (b"Content-Length: x", b"Content-Length: -1", b"Transfer-Encoding: gzip")
    ),
)

_MISREAD = ("response.status", "response.version", "response.line")

ODD_RESPONSES = (
    ResponseVector("CR alone", RESPONSE.replace(b"\r\n", b"\r"), _LINES),
    ResponseVector("LF CR", RESPONSE.replace(b"\r\n", b"\n\r")[:-1], ("field.line-end", "field.name")),
    ResponseVector("no blank line", RESPONSE[:-2], _LINES),
    ResponseVector("NUL behind each line", RESPONSE.replace(b"\r\n", b"\r\n\0")[:-1], (*_LINES, *_NAMES)),
    ResponseVector("indented", RESPONSE[:-2].replace(b"\r\n", b"\r\n\t")[:-1] + b"\r\n", _NAMES),
    ResponseVector("byte order mark", b"\xef\xbb\xbf" + RESPONSE, ("response.preamble",)),
    *(
        ResponseVector(f"blank line of {blank!r}", RESPONSE[:-2] + blank + b"\r\n", _LINES)
        for blank in (b" ", b"\t", b" \t ")
    ),
    ResponseVector("telnet", b"\xff\xfb\x01" + RESPONSE, ("response.preamble",)),
    ResponseVector("100 and no blank line", b"HTTP/1.1 100 Continue\r\n" + RESPONSE, ("response.interim",)),
    ResponseVector(
        "answer to a CONNECT",
        b"HTTP/1.0 200 Connection established\r\n\r\n" + RESPONSE,
        ("response.preamble",),
    ),
    *_status_lines(
        b"HTTP/ 1.1 101 Switching Protocols",
        b"HTTP/1.1 Switching Protocols",
        b"HTTP/1.1 0101 Switching Protocols",
        b"101 Switching Protocols",
        rules=_MISREAD,
    ),
    *_status_lines(
        b"HTTP 101 Switching Protocols",
        b"HTTP/2.0 101 Switching Protocols",
        b"HTTP /1.1 101 Switching Protocols",
        b"HTTP 1.1 101 Switching Protocols",
        b"HTTP1.1 101 Switching Protocols",
        b"HTTP/1.1: 101 Switching Protocols",
        rules=("response.version",),
    ),
    *_status_lines(b"HTTP/1.1 101Switching Protocols", rules=("response.line",)),
    *_status_lines(b"HTTP/1.1 201 Created", b"HTTP/1.1 204 No Content", rules=("response.status",)),
    ResponseVector(
        "200 and an Accept",
        lines(b"HTTP/1.1 200 OK", ACCEPT),
        ("response.status", "response.upgrade", "response.connection"),
        lines(SWITCHING, ACCEPT, UPGRADE, CONNECTION),
    ),
    *(
        ResponseVector(
            f"Upgrade {value.decode()}", _answered(UPGRADE, b"Upgrade: " + value), ("response.upgrade",)
        )
        for value in (b"websocket;", b"websockets", b"ws", b": websocket", b"h2c", b"websocket; version=13")
    ),
    ResponseVector(
        "swapped",
        lines(SWITCHING, b"Upgrade: Upgrade", b"Connection: websocket", ACCEPT),
        ("response.upgrade", "response.connection"),
    ),
    ResponseVector(
        "Accept in lower case",
        _answered(ACCEPT, ACCEPT[:22] + ACCEPT[22:].lower()),
        ("response.accept",),
        detail="lower",
    ),
    ResponseVector(
        "Accept in quotes",
        _answered(ACCEPT[22:], b'"' + ACCEPT[22:] + b'"'),
        ("response.accept",),
        detail="quotes",
    ),
    ResponseVector("Accept with underscores", _answered(b"Sec-WebSocket-", b"Sec_WebSocket_"), _NAMES),
    ResponseVector(
        "empty Accept and a location",
        _answered(ACCEPT, b"Sec-WebSocket-Accept: \r\nX-Location: ws://skyq:9006/").replace(
            b"X-", b"Sec-WebSocket-"
        ),
        ("field.empty", "response.accept-missing"),
        lines(SWITCHING, UPGRADE, CONNECTION, b"Sec-WebSocket-Location: ws://skyq:9006/", ACCEPT),
    ),
    *(
        ResponseVector(
            f"subprotocol {value.decode()}",
            response(_SUBPROTOCOL + value),
            ("response.subprotocol",),
            response(_SUBPROTOCOL + b"ocpp1.5"),
            request(_SUBPROTOCOL + b"ocpp1.6, ocpp1.5"),
        )
        for value in (b'"ocpp1.5"', b"[ocpp1.5]", b"ocpp1.5;", b"ocpp1.5 ocpp1.6")
    ),
    ResponseVector("extensions ;", response(_EXTENSIONS + b";"), ("field.extensions",)),
    ResponseVector(
        "extensions without semicolon",
        response(_DEFLATE + b" server_no_context_takeover"),
        ("field.extensions",),
        response(_DEFLATE + b"; server_no_context_takeover"),
        request(_DEFLATE),
    ),
    ResponseVector(
        "extensions with an open quote",
        response(_DEFLATE + b'; server_max_window_bits="10'),
        ("field.extensions",),
        response(_DEFLATE + b"; server_max_window_bits=10"),
        request(_DEFLATE),
    ),
)
