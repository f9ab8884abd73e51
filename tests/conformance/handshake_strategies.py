"""Hypothesis strategies for opening handshakes as real peers write them: parsable, and odd in many ways."""

from collections.abc import Callable

from hypothesis import strategies as st

from wsproxy.protocol.handshake import compute_accept

_COLONS = st.sampled_from([b": ", b":", b":  ", b":\t", b" : ", b":\r\n "])
_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r\r\n", b" \r\n"])
_CASES: st.SearchStrategy[Callable[[bytes], bytes]] = st.sampled_from(
    [bytes.strip, bytes.lower, bytes.upper, bytes.title]
)
_UPGRADES = st.sampled_from([b"websocket", b"WebSocket", b"Websocket", b"websocket, websocket", b""])
_CONNECTIONS = st.sampled_from(
    [b"Upgrade", b"upgrade", b"keep-alive, Upgrade", b"Upgrade,Keep-Alive", b"keep-alive", b""]
)
_KEYS = st.sampled_from(
    [
        b"dGhlIHNhbXBsZSBub25jZQ==",
        b"foo",
        b"",
        b"qjaovfzeqzo=",
        b"JCMCrKJENqcrTU9erFxGoiP5P8JhjeocERQs9vgR/Y4=",
        b"123e4567-e89b-12d3-a456-426614174000",
    ]
)
_VERSIONS = st.sampled_from([b"13", b"8", b"7", b""])
_OTHERS = st.lists(
    st.sampled_from(
        [
            (b"User-Agent", b"NetType/MOB\xc4\xb0LE"),
            (b"Sec-WebSocket-Extensions", b""),
            (b"Sec-WebSocket-Extensions", b"permessage-deflate ; client_max_window_bits"),
            (b"Sec-WebSocket-Extensions", b'permessage-deflate; server_max_window_bits="10"'),
            (b"Sec-WebSocket-Extensions", b"permessage-deflate; server_max_window_bits"),
            (b"Sec-WebSocket-Protocol", b"ocpp1.6,ocpp1.5"),
            (b"Sec-WebSocket-Protocol", b"arduino, arduino"),
            (b"Sec - WebSocket - Protocol", b"arduino"),
            (b"Sec-WebSocket-Protocol", b"p\xe5"),
            (b"Server", b""),
            (b"Origin", b"file://"),
            (b"Origin", b"http://skyq:9006/as/system/status"),
            (b"Content-Length", b"0"),
            (b"X-\xd0\x98\xd0\xbc\xd1\x8f", b"1"),
            (b"X-A", b"a\0b"),
            (b"Cookie", b"a=1;\r\n b=2"),
        ]
    ),
    max_size=5,
)
_REQUEST_LINES = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"get  /x http/1.1",
        b"GET ws://skyq:9006/as?x=1#y HTTP/1.1",
        b"GET /as HTTP/1.0",
        b"GET as HTTP/1.1",
        b"GET /as",
        b"GET // HTTP/1.1",
    ]
)
_HOSTS = st.sampled_from([b"skyq:9006", b"ws://192.168.0.9:81/", b"[::1]:80", b"", None])
_STATUS_LINES = st.sampled_from(
    [
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 101",
        b"HTTP/1.1 101 ",
        b"HTTP/1.1 101 null",
        b"HTTP/1.0 101 Web Socket Protocol Handshake",
        b"HTTP/1.1 200 OK",
        b"http/1.1  101  Cambio \xe1",
    ]
)


@st.composite
def _lines(draw: st.DrawFn, first: bytes, fields: list[tuple[bytes, bytes]]) -> bytes:
    fields = draw(st.permutations(fields))
    lines = [draw(_CASES)(name) + draw(_COLONS) + value for name, value in fields]
    return b"".join(line + draw(_ENDS) for line in (first, *lines)) + draw(st.sampled_from([b"\r\n", b"\n"]))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that asks for a WebSocket: at least one of Upgrade and Connection, Key or Version."""
    fields = [(b"Upgrade", draw(_UPGRADES)), (b"Connection", draw(_CONNECTIONS))]
    tokens = (b"websocket" in fields[0][1].lower(), b"upgrade" in fields[1][1].lower())
    if not any(tokens):
        fields[0] = (b"Upgrade", b"websocket")
    fields += [(b"Sec-WebSocket-Key", draw(_KEYS)), (b"Sec-WebSocket-Version", draw(_VERSIONS))]
    host = draw(_HOSTS)
    fields += [] if host is None else [(b"Host", host)]
    fields += draw(st.lists(st.sampled_from(fields), max_size=2)) + draw(_OTHERS)
    blank_lines = draw(st.sampled_from([b"", b"", b"\r\n", b"\n\r\n"]))
    return blank_lines + draw(_lines(draw(_REQUEST_LINES), fields))


@st.composite
def responses(draw: st.DrawFn, key: bytes) -> bytes:
    """A response that agrees to speak WebSocket, in its way; or none at all."""
    accept = draw(st.sampled_from([compute_accept(key), compute_accept(b""), b"x", b"", None]))
    fields = [(b"Upgrade", b"websocket"), (b"Connection", draw(_CONNECTIONS))]
    fields += [] if accept is None else [(b"Sec-WebSocket-Accept", accept)]
    fields += draw(st.lists(st.sampled_from(fields), max_size=2)) + draw(_OTHERS)
    fields += draw(st.sampled_from([[], [(b"Transfer-Encoding", b"chunked")], [(b"Content-Length", b"5")]]))
    before = draw(st.sampled_from([b"", b"", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    return draw(st.one_of(st.just(b""), _lines(draw(_STATUS_LINES), fields).map(lambda head: before + head)))
