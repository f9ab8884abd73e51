"""What is on the wire. Parses, never judges, and never raises because of a peer.

- Values: `frame`, `opcodes`.
- One side's bytes to frames: `decoder`, by the side's `dialect`, whose `grammar` reads a `header`; `masking`;
  `gaps` goes around what is known to be none.
- Frames to messages: `message`; compressed ones by `deflate` and `inflate`.
- Opening handshake: `head_reader` finds the end of a head, `heads` reads it, `handshake` knows what was
  agreed on; `request_body`, `head_patch`.
- Both sides together: `session`.
- Written anew: `rewrite`, by way of a `frame_queue`, with `reframe`, `overwrite` and `beginnings`.
- Drawn: `describe`.
"""
