"""The command line.

- One thin module for each command: `record`, `replay` (`replay_server`, `replay_client`), `ls`, `show`,
  `diff`, `lint`, `redact`, `export`, `explain`, `demo`. `main` gathers them; `flags` has the options that
  several of them share.
- Showing sessions: `playback` reads a recorded session, `live` follows one that is passing, no faster than
  its `ration` allows. Both give `seen` things to the `views`, which make text of them (`render`, `payload`,
  `mended`) or JSON (`objects`). `exchanges` are plain HTTP, `filters` belong to `show --filter`, and `paint`
  knows the terminal.
- `dropped` hears a Ctrl-C that Python drops.
- Behind single commands: `differences` (`diff`, `replay client`), `linting` and `reports` (`lint`),
  `replay_view` (`replay server`).
- Behind `explain`: `explain_input` reads bytes written in any `notation` (`dumps`, `numbers`; `surroundings`
  are what it leaves out) or text that a terminal has damaged (`pasted`, `fitting`). `explain_view` prints
  them, and `diagram` draws them.
"""

import os

from wsproxy.cli.dropped import INTERRUPTED, no_interrupt_is_dropped

try:
    with no_interrupt_is_dropped():
        from wsproxy.cli.main import main
except KeyboardInterrupt:
    # The imports take a moment, in which the group that turns Ctrl-C into its exit code is not there yet.
    os._exit(INTERRUPTED)

__all__ = ["main"]
