"""Where recordings are kept: the only room that knows SQLAlchemy.

- The format: `schema`, `views`, `migrations`; as plain values `model`; `location` and `limits` say where and
  how much.
- Recording: `writer` has the recorder; the event loop holds a `session_recorder`. What it is told waits in
  `intake` for `store_thread`, which lets `ingest` make a `session_log` of each session: events to `rows`, by
  `sinks` and `inserts`. `checking` finds departures on the way, `redacting` takes secrets out, by
  `redacted_stream`. `keepers` keep it in a `database`, with `engine`, `leases`, `checkpointer`, `indexer` and
  `search_index`.
- Reading: `reader`, by `pages` and `selects`; `wire_events`, `session_rows`, `messages`, `assembling`,
  `sent`, `search`; `row_types` distrusts what it reads.
- Redaction: `redaction`, by `redaction_rules`; `redact_heads`, `redact_text`, `pointers`.
- JSONL and copies: `records` of `jsonl_lines` in a `jsonl_file`; `jsonl_recording`, `loading`, `interchange`,
  `copying`.
- What went wrong, in a line: `failures`.
"""
