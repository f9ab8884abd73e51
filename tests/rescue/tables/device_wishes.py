"""Devices who negotiate oddly, send more than the response, or want the request in a way of their own."""

import hashlib

from tests.devices.device import switching
from tests.devices.habits import hixie76, hixie76_close
from tests.devices.lenient import Head, Hixie76Reader
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import (
    ECHO,
    GREETED,
    GREETED_FIRST,
    answering,
    device,
)
from tests.wire.build import frame, lines


def _chosen(subprotocol: bytes) -> bytes:
    return b"Sec-WebSocket-Protocol: " + subprotocol


def _asked(*subprotocols: str) -> Task:
    return Task(ECHO.says, ECHO.hears, subprotocols=subprotocols)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _hixie_answer(head: Head) -> bytes:
    numbers = b""
    for name in ("Sec-WebSocket-Key1", "Sec-WebSocket-Key2"):
        value = head.get(name) or b""
        digits = int(b"".join(bytes([c]) for c in value if 48 <= c <= 57) or b"0")
        numbers += (digits // max(1, value.count(b" "))).to_bytes(4, "big")
    response = lines(
        b"HTTP/1.1 101 WebSocket Protocol Handshake",
        b"Upgrade: WebSocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Origin: " + (head.get("Origin") or b"null"),
        b"Sec-WebSocket-Location: ws://" + (head.get("Host") or b"") + head.path.encode(),
    )
    return response + hashlib.md5(numbers + head.raw[-8:]).digest()


NEGOTIATION = (
    device(
        "subprotocol-nobody-offered",
        "handshake C77",
        "wscat#127",
        quick=True,
        answer=answering(_chosen(b"xmpp")),
    ),
    device("empty-subprotocol", "handshake C77", "uWebSockets.js#708", answer=answering(_chosen(b""))),
    device(
        "subprotocol-twice",
        "handshake C118",
        "Proxyman#1635",
        task=_asked("v12.stomp"),
        answer=answering(_chosen(b"v12.stomp"), _chosen(b"v12.stomp")),
    ),
    device(
        "subprotocol-by-another-name",
        "handshake C125",
        "hbmqtt#20",
        task=_asked("mqttv3.1"),
        normalize="[options]\nretype = {}",
        answer=answering(_chosen(b"mqtt")),
    ),
    device(
        "subprotocol-not-answered",
        "handshake C78, handshake C79",
        "NetCoreServer#328",
        quick=True,
        task=_asked("ocpp1.6"),
        answer=answering(),
    ),
    device(
        "extension-nobody-offered",
        "handshake C102",
        "crossws#18",
        answer=answering(b"Sec-WebSocket-Extensions: x-video-frames"),
    ),
    device(
        "window-bits-without-value",
        "handshake C63",
        "Bauglir-WebSocket-2#2",
        answer=answering(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
    ),
    device(
        "quoted-window-bits",
        "handshake C137",
        "tqsdk#509",
        answer=answering(b'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="15"'),
    ),
    device(
        "window-of-8",
        "handshake C66, frames Z17",
        "oven-sh/bun#38632",
        answer=answering(b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"),
    ),
    device(
        "unknown-deflate-parameter",
        "handshake C110",
        "undici#5714",
        answer=answering(b"Sec-WebSocket-Extensions: permessage-deflate; level=9"),
    ),
    device(
        "webkit-deflate-frame",
        "handshake C53, frames Z23",
        "websockets#178",
        answer=answering(b"Sec-WebSocket-Extensions: x-webkit-deflate-frame"),
    ),
    device(
        "empty-extensions",
        "handshake C117",
        "uWebSockets.js#76",
        answer=answering(b"Sec-WebSocket-Extensions: "),
    ),
)

AFTER_THE_HEAD = (
    device(
        "line-end-behind-the-101",
        "frames A05",
        "python-websockets/websockets#177",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=answering(behind=b"\r\n"),
    ),
    device(
        "nul-behind-the-101",
        "frames A07, frames A03",
        "warmcat/libwebsockets#2774",
        quick=True,
        task=GREETED_FIRST,
        greeting=GREETED,
        answer=answering(behind=b"\0"),
    ),
    device(
        "frame-glued-to-the-101",
        "handshake C70, frames A02",
        "espressif/esp-protocols#396",
        task=GREETED_FIRST,
        greeting=GREETED,
        glued=True,
    ),
    device(
        "stray-last-chunk",
        "frames T03",
        "mirage/ocaml-cohttp#1141",
        task=GREETED_FIRST,
        greeting=b"0\r\n\r\n" + GREETED,
        normalize='[options.server]\nchunks = "mend"',
        answer=answering(b"Transfer-Encoding: chunked"),
    ),
    device(
        "really-chunked",
        "handshake C151, frames T01",
        "phusion/passenger-nodejs-websocket-demo#2",
        task=GREETED_FIRST,
        normalize='[options.server]\nchunks = "mend"',
        answer=answering(b"Transfer-Encoding: chunked"),
        greeting=b"%x\r\n%s\r\n" % (len(GREETED), GREETED),
        voice=lambda: lambda message: _chunk(frame(1, str(message).encode())),
        close=lambda payload: _chunk(frame(8, payload[:2])),
    ),
    device(
        "hixie-76",
        "frames D01, frames D03",
        "websockets/ws#2150",
        task=Task(("hello",), ("hello",)),
        normalize="[options.server]\nhixie76 = true",
        codes=(),
        body=8,
        voice=hixie76,
        close=hixie76_close,
        reader=Hixie76Reader,
        needs=lambda head: head.get("Sec-WebSocket-Key1") is not None,
        answer=_hixie_answer,
    ),
)

WANTS = (
    device(
        "sky-q",
        "handshake C01",
        "aiohttp#3291",
        task=GREETED_FIRST,
        greeting=GREETED,
        pushes=lambda head: head.has_line(b"Upgrade: websocket"),
    ),
    device(
        "connection-capitalized",
        "handshake C02",
        "websocket-client#595",
        needs=lambda head: head.has_line(b"Connection: Upgrade"),
        refusal=b"",
    ),
    device(
        "host-first",
        "handshake C153",
        "wreq#984",
        needs=lambda head: head.lines[1].startswith(b"Host: "),
    ),
    device(
        "last-field-cut",
        "handshake C111",
        "erpuno/ws#5",
        answer=lambda head: switching(Head(head.raw[:-13] + b"\r\n\r\n")),
    ),
    device(
        "no-origin",
        "handshake C134, handshake C21",
        "LgTvWebOSSwift#4",
        normalize='[options.server]\norigin = ""',
        needs=lambda head: head.get("Origin") is None,
    ),
    device(
        "some-origin",
        "handshake C22, handshake C74",
        "OpenSIPS#2176",
        normalize='[options.server]\norigin = "http://localhost"',
        needs=lambda head: head.get("Origin") == b"http://localhost",
    ),
    device(
        "host-without-port",
        "handshake C75",
        "IXWebSocket#530",
        normalize='[options.server]\nhost_port = "without"',
        needs=lambda head: b":" not in (head.get("Host") or b":"),
    ),
    device(
        "subprotocol-wanted",
        "handshake C105",
        "onsip/SIP.js#65",
        task=Task(("hello",), ("hello",)),
        normalize='[options.server]\nsubprotocols = "sip"',
        needs=lambda head: head.get("Sec-WebSocket-Protocol") == b"sip",
        answer=answering(_chosen(b"sip")),
    ),
    device(
        "no-extensions-wanted",
        "handshake C51, frames X11",
        "gun#371",
        normalize='[options.server]\nextensions = ""',
        needs=lambda head: head.get("Sec-WebSocket-Extensions") is None,
    ),
    device(
        "request-of-300-bytes",
        "handshake C85",
        "hoaproject/Websocket#72",
        normalize='[options.server]\nfew_fields = true\norigin = ""\nextensions = ""',
        needs=lambda head: len(head.raw) <= 300,
    ),
)


CASES: tuple[Case, ...] = (*NEGOTIATION, *AFTER_THE_HEAD, *WANTS)
