"""Bytes and the frames they are: one table, written by hand, for whatever reads or writes frames.

A vector's frames stand one behind the other in its bytes. What is left over (`rest`) is a frame cut short or,
where there is a `reason`, opaque. Sources are sections of RFC 6455, cases of real peers with their thread, or
the hixie-76 draft.
"""

from dataclasses import dataclass
from itertools import accumulate

from wsproxy.protocol.frame import Frame

KEY = bytes.fromhex("37fa213d")


@dataclass(frozen=True, slots=True)
class FrameVector:
    """`data` and what a decoder of `dialect` must see in it; `reason` is a word of why the rest is opaque."""

    name: str
    source: str
    data: bytes
    frames: tuple[Frame, ...]
    dialect: str = "rfc6455"
    rest: bytes = b""
    reason: str = ""


def _frame(
    header: str,
    payload: bytes = b"",
    opcode: int = 1,
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
    mark: bytes = b"",
) -> Frame:
    length = None if mark else len(payload)
    return Frame(0, bytes.fromhex(header), fin, rsv, opcode, key, length, payload, mark)


def _vector(
    name: str,
    source: str,
    data: str | bytes,
    *frames: Frame,
    dialect: str = "rfc6455",
    rest: str | bytes = b"",
    reason: str = "",
) -> FrameVector:
    sizes = (len(each.header) + len(each.payload) + len(each.trailer) for each in frames)
    placed = tuple(
        each._replace(offset=start) for each, start in zip(frames, accumulate(sizes, initial=0), strict=False)
    )
    return FrameVector(name, source, _bytes(data), placed, dialect, _bytes(rest), reason)


def _bytes(data: str | bytes) -> bytes:
    return bytes.fromhex(data) if isinstance(data, str) else data


RFC_EXAMPLES = (
    _vector("single text", "5.7", "81 05 48 65 6c 6c 6f", _frame("8105", b"Hello")),
    _vector(
        "single masked text",
        "5.7",
        "81 85 37 fa 21 3d 7f 9f 4d 51 58",
        _frame("818537fa213d", b"Hello", key=KEY),
    ),
    _vector(
        "fragmented text",
        "5.7",
        "01 03 48 65 6c 80 02 6c 6f",
        _frame("0103", b"Hel", fin=False),
        _frame("8002", b"lo", 0),
    ),
    _vector("ping", "5.7", "89 05 48 65 6c 6c 6f", _frame("8905", b"Hello", 9)),
    _vector(
        "masked pong",
        "5.7",
        "8a 85 37 fa 21 3d 7f 9f 4d 51 58",
        _frame("8a8537fa213d", b"Hello", 10, key=KEY),
    ),
    _vector("256 bytes", "5.7", b"\x82\x7e\x01\x00" + bytes(256), _frame("827e0100", bytes(256), 2)),
    _vector(
        "64 KiB",
        "5.7",
        bytes.fromhex("827f0000000000010000") + bytes(65536),
        _frame("827f0000000000010000", bytes(65536), 2),
    ),
)

LENGTHS = (
    _vector("empty", "5.2", "81 00", _frame("8100")),
    _vector("empty masked", "5.2", "81 80 37 fa 21 3d", _frame("818037fa213d", key=KEY)),
    _vector("125 in 7 bits", "5.2", b"\x82\x7d" + bytes(125), _frame("827d", bytes(125), 2)),
    _vector("126 in 16 bits", "5.2", b"\x82\x7e\x00\x7e" + bytes(126), _frame("827e007e", bytes(126), 2)),
    _vector(
        "65535 in 16 bits", "5.2", b"\x82\x7e\xff\xff" + bytes(65535), _frame("827effff", bytes(65535), 2)
    ),
    _vector(
        "125 in 16 bits",
        "L10 OvenMediaEngine#2315",
        b"\x81\x7e\x00\x7d" + b"x" * 125,
        _frame("817e007d", b"x" * 125),
    ),
    _vector(
        "65535 in 64 bits",
        "L10 OvenMediaEngine#2315",
        bytes.fromhex("817f000000000000ffff") + b"x" * 65535,
        _frame("817f000000000000ffff", b"x" * 65535),
    ),
    _vector("none in 16 bits", "5.2, not minimal", "81 7e 00 00", _frame("817e0000")),
    _vector("none in 64 bits", "5.2, not minimal", "817f0000000000000000", _frame("817f0000000000000000")),
    _vector(
        "masked, one byte in 64 bits",
        "5.2, not minimal",
        "81ff000000000000000137fa213d7f",
        _frame("81ff000000000000000137fa213d", b"H", key=KEY),
    ),
    _vector(
        "masked, 16 bits, the Sky Q status",
        "5.2",
        bytes.fromhex("81fe06a700000000") + b"{" * 1703,
        _frame("81fe06a700000000", b"{" * 1703, key=bytes(4)),
    ),
    _vector(
        "64 bits, the top one set",
        "5.2",
        "817f8000000000000000",
        rest="817f8000000000000000",
        reason="top bit",
    ),
    _vector(
        "64 bits, all set, behind a frame",
        "5.2",
        "890082fffffffffffffffffffffffffffffffe",
        _frame("8900", b"", 9),
        rest="82fffffffffffffffffffffffffffffffe",
        reason="top bit",
    ),
)

