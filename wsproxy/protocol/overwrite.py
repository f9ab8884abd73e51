"""Payload data that must not be seen, overwritten so that frames stay what they are."""

from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.header import MAX_HEADER_SIZE, Header, Unreadable
from wsproxy.protocol.masking import apply_mask

FILLER = b"REDACTED"


def overwritten(size: int, position: int = 0) -> bytes:
    """What stands in place of `size` bytes that must not be seen, `position` bytes into the payload data."""
    start = position % len(FILLER)
    return (FILLER * (size // len(FILLER) + 2))[start : start + size]


def cut_short(pending: bytes, dialect: Dialect) -> bytes:
    """What came of a frame, its payload data overwritten."""
    header = dialect.read_header(pending)
    if not isinstance(header, Header):
        return pending
    payload = overwritten(len(pending) - header.size)
    key = header.masking_key
    return pending[: header.size] + (apply_mask(payload, key) if key else payload)


def unreadable_size(data: bytes, dialect: Dialect) -> int:
    """How many bytes it takes to see that they are no header: if these stay, `data` stays opaque."""
    for size in range(1, min(len(data), MAX_HEADER_SIZE) + 1):
        if isinstance(dialect.read_header(data[:size]), Unreadable):
            return size
    return 0
