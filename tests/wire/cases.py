"""The table: every scripted conversation between a client and a device, with the thread it comes from."""

from tests.wire import (
    ends,
    frame_bits,
    frame_closes,
    frame_cuts,
    frame_lengths,
    frame_payloads,
    odd_heads,
    opening_bodies,
    opening_edges,
    opening_hixie,
    opening_spelling,
    opening_values,
    response_edges,
    response_heads,
    response_values,
)
from tests.wire.conversation import Case

CASES: tuple[Case, ...] = (
    *opening_spelling.CASES,
    *opening_values.CASES,
    *opening_edges.CASES,
    *opening_hixie.CASES,
    *opening_bodies.CASES,
    *odd_heads.CASES,
    *response_heads.CASES,
    *response_values.CASES,
    *response_edges.CASES,
    *frame_bits.CASES,
    *frame_closes.CASES,
    *frame_lengths.CASES,
    *frame_payloads.CASES,
    *frame_cuts.CASES,
    *ends.CASES,
)

BY_NAME = {case.name: case for case in CASES}
