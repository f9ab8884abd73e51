"""The slow decoder that decides: the construct grammar for the header, and the payload data behind it."""

from io import BytesIO
from typing import NamedTuple

from construct import StreamError

from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Frame
from wsproxy.protocol.header import MAX_HEADER_SIZE


class Reading(NamedTuple):
    """The complete frames of a stream, what stands behind them, and whether that can ever be a frame."""

    frames: list[Frame]
    rest: bytes
    opaque: bool


def read(dialect: Dialect, data: bytes) -> Reading:
    """All of `data` at once, which is all the stream there is."""
    frames: list[Frame] = []
    position = 0
    while True:
        rest = data[position:]
        stream = BytesIO(rest[:MAX_HEADER_SIZE])
        try:
            fields = dialect.header.parse_stream(stream)
        except StreamError:
            return Reading(frames, rest, opaque=len(rest) >= MAX_HEADER_SIZE)
        header, body = rest[: stream.tell()], rest[stream.tell() :]
        if fields.length is not None and fields.length >= 2**63:
            return Reading(frames, rest, opaque=True)
        size = body.find(b"\xff") if fields.length is None else fields.length
        if size < 0 or size > len(body):
            return Reading(frames, rest, opaque=False)
        payload, trailer = body[:size], b"\xff" if fields.length is None else b""
        key = fields.masking_key
        if key is not None:
            payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
        bits = (fields.fin, fields.rsv, fields.opcode, key, fields.length)
        frames.append(Frame(position, header, *bits, payload, trailer))
        position += len(header) + size + len(trailer)
