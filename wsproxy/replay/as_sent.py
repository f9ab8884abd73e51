"""What a side's peer was sent where something was changed on the way, in place of what was received."""

from collections.abc import Iterable, Iterator

from wsproxy.protocol.frame import Side
from wsproxy.replay.script import End, Happening, Sent, Tail
from wsproxy.store.model import StoredChange, StoredEvent


class _Stream:
    """One side's stream on its way on. Changes are by start offset."""

    def __init__(self, changes: Iterable[StoredChange]) -> None:
        self._changes = iter(changes)
        self._change = next(self._changes, None)
        self._begun = False
        self._offset = 0

    def receive_data(self, data: bytes) -> bytes:
        """What was sent for the next bytes."""
        out: list[bytes] = []
        position, end = self._offset, self._offset + len(data)
        while (change := self._change) is not None and change.start_offset < end:
            out.append(data[position - self._offset : max(position, change.start_offset) - self._offset])
            if not self._begun:
                out.append(change.sent)
            position = max(position, min(change.end_offset, end))
            self._begun = change.end_offset > end
            if self._begun:
                break
            self._change = next(self._changes, None)
        out.append(data[position - self._offset :])
        self._offset = end
        return b"".join(out)

    def injected(self, until_ns: int | None) -> Iterator[StoredChange]:
        """What was put behind all that has come, until then (None: all of it)."""
        while (change := self._change) is not None and not self._begun:
            late = until_ns is not None and (change.at_ns > until_ns or change.end_offset > self._offset)
            if late or change.start_offset > self._offset:
                return
            yield change
            self._change = next(self._changes, None)


def as_sent(
    happenings: Iterable[Happening], side: Side, changes: Iterable[StoredChange]
) -> Iterator[Happening]:
    """The happenings with what was sent on of what `side` sent, at the time it was received.

    `changes` are those of that side, by start offset and, at the same offset, in the order they were made.
    """
    stream = _Stream(changes)
    last_id = 0
    for happening in happenings:
        last_id = happening.id
        for change in stream.injected(happening.at_ns):
            yield Sent(side, change.sent, change.at_ns, last_id)
        if isinstance(happening, End) or (isinstance(happening, StoredEvent) and happening.side is not side):
            yield happening
            continue
        data = happening.data if isinstance(happening, (Tail, Sent)) else happening.event.serialize()
        sent = stream.receive_data(data)
        if sent:
            cut = isinstance(happening, Tail) and happening.cut
            yield Sent(side, sent, happening.at_ns, happening.id, cut)
    for change in stream.injected(None):
        yield Sent(side, change.sent, change.at_ns, last_id)
