"""Searching the text messages of a recording."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from heapq import merge
from itertools import chain, islice

from wsproxy.store import schema
from wsproxy.store.model import StoredMessage
from wsproxy.store.pages import Pages
from wsproxy.store.search_index import (
    ASK_INDEX,
    INCOMPLETE_SESSIONS,
    UNINDEXED_SESSIONS,
    MemoryIndex,
    has_index,
    match_expression,
)

_PAGE = 128

type MessagesAfter = Callable[[int, int], Iterator[StoredMessage]]
"""Takes a session's number and the id of a message; yields the messages after that one."""


class Search:
    """Finds text messages that hold a word beginning with each of the words in `text`.

    `messages_after` reads them. Raises UsageError if there is no word in `text`.
    """

    def __init__(self, pages: Pages, messages_after: MessagesAfter, text: str) -> None:
        self._pages = pages
        self._messages_after = messages_after
        self._asked = match_expression(text)

    def results(self) -> Iterator[StoredMessage]:
        """The messages, by their ids. Raises RecordingError if this Python's SQLite cannot search texts."""
        with self._pages.transaction() as connection:
            indexed = has_index(connection)
            asked = INCOMPLETE_SESSIONS if indexed else UNINDEXED_SESSIONS
            marks = {row.id: row.mark for row in self._pages.checked(connection, asked)}
        by_index = self._by_index(marks) if indexed else iter(())
        with closing(MemoryIndex(self._asked)) as index:
            rest = chain.from_iterable(self._messages_after(*place) for place in marks.items())
            yield from merge(by_index, index.matching(rest), key=lambda stored: stored.id)

    def _by_index(self, marks: Mapping[int, int]) -> Iterator[StoredMessage]:
        after, full = 0, True
        while full:
            with self._pages.transaction() as connection:
                found = connection.exec_driver_sql(ASK_INDEX, (self._asked, after, _PAGE))
                ids = [row[0] for row in found]
            for message_id in ids:
                session_id = schema.session_of(message_id)
                # What has been indexed since the marks were read is found by looking through the rest.
                if message_id <= marks.get(session_id, message_id):
                    yield from islice(self._messages_after(session_id, message_id - 1), 1)
            full = len(ids) == _PAGE
            after = ids[-1] if ids else 0
