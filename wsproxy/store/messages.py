"""Where the messages of a recording are: those that are one plain frame in `frames`, the others assembled."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Text, cast, exists, false, func, literal, null, or_, select

from wsproxy.protocol.frame import RSV1
from wsproxy.store.schema import POSITION_BITS, assembled_messages, frames

_CONTROL = 0x8

# Casts give both selections' columns the same types: SQLite takes a view over their union apart, and goes by
# its primary keys, only then.
_BIG, _BOOL = BigInteger(), Boolean()

PLAIN_MESSAGES = select(
    frames.c.id,
    frames.c.side,
    frames.c.at_ns,
    frames.c.opcode,
    frames.c.payload,
    cast(func.length(frames.c.payload), _BIG).label("payload_length"),
    cast(literal(1), _BIG).label("frames"),
    cast(false(), _BOOL).label("compressed"),
    frames.c.stream_offset.label("start_offset"),
    cast(
        frames.c.stream_offset
        + func.length(frames.c.header)
        + func.length(frames.c.payload)
        + func.length(frames.c.trailer),
        _BIG,
    ).label("end_offset"),
    cast(null(), Text).label("error"),
).where(
    frames.c.fin,
    frames.c.rsv < RSV1,
    frames.c.opcode > 0,
    frames.c.opcode < _CONTROL,
    or_(frames.c.payload_length == func.length(frames.c.payload), func.length(frames.c.trailer) > 0),
    ~exists().where(assembled_messages.c.id == frames.c.id),
)
"""Messages that are one complete frame."""


def is_plain(frame: Mapping[str, Any]) -> bool:
    """Whether a row of `frames` is such a message, unless one with its id is assembled."""
    complete = frame["payload_length"] == len(frame["payload"]) or bool(frame["trailer"])
    return bool(frame["fin"]) and frame["rsv"] < RSV1 and 0 < frame["opcode"] < _CONTROL and complete


ASSEMBLED_MESSAGES = select(
    *(assembled_messages.c[column.name] for column in PLAIN_MESSAGES.selected_columns)
)
"""All others; `payload` is NULL for one that is the payload data of a frame in pieces."""


MESSAGES = PLAIN_MESSAGES.union_all(ASSEMBLED_MESSAGES).subquery("both_kinds")
"""All messages."""

MESSAGES_VIEW = select(MESSAGES, MESSAGES.c.id.bitwise_rshift(POSITION_BITS).label("session_id"))
"""What the view `messages` selects."""
