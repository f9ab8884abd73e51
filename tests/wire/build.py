"""Heads and frames written by hand, right or wrong on purpose; nothing of wsproxy is used to make them."""

import zlib

CRLF = b"\r\n"
KEY = bytes.fromhex("37fa213d")
"""The masking key of RFC 6455 section 5.7."""

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def lines(*each: bytes, eol: bytes = CRLF) -> bytes:
    """A head: the lines, and a blank one."""
    return eol.join(each) + eol + eol


def mask(payload: bytes, key: bytes = KEY) -> bytes:
    """XOR with the masking key."""
    repeated = key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
    form: int = 0,
) -> bytes:
    """A frame; `form` forces how the length is written: 7, 16, 64 bits, or 32 (127 and four bytes)."""
    first = bytes([fin << 7 | rsv << 4 | opcode])
    masked = mask(payload, key) if key is not None else payload
    return first + length(len(payload), masked=key is not None, form=form) + (key or b"") + masked


def client_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, form: int = 0
) -> bytes:
    """A masked frame."""
    return frame(opcode, payload, fin=fin, rsv=rsv, key=KEY, form=form)


def length(size: int, *, masked: bool = False, form: int = 0) -> bytes:
    """The length bytes of a header."""
    bit = masked << 7
    form = form or (7 if size < 126 else 16 if size < 65536 else 64)
    if form == 7:
        return bytes([bit | size])
    return bytes([bit | (126 if form == 16 else 127)]) + size.to_bytes(form // 8, "big")


def close(code: int, reason: bytes = b"") -> bytes:
    """The payload of a Close."""
    return code.to_bytes(2, "big") + reason


def deflated(*messages: bytes, window_bits: int = 15, keep_tail: bool = False) -> list[bytes]:
    """permessage-deflate payloads of consecutive messages, with context takeover (RFC 7692 section 7.2.1)."""
    squeezer = zlib.compressobj(wbits=-window_bits)
    made = [squeezer.compress(message) + squeezer.flush(zlib.Z_SYNC_FLUSH) for message in messages]
    return made if keep_tail else [payload.removesuffix(b"\x00\x00\xff\xff") for payload in made]


def noise(count: int, start: int = 0) -> bytes:
    """`count` bytes that look like nothing in particular, always the same ones."""
    turn = bytes((37 * i + 11 + start) % 251 for i in range(251))
    return (turn * (count // 251 + 1))[:count]


def words(count: int) -> bytes:
    """`count` bytes of ASCII text, always the same ones."""
    phrase = b"the box says nothing until it is asked in its own spelling; "
    return (phrase * (count // len(phrase) + 1))[:count]