ODD_BITS = (
    _vector("RSV1", "F02 AndroidAsync#61", "c1 01 00", _frame("c101", b"\0", rsv=4)),
    _vector("RSV1 on an empty frame", "Z11 websocket-sharp#250", "c2 00", _frame("c200", b"", 2, rsv=4)),
    _vector("RSV2 and RSV3", "F07 ws#2151", "b1 00", _frame("b100", rsv=3)),
    _vector("every bit", "O05 websockets#1651", "ff 00", _frame("ff00", b"", 15, rsv=7)),
    _vector("opcode 7", "O03 netty#13074", "87 01 61", _frame("8701", b"a", 7)),
    _vector("opcode 15", "O05 websockets#1651", "8f 00", _frame("8f00", b"", 15)),
    _vector(
        "masked by a server",
        "M01 DotNetty#531",
        "82 81 00000000 61",
        _frame("828100000000", b"a", 2, key=bytes(4)),
    ),
    _vector("ping without FIN", "C01 ws#1476", "09 00", _frame("0900", b"", 9, fin=False)),
    _vector("pong without FIN", "C07 hyperion.ng#1820", "0a 02 68 69", _frame("0a02", b"hi", 10, fin=False)),
    _vector(
        "ping of 126 bytes",
        "C05 bun#35030",
        b"\x89\x7e\x00\x7e" + b"b" * 126,
        _frame("897e007e", b"b" * 126, 9),
    ),
    _vector("unmasked close", "M10 misultin#99", "88 00", _frame("8800", b"", 8)),
    _vector(
        "masked close", "M10 misultin#99", "88 80 aaaaaaaa", _frame("8880aaaaaaaa", b"", 8, key=b"\xaa" * 4)
    ),
    _vector("close code in ASCII", "K01 websocket-client#136", "880431303031", _frame("8804", b"1001", 8)),
    _vector(
        "close code 1005", "K17 homebridge-samsung-tizen#499", "880203ed", _frame("8802", b"\x03\xed", 8)
    ),
    _vector("close of one byte", "5.5.1", "88 01 03", _frame("8801", b"\x03", 8)),
    _vector("orphan continuation", "G17 ESPAsyncWebServer#325", "80 01 61", _frame("8001", b"a", 0)),
)

