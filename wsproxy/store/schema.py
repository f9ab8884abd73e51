"""The tables of a recording.

A session's rows have ids that are computed, not fetched: the session's number in the upper bits, the place in
the order seen (both sides together) in the lower `POSITION_BITS`. So the rows of a session are a range of the
primary key, in order, and the hot tables need no index besides it. A message has the id of its last frame.

Nothing is stored twice: a message that is one plain frame is read from `frames`; `assembled_messages` holds
what had to be put together or decompressed, at most up to a limit.

A table or column that the first format did not have says which format brought it: `info=came_with(2)`. From
that `migrations` knows what to add to older recordings, and `selects` how to read them as they are.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.mysql import LONGBLOB

POSITION_BITS = 38
"""Room for 2.7e11 rows a session and 3.3e7 sessions a recording."""

MOST_SESSIONS = 1 << (63 - POSITION_BITS)
"""No session has this number, or a greater one."""

CLIENT, SERVER = 0, 1

_SINCE = "since"

metadata = MetaData()

# SQLite gives only a column of the exact type INTEGER the table's own row id.
_Id = BigInteger().with_variant(Integer, "sqlite")


class _Blob(LargeBinary):
    """What the driver gives is left as it is: of a number that stands in a BLOB column SQLAlchemy would make
    that many bytes.
    """

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """None: there is nothing to be done."""


# Elsewhere a BLOB holds what we put into it; MySQL's ends one byte short of a full piece.
_Bytes = _Blob().with_variant(LONGBLOB, "mysql", "mariadb")


def came_with(version: int) -> dict[Any, Any]:
    """The `info` of a table or column that recordings have from this format on."""
    return {_SINCE: version}


def since(part: Table | Column[Any]) -> int:
    """The first format that has this table or column."""
    return int(part.info.get(_SINCE, 1))


def _id(*, generated: bool) -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=generated)


recorders = Table(
    "recorders",
    metadata,
    _id(generated=True),
    Column("host", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("started_at_ns", BigInteger, nullable=False),
    Column("seen_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    _id(generated=True),
    Column("recorder_id", _Id, ForeignKey("recorders.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger),
    Column("client_address", Text, nullable=False),
    Column("server_address", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("subprotocol", Text),
    Column("extensions", Text),
    Column("client_dialect", Text, nullable=False),
    Column("server_dialect", Text, nullable=False),
    Column("close_code", Integer),
    Column("close_reason", Text),
    Column("closed_by", Text),
    Column("client_tls", Text),
    Column("server_tls", Text),
    Column("request_head", _Bytes, nullable=False),
    Column("response_head", _Bytes, nullable=False),
    Column("request_head_sent", _Bytes),
    Column("response_head_sent", _Bytes),
    Column("redaction", Text, info=came_with(2)),
)

Index(
    "open_sessions",
    sessions.c.recorder_id,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

# One row a session and side, id = session_id * 2 + side; replaced at every commit that has something of that
# side. `tail` is what was received and is in no row of the other tables yet: a frame under way, and, when the
# recorder cannot keep up, bytes it has not decoded yet.
sides = Table(
    "sides",
    metadata,
    _id(generated=False),
    Column("last_at_ns", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("tcp_end", Text, nullable=False),
    Column("tcp_end_id", BigInteger, info=came_with(2)),
    Column("tcp_ended_at_ns", BigInteger, info=came_with(2)),
    Column("tail", _Bytes, nullable=False),
)

# From stream_offset on, the columns are the fields of protocol.frame.Frame in their order: a row is made by
# joining two tuples.
frames = Table(
    "frames",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("stream_offset", BigInteger, nullable=False),
    Column("header", _Bytes, nullable=False),
    Column("fin", Boolean, nullable=False),
    Column("rsv", SmallInteger, nullable=False),
    Column("opcode", SmallInteger, nullable=False),
    Column("masking_key", _Bytes),
    Column("payload_length", BigInteger),
    Column("payload", _Bytes, nullable=False),
    Column("trailer", _Bytes, nullable=False),
)

frame_pieces = Table(
    "frame_pieces",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("frame_id", _Id, nullable=False),
    Column("masking_key", _Bytes),
    Column("payload_offset", BigInteger, nullable=False),
    Column("last", Boolean, nullable=False),
    Column("payload", _Bytes, nullable=False),
    Column("trailer", _Bytes, nullable=False),
)

opaque_pieces = Table(
    "opaque_pieces",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("stream_offset", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", _Bytes, nullable=False),
)

# `payload` is NULL where it is that of one plain frame that came in pieces.
assembled_messages = Table(
    "assembled_messages",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("opcode", SmallInteger, nullable=False),
    Column("payload", _Bytes),
    Column("payload_length", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("compressed", Boolean, nullable=False),
    Column("start_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("error", Text),
)

changes = Table(
    "changes",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger, nullable=False),
    Column("sent", _Bytes, nullable=False),
    Column("rules", Text, nullable=False, server_default="", info=came_with(2)),
)

findings = Table(
    "findings",
    metadata,
    _id(generated=False),
    Column("side", SmallInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("stream_offset", BigInteger),
    Column("repaired", Boolean, nullable=False),
)

http_exchanges = Table(
    "http_exchanges",
    metadata,
    _id(generated=True),
    Column("recorder_id", _Id, ForeignKey("recorders.id"), nullable=False),
    Column("started_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger, nullable=False),
    Column("client_address", Text, nullable=False),
    Column("server_address", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("request_head", _Bytes, nullable=False),
    Column("request_body", _Bytes, nullable=False),
    Column("response_head", _Bytes, nullable=False),
    Column("response_body", _Bytes, nullable=False),
    Column("request_body_length", BigInteger, nullable=False),
    Column("response_body_length", BigInteger, nullable=False),
    info=came_with(2),
)


def first_id(session_id: int) -> int:
    """The least id a row of this session can have."""
    return session_id << POSITION_BITS


def session_of(row_id: int) -> int:
    """The session a row belongs to."""
    return row_id >> POSITION_BITS
