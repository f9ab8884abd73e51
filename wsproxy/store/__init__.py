"""Where recordings are kept: the only room that knows SQLAlchemy.

- The format: `schema` (tables), `views` (to browse), `migrations` (from older formats). `model` has what a
  recording holds as plain values, `location` says where one is, `limits` how much a recorder may hold.
- Recording, in the order in which bytes go: the event loop tells a `session_recorder`; `intake` holds what
  waits; `store_thread` takes it out and has `ingest` decode it; a `session_log` makes `rows` of each session,
  which go to `sinks` by way of `inserts`. On the way `checking` makes findings, and `redacting` takes secrets
  out, with a `redacted_stream` for each side. `writer` holds all of this together.
- The database under a recorder: `keepers`, `database`, `engine`, `leases` (is the recorder alive?),
  `checkpointer` (SQLite's log), `indexer` and `search_index` (full text).
- Reading: `reader` is what everybody uses. Behind it are `pages` and `selects` (rows), `session_rows`,
  `messages` and `wire_events` (values), `assembling` (frames to messages), `sent` (what was sent on) and
  `search`; `row_types` finds damaged rows.
- Redaction: `redaction` is what everybody uses; `redaction_rules` reads the rules and has the defaults;
  `redact_heads` and `redact_text` do the work, and `pointers` are JSON pointers.
- Other forms: `interchange` exports and imports, `copying` copies through a recorder. A JSONL recording
  (`jsonl_recording`) is a `jsonl_file` of `jsonl_lines`, each a row of `records`; `loading` puts rows into a
  database.
- `failures` says in a line what went wrong.
"""