NO_FRAMES = (
    _vector(
        "HTTP behind a close",
        "H01 effect#7457",
        b"\x88\x02\x11\x30HTTP/1.1 204 No Content\r\n\r\n",
        _frame("8802", b"\x11\x30", 8),
        rest=b"HTTP/1.1 204 No Content\r\n\r\n",
    ),
    _vector("an HTTP request", "X14 gorilla#797", b"GET / HTTP/1.1\r\n", rest=b"GET / HTTP/1.1\r\n"),
    _vector("CRLF before a frame", "A05 websockets#177", b"\r\n\x81\x05Hello", rest=b"\r\n\x81\x05Hello"),
    _vector(
        "NUL before a frame",
        "A07 libwebsockets#2774",
        "0081 0548656c 6c 6f",
        _frame("00810548656c", b"i", 0, fin=False, key=bytes.fromhex("0548656c")),
        rest="6f",
    ),
    _vector(
        "a TLS record",
        "X18 gladd#54",
        "17030300 05aabb ccddee",
        _frame("1703", b"\x03\x00\x05", 7, fin=False, rsv=1),
        rest="aabbccddee",
    ),
    _vector(
        "JSON after a length too small",
        "F03 PHP-Websockets#77",
        b'\x81\x02{"a":1}',
        _frame("8102", b'{"'),
        rest=b'a":1}',
    ),
    _vector("nothing", "no frame yet", b""),
    _vector("one byte", "W02 aiohttp#1951", "89", rest="89"),
    _vector("a length cut short", "Q06 ESPAsyncWebServer#453", "817e01", rest="817e01"),
    _vector("a masking key cut short", "C10 ESPAsyncWebServer#168", "8880aabb", rest="8880aabb"),
    _vector("a payload cut short", "U03 websocket-manager#40", "8106e4b8ade696", rest="8106e4b8ade696"),
)

LEN32 = (
    _vector(
        "65536 in 32 bits",
        "L01 phpwebsocket#52",
        b"\x81\x7f\x00\x01\x00\x00" + b"x" * 65536,
        _frame("817f00010000", b"x" * 65536),
        dialect="len32",
    ),
    _vector(
        "masked, 32 bits",
        "L02 bird-socket-client#24",
        "81ff00000005 37fa213d 7f9f4d5158 8900",
        _frame("81ff0000000537fa213d", b"Hello", key=KEY),
        _frame("8900", b"", 9),
        dialect="len32",
    ),
    _vector("16 bits as ever", "5.2", "817e000161", _frame("817e0001", b"a"), dialect="len32"),
    _vector("torn in its length", "L01 phpwebsocket#52", "817f000100", rest="817f000100", dialect="len32"),
)

HIXIE76 = (
    _vector("text", "D01 ws#2150", b"\x00Hello\xff", _frame("00", b"Hello", mark=b"\xff"), dialect="hixie76"),
    _vector("empty text", "draft 4.2", "00 ff", _frame("00", b"", mark=b"\xff"), dialect="hixie76"),
    _vector(
        "two texts and a close",
        "draft 5.3",
        b"\x00a\xff\x00b\xff\xff\x00",
        _frame("00", b"a", mark=b"\xff"),
        _frame("00", b"b", mark=b"\xff"),
        _frame("ff00", b"", 8),
        dialect="hixie76",
    ),
    _vector(
        "reserved, ends with FF",
        "draft 4.2",
        b"\x05zz\xff",
        _frame("05", b"zz", 3, mark=b"\xff"),
        dialect="hixie76",
    ),
    _vector("length first", "draft 4.2", "80 02 ff00", _frame("8002", b"\xff\x00", 2), dialect="hixie76"),
    _vector(
        "length first, none",
        "draft 4.2",
        "80 00 ff 00",
        _frame("8000", b"", 2),
        _frame("ff00", b"", 8),
        dialect="hixie76",
    ),
    _vector(
        "length of two groups",
        "draft 4.2",
        b"\xff\x81\x00" + bytes(128),
        _frame("ff8100", bytes(128), 2),
        dialect="hixie76",
    ),
    _vector("text without end", "draft 4.2", b"\x00abc", rest=b"\x00abc", dialect="hixie76"),
    _vector(
        "CRLF, then a frame",
        "A09 grizzly#855",
        b"\r\n\x00a\xff",
        _frame("0d", b"\n\x00a", 3, mark=b"\xff"),
        dialect="hixie76",
    ),
    _vector(
        "a length without end",
        "draft 4.2",
        b"\x00a\xff\x80" + b"\x80" * 70,
        _frame("00", b"a", mark=b"\xff"),
        rest=b"\x80" * 71,
        reason="more than 64 bytes",
        dialect="hixie76",
    ),
    _vector(
        "a length of 2^63",
        "draft 4.2",
        b"\x80\x81" + b"\x80" * 8 + b"\x00",
        rest=b"\x80\x81" + b"\x80" * 8 + b"\x00",
        reason="top bit",
        dialect="hixie76",
    ),
)

VECTORS = (*RFC_EXAMPLES, *LENGTHS, *ODD_BITS, *NO_FRAMES, *LEN32, *HIXIE76)
