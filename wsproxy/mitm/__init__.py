"""How sessions are intercepted: the only room that knows mitmproxy.

- Starting: `run`, `event_loop`, `startup`, `background`, `thread_context`; `logs`, `notices`, `gone_clients`,
  `gone_devices`; `interrupts` end it; `target` is the device.
- In mitmproxy: `addon`, with `options` and `hooks`; `internals` is what mitmproxy does not type.
- Opening handshake: `next_layer` retypes mitmproxy's layers, to `http_layers`, `http1_layers` (with
  `head_buffer` and `heads`), `tls_layers` and `tls_legacy`; `opening` repairs; `exchanges` and `received` are
  of plain HTTP.
- A session: made by `sessions` from `facts`, shared as `live`. Bytes pass a `layer` in observe mode,
  `intercept` (with `hold` and `encode`) or `normalize`; over the sockets in `wire`, by `splice` where nothing
  is in the way, held up by `pressure`. `tap` hands them on: to the recorder, and to `follow` for the
  `messages` of an `audience`.
"""
