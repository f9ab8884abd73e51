"""What the frames of a compressed message may be taken for.

Source: RFC 7692 section 6.
"""

from collections.abc import Iterator, Sequence

from wsproxy.protocol.inflate import DeflateFault, Fragment, unwrapped


def readings(
    fragments: Sequence[Fragment], data: bytes, limit: int, *, per_frame: bool
) -> Iterator[tuple[Sequence[Fragment], str | None]]:
    """What to inflate, the most likely first, each with what is wrong with it; `data` is all of their data.

    `per_frame` says that frames are compressed one by one, `limit` how many bytes of a file are looked at.
    """
    several = len(fragments) > 1
    if several and per_frame:
        yield fragments, None
    if fragments[0].rsv1:
        yield [Fragment(True, data)], None
    if several and not per_frame and any(fragment.rsv1 for fragment in fragments[1:]):
        yield fragments, DeflateFault.EACH_FRAME
        if not fragments[0].rsv1:
            yield [Fragment(True, data)], DeflateFault.UNMARKED
    if several and fragments[0].rsv1:
        yield [Fragment(True, fragment.data) for fragment in fragments], DeflateFault.INNER_TAIL
    inside = unwrapped(data, limit) if fragments[0].rsv1 else None
    if inside is not None:
        yield [Fragment(True, inside)], DeflateFault.WRAPPED
