"""The full-text index over text messages, and how it is asked.

Only SQLite recordings have one. It is filled while the recorder has nothing else to do, so it lags behind:
`search_marks` says up to which message of a session it goes. The rest is looked through with an index in
memory, message by message, so that a text is found by the same words wherever it is. Other databases have
nothing but that.
"""

import sqlite3
from collections.abc import Iterator

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    func,
    inspect,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import OperationalError

from wsproxy.errors import RecordingError, UsageError
from wsproxy.store import schema
from wsproxy.store.model import StoredMessage

_TEXT = 0x1

# Contentless: the texts themselves are in the messages already.
CREATE_INDEX = "CREATE VIRTUAL TABLE text_index USING fts5(text, content='')"
ADD_TO_INDEX = "INSERT INTO text_index (rowid, text) VALUES (?, ?)"
ASK_INDEX = "SELECT rowid FROM text_index WHERE text_index MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?"

search_marks = Table(
    "search_marks",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, nullable=False),
)
"""One row a session, with its number: all its text messages up to this one are indexed."""

INCOMPLETE_SESSIONS = (
    select(schema.sessions.c.id, func.coalesce(search_marks.c.message_id, 0).label("mark"))
    .outerjoin(search_marks, search_marks.c.id == schema.sessions.c.id)
    .where(
        or_(
            search_marks.c.message_id.is_(None),
            search_marks.c.message_id + 1 < (schema.sessions.c.id + 1).bitwise_lshift(schema.POSITION_BITS),
        )
    )
    .order_by(schema.sessions.c.id)
)
"""The sessions that are not indexed as a whole, each with its mark."""

UNINDEXED_SESSIONS = select(schema.sessions.c.id, literal(0).label("mark")).order_by(schema.sessions.c.id)
"""All sessions, as if there were no index, which is so in all databases but SQLite."""


def create_index(connection: Connection) -> None:
    """Create the index in a SQLite recording, unless this Python's SQLite has no FTS5."""
    try:
        connection.exec_driver_sql(CREATE_INDEX)
    except OperationalError as error:
        if "no such module" not in str(error.orig):
            raise
    else:
        search_marks.create(connection)


def has_index(connection: Connection) -> bool:
    """Whether this database has the index."""
    return connection.dialect.name == "sqlite" and inspect(connection).has_table(search_marks.name)


def complete_mark(session_id: int) -> int:
    """The mark of a session that has ended and is indexed as a whole."""
    return schema.first_id(session_id + 1) - 1


def text_of(stored: StoredMessage) -> str | None:
    """What is indexed of a message; None if it is no text."""
    message = stored.message
    return message.payload.decode("utf-8", "replace") if message.opcode == _TEXT else None


def match_expression(text: str) -> str:
    """What asks for messages that hold a word beginning with each of the words in `text`.

    Raises UsageError if there are none.
    """
    words = text.split()
    if not words:
        raise UsageError("nothing to search for: give a word")
    return " ".join('"' + word.replace('"', '""') + '"*' for word in words)


class MemoryIndex:
    """An index over one message at a time; `asked` is a match expression. Raises RecordingError if this
    Python's SQLite has no FTS5.
    """

    def __init__(self, asked: str) -> None:
        self._asked = asked
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        try:
            self._connection.execute(CREATE_INDEX)
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise RecordingError(
                f"this Python's SQLite cannot search texts ({error}); use one with FTS5"
            ) from error

    def matching(self, messages: Iterator[StoredMessage]) -> Iterator[StoredMessage]:
        """Those of `messages` that match."""
        execute = self._connection.execute
        for stored in messages:
            text = text_of(stored)
            if text is None:
                continue
            execute(ADD_TO_INDEX, (1, text))
            found = execute(ASK_INDEX, (self._asked, 0, 1)).fetchone()
            execute("INSERT INTO text_index (text_index) VALUES ('delete-all')")
            if found:
                yield stored

    def close(self) -> None:
        """Free its memory."""
        self._connection.close()
