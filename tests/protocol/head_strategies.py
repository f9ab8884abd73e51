"""Hypothesis strategies for heads: nearly right ones, and their pieces in any order."""

from hypothesis import strategies as st

line_ends = st.sampled_from([b"\r\n", b"\n", b"\r\r\n"])
names = st.sampled_from(
    [
        b"Upgrade",
        b"upgrade",
        b"Connection",
        b"Sec - WebSocket - Key",
        b"X-A",
        b"x-a",
        b"X-\xe9",
        b"Set-Cookie",
    ]
)
values = st.sampled_from([b"websocket", b"Upgrade, keep-alive", b"", b"a", b"b", b"\xc4\xb0", b"a:b", b"\0"])
separators = st.sampled_from([b": ", b":", b" : ", b":\t", b":\r\n "])
trailers = st.sampled_from([b"", b" ", b"\r\n folded", b"\n\tfolded"])
start_lines = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"GET /a b HTTP/1.0",
        b"HTTP/1.1 101 Switching Protocols",
        b"http/1.1 101",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 100 Continue",
        b"ICY 200 OK",
        b"Error: HTTP/1.1 400 Bad Request",
    ]
)
field_lines = st.one_of(
    st.builds(lambda *parts: b"".join(parts), names, separators, values, trailers),
    st.sampled_from([b"no colon", b" folded", b": no name"]),
)


@st.composite
def whole_heads(draw: st.DrawFn) -> bytes:
    """A head with any line ends, its blank line included."""
    first = [draw(start_lines), *draw(st.lists(field_lines, max_size=6))]
    return b"".join(line + draw(line_ends) for line in (*first, b""))


pieces = st.sampled_from(
    [
        b"HTTP/",
        b"HTTP/1.1 101",
        b"HTTP/1.1 100 c",
        b"GET ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b":",
        b" ",
        b"\x81",
        b"a",
    ]
)
heads = st.one_of(
    whole_heads(),
    st.lists(st.one_of(whole_heads(), pieces), max_size=8).map(b"".join),
    st.binary(max_size=60),
)
"""Whole heads, several of them with junk between, and anything."""
