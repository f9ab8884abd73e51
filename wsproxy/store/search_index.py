"""The full-text index over text messages, filled while the recorder has nothing else to do.

Only SQLite has one. It is never filled on the hot path, so it may lag behind; `search_marks` says how far it
is.
"""

INDEX_STATEMENTS = (
    # Contentless: the texts themselves are in the messages already.
    "CREATE VIRTUAL TABLE text_index USING fts5(text, content='')",
    "CREATE TABLE search_marks (session_id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL)",
)
