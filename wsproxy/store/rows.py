"""Events to rows, gathered to be inserted together, and rows to events."""

from typing import Any

from sqlalchemy import Connection

from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData, Side, WireEvent
from wsproxy.protocol.message import Message
from wsproxy.store import schema
from wsproxy.store.inserts import Insert
from wsproxy.store.model import (
    ChangeKind,
    ChangeRules,
    HttpExchange,
    SessionStart,
    StoredChange,
    StoredEvent,
    StoredExchange,
    StoredFinding,
    StoredFrame,
    StoredMessage,
)

_SIDES = {schema.CLIENT: Side.CLIENT, schema.SERVER: Side.SERVER}
_KEY_SIZE = 4


def side_number(side: Side) -> int:
    """How a side is written in a row."""
    return schema.CLIENT if side is Side.CLIENT else schema.SERVER


def side_of(number: int) -> Side:
    """The side that is written so in a row; raises LookupError for another number."""
    return _SIDES[number]


def storable(text: str) -> str:
    """The text in a form that every database takes: what a peer sent may hold lone surrogates and NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class RowBatch:
    """Rows gathered to be inserted together. `size` is what their data amounts to, in bytes."""

    def __init__(self, mark: str) -> None:
        self.frames: list[Any] = []
        """The values of all rows, one row after another: the fastest to gather and to insert."""
        self.pieces: list[tuple[object, ...]] = []
        self.opaque: list[tuple[object, ...]] = []
        self.messages: list[tuple[object, ...]] = []
        self.changes: list[tuple[object, ...]] = []
        self.findings: list[tuple[object, ...]] = []
        self.size = 0
        self._frames = Insert(schema.frames, mark)
        self._others = (
            (Insert(schema.frame_pieces, mark), self.pieces),
            (Insert(schema.opaque_pieces, mark), self.opaque),
            (Insert(schema.assembled_messages, mark), self.messages),
            (Insert(schema.changes, mark), self.changes),
            (Insert(schema.findings, mark), self.findings),
        )

    def insert(self, connection: Connection) -> None:
        """Insert the rows, and begin anew."""
        if self.frames:
            self._frames.flat(connection, self.frames)
        for insert, rows in self._others:
            if rows:
                insert.rows(connection, rows)
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.frames.clear()
        for _, rows in self._others:
            rows.clear()
        self.size = 0


def row_values(start: SessionStart | HttpExchange) -> dict[str, object]:
    """What the row of a session holds from its start on, or that of an HTTP exchange."""
    values: dict[str, object] = {}
    for name in start.__slots__:
        value = getattr(start, name)
        values[name] = storable(value) if isinstance(value, str) else value
    return values


def exchange(row: Any) -> StoredExchange:
    """The exchange in a row of `http_exchanges`."""
    return StoredExchange(
        row.id, HttpExchange(**{name: getattr(row, name) for name in HttpExchange.__slots__})
    )


def session_start(row: Any) -> SessionStart:
    """The start of the session in a row of `sessions`."""
    return SessionStart(**{name: getattr(row, name) for name in SessionStart.__slots__})


def stored_event(row: Any, event: WireEvent) -> StoredEvent:
    """The event that stands in a row, with what every row begins with."""
    return StoredEvent(row[0], schema.session_of(row[0]), side_of(row[1]), row[2], event)


def frame(row: Any) -> Frame:
    """The frame in a row of `frames`. Raises ValueError for what no recorder writes."""
    found = Frame(*row[3:])
    check_masking_key(found.masking_key)
    if not found.header:
        raise ValueError("a frame without a header")
    return found


def stored_frame(row: Any) -> StoredFrame:
    """The same, with what every row begins with."""
    return StoredFrame(row[0], schema.session_of(row[0]), side_of(row[1]), row[2], frame(row))


def frame_piece(row: Any) -> FramePiece:
    """The piece in a row of `frame_pieces`. Raises ValueError for what no recorder writes."""
    check_masking_key(row.masking_key)
    return FramePiece(row.payload_offset, row.payload, row.last, row.masking_key, row.trailer)


def check_masking_key(key: bytes | None) -> None:
    """Raise ValueError if it is none."""
    if key is not None and len(key) != _KEY_SIZE:
        raise ValueError(f"a masking key of {len(key)} bytes")


def opaque_data(row: Any) -> OpaqueData:
    """The bytes in a row of `opaque_pieces`."""
    return OpaqueData(row.stream_offset, row.data, row.reason)


def message(row: Any, payload: bytes) -> StoredMessage:
    """The message in a row of the view `messages`, with this payload."""
    return StoredMessage(
        row.id,
        schema.session_of(row.id),
        side_of(row.side),
        row.at_ns,
        Message(
            row.opcode,
            payload,
            row.payload_length,
            row.frames,
            row.compressed,
            row.start_offset,
            row.end_offset,
            len(payload) < row.payload_length,
            row.error,
        ),
    )


def change(row: Any) -> StoredChange:
    """The change in a row of `changes`."""
    kind = ChangeKind(row.kind)
    place = (schema.session_of(row.id), side_of(row.side), row.at_ns)
    rules = tuple(row.rules.split())
    return StoredChange(row.id, *place, kind, row.start_offset, row.end_offset, row.sent, rules)


def change_rules(row: Any) -> ChangeRules:
    """How, and for which rules, something was changed: some columns of a row of `changes`."""
    return ChangeRules(side_of(row.side), ChangeKind(row.kind), tuple(row.rules.split()))


def finding(row: Any) -> StoredFinding:
    """The finding in a row of `findings`."""
    place = (schema.session_of(row.id), side_of(row.side), row.at_ns)
    return StoredFinding(row.id, *place, row.rule_id, row.detail, row.stream_offset, row.repaired)
