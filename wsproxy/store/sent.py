"""What went on, from what was received and what was changed on the way."""

from collections.abc import Iterable, Iterator

from wsproxy.store.model import StoredChange


def apply_changes(received: Iterable[bytes], changes: Iterable[StoredChange]) -> Iterator[bytes]:
    """The bytes that were sent on for `received`, the bytes of a side's stream from its beginning.

    `changes` are those of that side, by start offset and, at the same offset, in the order they were made.
    """
    source = _Source(received)
    for change in changes:
        yield from source.take_until(change.start_offset)
        if change.sent:
            yield change.sent
        for _ in source.take_until(change.end_offset):
            pass
    yield from source.rest()


class _Source:
    """A stream of chunks that can be taken up to an offset; what lies behind it stays taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._offset = 0

    def take_until(self, offset: int) -> Iterator[bytes]:
        while self._offset < offset:
            if not self._chunk:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return
                self._chunk = chunk
            part, self._chunk = self._chunk[: offset - self._offset], self._chunk[offset - self._offset :]
            self._offset += len(part)
            yield part

    def rest(self) -> Iterator[bytes]:
        if self._chunk:
            yield self._chunk
        yield from self._chunks
