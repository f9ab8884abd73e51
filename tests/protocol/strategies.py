"""Hypothesis strategies for what a side may send: frames in every header form, and anything else."""

from hypothesis import strategies as st

from tests.wire.build import frame

FORMS = (7, 16, 32, 64)

payloads = st.one_of(
    st.binary(max_size=20),
    st.builds(bytes, st.sampled_from([124, 125, 126, 127, 128, 300])),
)
masking_keys = st.one_of(st.none(), st.just(bytes(4)), st.binary(min_size=4, max_size=4))


@st.composite
def frame_bytes(draw: st.DrawFn) -> bytes:
    """One frame: any opcode, FIN, RSV bits and masking key, its length in any form that holds it."""
    payload = draw(payloads)
    return frame(
        draw(st.integers(0, 15)),
        payload,
        fin=draw(st.booleans()),
        rsv=draw(st.integers(0, 7)),
        key=draw(masking_keys),
        form=draw(st.sampled_from(FORMS if len(payload) < 126 else FORMS[1:])),
    )


hixie76_bytes = st.one_of(
    st.builds(lambda text: b"\0" + text + b"\xff", st.binary(max_size=20)),
    st.just(b"\xff\0"),
    st.builds(lambda data: bytes([0x80, len(data)]) + data, st.binary(max_size=20)),
)
streams = st.lists(st.one_of(frame_bytes(), hixie76_bytes, st.binary(max_size=12)), max_size=8).map(b"".join)
"""Well-formed frames, of any dialect, with junk between them."""

chunk_sizes = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any)
piece_limits = st.sampled_from([1, 2, 19, 125, 126, 65536])
