"""Look at what a decoder gave: the whole frames in it, however they came out."""

from collections.abc import Iterable, Iterator, Sequence

from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, WireEvent


def whole(events: Iterable[WireEvent]) -> list[Frame | OpaqueData]:
    """The events with every piece put back into its frame, and all opaque data in one."""
    joined: list[Frame | OpaqueData] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, FramePiece):
            assert isinstance(last, Frame)
            assert event.position == len(last.payload)
            assert event.masking_key == last.masking_key
            joined[-1] = last._replace(payload=last.payload + event.payload, trailer=event.trailer)
            assert event.last == joined[-1].complete
        elif isinstance(event, OpaqueData) and isinstance(last, OpaqueData):
            assert event.offset == last.offset + len(last.data)
            joined[-1] = last._replace(data=last.data + event.data)
        else:
            joined.append(event)
    return joined


def fed(decoder: FrameDecoder, chunks: Iterable[bytes]) -> list[WireEvent]:
    """All that the decoder makes of the chunks."""
    return [event for chunk in chunks for event in decoder.receive_data(chunk)]


def cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """`data` in chunks of these sizes, over and over."""
    position = 0
    while position < len(data):
        for size in sizes:
            yield data[position : position + size]
            position += size


def serialized(events: Iterable[WireEvent]) -> bytes:
    """The events as the bytes they were."""
    return b"".join(event.serialize() for event in events)
