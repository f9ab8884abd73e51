"""Peers that compress, rightly or in a way of their own."""

import zlib

TAIL = b"\x00\x00\xff\xff"


class Compressor:
    """Compresses messages one after the other, as RFC 7692 section 7.2.1 says, with the tail removed."""

    def __init__(self, *, takeover: bool = True, window_bits: int = 15, level: int = 6) -> None:
        self._takeover = takeover
        self._settings = (level, zlib.DEFLATED, -window_bits)
        self._zlib = zlib.compressobj(*self._settings)

    def compress(self, message: bytes) -> bytes:
        """The payload data of the next message."""
        data = self._zlib.compress(message) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if not self._takeover:
            self._zlib = zlib.compressobj(*self._settings)
        assert data.endswith(TAIL)
        return data[:-4]


def finished(message: bytes) -> bytes:
    """A message as one whole DEFLATE stream, its last block a final one."""
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(message) + squeezer.flush()
