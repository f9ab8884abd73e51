"""What is on the wire. Parses, never judges, and never raises because of a peer.

- Bytes to frames, for one side: `decoder`. It reads each `header` by the side's `dialect`; `grammar` has the
  dialects, `masking` unmasks, and `gaps` goes around bytes that are known to be no frames. `frame` has the
  values that come out, `opcodes` the names of opcodes and close codes.
- Frames to messages: `message`; compressed ones with `deflate` and `inflate`. `readings` are what their
  frames may be taken for, `partial_flush` reads those that end in the middle of a byte.
- Opening handshake: `head_reader` finds the end of a head, `heads` reads its lines, `handshake` what the two
  sides agreed on. `request_body` is a body that should not be there, `head_patch` rewrites single lines.
- Both sides together: `session`.
- Writing what somebody changed: `rewrite`, with `frame_queue`, `reframe`, `overwrite` and `beginnings`.
- Drawing: `describe` says which bits of a header are which field.
"""
