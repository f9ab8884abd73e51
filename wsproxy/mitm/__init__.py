"""How sessions are intercepted: the only room that knows mitmproxy.

- Running a proxy: `run` is what `wsproxy record` calls, `background` runs one in a thread. `event_loop` takes
  uvloop or asyncio's, `startup` makes errors and URLs of how it began, `interrupts` hears Ctrl-C, `logs` and
  `notices` tell the user what matters, `gone_clients` are those that hang up at once; `thread_context` lets
  several run in one process. `target` reads a device's URL.
- What mitmproxy loads: `addon`, its `options`, and the `hooks` it gives to other addons. `internals` is the
  part of mitmproxy that has no types.
- Opening handshake: `next_layer` puts our layers in place of mitmproxy's: `http_layers`, `http1_layers`
  (with `head_buffer` and `heads`), `tls_layers` and `tls_legacy`. `opening` repairs heads. `exchanges` and
  `received` are for plain HTTP.
- A session: `sessions` opens it, from the `facts` of a flow; `live` is what its parts share. It is relayed by
  a `layer` (observe), by `intercept` (with `hold` and `encode`) or by `normalize`; or by `splice`, where the
  sockets can be joined directly. `wire` is the two connections, `handlers` read from them, and `pressure`
  stops that.
- Beside the bytes: `tap` hands a copy of each chunk to the recorder, and to `follow`, which makes `messages`
  for an `audience`.
"""
