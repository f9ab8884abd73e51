"""Views that a person can browse with any database tool."""

from collections.abc import Mapping

from sqlalchemy import Connection

from wsproxy.protocol.opcodes import OPCODE_NAMES
from wsproxy.store.messages import MESSAGES_VIEW
from wsproxy.store.schema import POSITION_BITS

_SESSION_LIST = """
CREATE VIEW session_list AS
SELECT sessions.id AS number, {started} AS started, sessions.state,
  round((coalesce(ended_at_ns, {last}) - started_at_ns) / {second}, 3) AS seconds, target, subprotocol,
  client_address, server_address, client.frames AS client_frames, server.frames AS server_frames,
  client.received_bytes AS client_bytes, server.received_bytes AS server_bytes,
  close_code, close_reason, closed_by, client.tcp_end AS client_end, server.tcp_end AS server_end
FROM sessions
JOIN sides AS client ON client.id = sessions.id * 2
JOIN sides AS server ON server.id = sessions.id * 2 + 1
"""

_FRAME_LIST = """
CREATE VIEW frame_list AS
SELECT id >> {bits} AS session_id, id & {mask} AS number, {time} AS time, {side} AS side, {opcode} AS opcode,
  payload_length,
  trim((CASE WHEN fin THEN 'FIN ' ELSE '' END) || (CASE WHEN rsv & 4 > 0 THEN 'RSV1 ' ELSE '' END)
    || (CASE WHEN rsv & 2 > 0 THEN 'RSV2 ' ELSE '' END) || (CASE WHEN rsv & 1 > 0 THEN 'RSV3 ' ELSE '' END)
    || (CASE WHEN masking_key IS NULL THEN '' ELSE 'MASK' END)) AS flags,
  {header} AS header, stream_offset,
  CASE WHEN opcode = 1 AND rsv < 4 THEN {text} ELSE {payload} END AS payload
FROM frames
"""

_MESSAGE_LIST = """
CREATE VIEW message_list AS
SELECT session_id, id & {mask} AS number, {time} AS time, {side} AS side, {opcode} AS opcode, payload_length,
  frames, compressed, error, CASE WHEN opcode = 1 THEN {text} ELSE {payload} END AS payload
FROM messages
ORDER BY id
"""

_SHOWN_BYTES = 256

_SQLITE: Mapping[str, str] = {
    "time": "strftime('%Y-%m-%d %H:%M:%S', at_ns / 1000000000, 'unixepoch')"
    " || printf('.%06d', at_ns % 1000000000 / 1000)",
    "started": "strftime('%Y-%m-%d %H:%M:%S', started_at_ns / 1000000000, 'unixepoch')",
    "text": "CAST(payload AS TEXT)",
    "payload": f"hex(substr(payload, 1, {_SHOWN_BYTES}))",
    "header": "hex(header)",
    "last": "max(client.last_at_ns, server.last_at_ns)",
    "second": "1e9",
}

_POSTGRESQL: Mapping[str, str] = {
    "time": "to_timestamp(at_ns / 1e9)",
    "started": "to_timestamp(started_at_ns / 1e9)",
    "text": "wsproxy_text(payload)",
    "payload": f"encode(substr(payload, 1, {_SHOWN_BYTES}), 'hex')",
    "header": "encode(header, 'hex')",
    "last": "greatest(client.last_at_ns, server.last_at_ns)",
    "second": "1e9::numeric",
}

# A text message of a nonconforming peer need not be UTF-8, and convert_from() raises on it.
_POSTGRESQL_TEXT = """
CREATE OR REPLACE FUNCTION wsproxy_text(payload bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN convert_from(payload, 'UTF8');
EXCEPTION WHEN others THEN
  RETURN encode(payload, 'escape');
END $$
"""


def create_views(connection: Connection) -> None:
    """Create the views: `messages` in any database, those to browse where the database's SQL is known."""
    backend = connection.dialect.name
    messages = MESSAGES_VIEW.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    statements = [f"CREATE VIEW messages AS {messages}"]
    if backend == "sqlite":
        statements += _browsing_views(_SQLITE)
    elif backend == "postgresql":
        statements += [_POSTGRESQL_TEXT, *_browsing_views(_POSTGRESQL)]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _browsing_views(words: Mapping[str, str]) -> list[str]:
    opcodes = " ".join(f"WHEN {opcode} THEN '{name}'" for opcode, name in OPCODE_NAMES.items())
    common = {
        "bits": str(POSITION_BITS),
        "mask": str((1 << POSITION_BITS) - 1),
        "side": "CASE side WHEN 0 THEN 'client' ELSE 'server' END",
        "opcode": f"CASE opcode {opcodes} ELSE 'reserved ' || opcode END",
    }
    return [view.format_map({**common, **words}) for view in (_SESSION_LIST, _FRAME_LIST, _MESSAGE_LIST)]
