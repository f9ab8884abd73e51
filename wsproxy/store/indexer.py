"""Fills the full-text index of a SQLite recording, a little at a time, while nothing else is to be done."""

import logging
from collections.abc import Iterable
from itertools import islice

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from wsproxy.errors import RecordingError
from wsproxy.store.database import Database
from wsproxy.store.model import SessionState, StoredMessage
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.search_index import (
    ADD_TO_INDEX,
    INCOMPLETE_SESSIONS,
    complete_mark,
    has_index,
    search_marks,
    text_of,
)

_log = logging.getLogger(__name__)

# What a step takes in, so that it lasts some ten milliseconds: data that comes in meanwhile has to wait.
_STEP_SIZE = 64 << 10
_STEP_MESSAGES = 256


class Indexer:
    """Indexes the text messages of sessions that have changed, and of those that earlier recorders left.

    A recorder that cannot index goes on recording: `step` logs what is wrong, and does nothing from then on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recording: Recording | None = None
        self._todo: dict[int, None] | None = None
        self._disabled = database.location.path is None

    def touch(self, session_ids: Iterable[int]) -> None:
        """Say that these sessions have new messages, or have ended."""
        if self._todo is not None:
            self._todo.update(dict.fromkeys(session_ids))

    def step(self) -> None:
        """Index a few messages, if there are any left to index."""
        if self._disabled or self._todo == {}:
            return
        try:
            self._step()
        except RecordingError as error:
            self._disabled = True
            _log.warning("texts are not indexed any more: %s", error)
            self.close()

    def close(self) -> None:
        """Close what is open."""
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    def _step(self) -> None:
        if self._recording is None:
            self._recording = open_recording(str(self._database.location))
        if self._todo is None:
            self._todo = dict.fromkeys(self._left_over())
        for session_id in islice(self._todo, 1):
            if self._index_some(self._recording, session_id):
                del self._todo[session_id]
        if not self._todo:
            self.close()

    def _left_over(self) -> list[int]:
        with self._database.transaction() as connection:
            if not has_index(connection):
                return []
            return [row.id for row in connection.execute(INCOMPLETE_SESSIONS)]

    def _index_some(self, recording: Recording, session_id: int) -> bool:
        """Index the next messages of a session; whether those were the last."""
        ended = recording.session(session_id).state is not SessionState.OPEN
        with self._database.transaction() as connection:
            asked = select(search_marks.c.message_id).where(search_marks.c.id == session_id)
            mark = connection.scalar(asked) or 0
            messages = _few(recording.messages(session_id, after=mark))
            texts = [(stored.id, text) for stored in messages if (text := text_of(stored)) is not None]
            if texts:
                connection.exec_driver_sql(ADD_TO_INDEX, texts)
            if messages:
                mark = messages[-1].id
            elif ended:
                mark = complete_mark(session_id)
            row = insert(search_marks).values(id=session_id, message_id=mark)
            connection.execute(row.on_conflict_do_update(set_={"message_id": mark}))
        return not messages


def _few(messages: Iterable[StoredMessage]) -> list[StoredMessage]:
    few, size = [], 0
    for stored in islice(messages, _STEP_MESSAGES):
        few.append(stored)
        size += len(stored.message.payload)
        if size >= _STEP_SIZE:
            break
    return few
