"""The bytes that pass in a benchmark, built without wsproxy so that they can judge it.

Source: RFC 6455 sections 1.3 and 5.2.
"""

import base64
import hashlib
import itertools
import struct
from collections.abc import Iterator

TEXT, BINARY = 0x1, 0x2
MASKING_KEY = bytes.fromhex("37fa213d")
KEY = base64.b64encode(b"a bench's nonce.")
BATCH_BYTES = 1 << 20

REQUEST = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
    + base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    + b"\r\n\r\n"
)


def header(length: int, opcode: int, masked: bool = False) -> bytes:
    """The shortest header of an unfragmented frame with `length` bytes of payload, less its masking key."""
    first, bit = 0x80 | opcode, 0x80 * masked
    if length < 126:
        return struct.pack("!BB", first, bit | length)
    if length < 1 << 16:
        return struct.pack("!BBH", first, bit | 126, length)
    return struct.pack("!BBQ", first, bit | 127, length)


def server_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """An unmasked frame."""
    return header(len(payload), opcode) + payload


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A masked frame."""
    masked = bytes(byte ^ key for byte, key in zip(payload, itertools.cycle(MASKING_KEY), strict=False))
    return header(len(payload), opcode, masked=True) + MASKING_KEY + masked


def end_payload(number: int) -> bytes:
    """The payload of the small message that ends flood `number`; found in a recording, the flood is in it."""
    return b"end of flood %d" % number


def flood(size: int, count: int, number: int) -> Iterator[bytes]:
    """`count` messages of `size` bytes in buffers of about 1 MiB, then the one that ends flood `number`."""
    one = server_frame(b"x" * size, TEXT if size < 1 << 16 else BINARY)
    batch = one * max(1, BATCH_BYTES // len(one))
    whole, rest = divmod(count, len(batch) // len(one))
    yield from itertools.repeat(batch, whole)
    yield one * rest + server_frame(end_payload(number))


def flood_length(size: int, count: int, number: int) -> int:
    """How many bytes `flood` gives in all."""
    return (len(header(size, TEXT)) + size) * count + len(server_frame(end_payload(number)))
