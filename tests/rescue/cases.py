"""Every case."""

from tests.rescue.case import Case
from tests.rescue.tables import (
    client_ends,
    client_frames,
    client_heads,
    client_lines,
    device_ends,
    device_frames,
    device_heads,
    device_payloads,
    device_pieces,
    device_wishes,
    odd_heads,
    odd_lengths,
)

DEVICE_CASES: tuple[Case, ...] = (
    *device_heads.CASES,
    *device_wishes.CASES,
    *device_frames.CASES,
    *device_pieces.CASES,
    *device_payloads.CASES,
    *device_ends.CASES,
    *odd_heads.DEVICE_CASES,
    *odd_lengths.DEVICE_CASES,
)
CLIENT_CASES: tuple[Case, ...] = (
    *client_heads.CASES,
    *client_lines.CASES,
    *client_frames.CASES,
    *client_ends.CASES,
    *odd_heads.CLIENT_CASES,
    *odd_lengths.CLIENT_CASES,
)
CASES = (*DEVICE_CASES, *CLIENT_CASES)
