"""What is wrong with what a peer sent, and what mends it: pure functions, without clock, randomness or I/O.

- The rules: `rule`, `rules`, a table for each family in `rules_*`; a `finding` names one of them.
- Departures: `checker` takes a session as it comes, with a `checker_side` each; it asks the `checks_*`.
  `dissect` takes pasted bytes.
- Repairs of heads: `repairs_handshake`, by `repairs_request`, `repairs_response` and `repairs_fields` on a
  `head_draft`; `bridge` and `hixie76` for peers from before the RFC; `extensions`, `legs`.
- Repairs of frames: `normalizer` takes both sides of a session, a `direction` one of them. In the order in
  which bytes pass: `dechunk`, `verdicts` (right at first sight), `frame_starts` (by `boundaries` and
  `guesses`, with `character_count`; `stray`), `as_meant`, `torn`, `control_frames` (with `keepalive`),
  `data_frames` (with `hold`, `sequence`, `large_frame`, `inflating`, `whole_messages`), `repairs_frames`,
  `repairs_close`, `repairs_messages`, `repairs_deflate`, `ending`, `outlet` (with `frame_writer`), `pacing`;
  then they are `outgoing`.
- What is on: `profiles`, `options`; `conditions` are those of one side.
- Texts: `utf8_stream`, `charset`, `json_depth`, `in_clear`.
"""
