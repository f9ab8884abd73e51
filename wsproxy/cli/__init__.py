"""The command line.

- Each command is a thin module: `record`, `replay` (`replay_server`, `replay_client`), `ls`, `show`, `diff`,
  `lint`, `redact`, `export`, `explain`, `demo`; `main` gathers them.
- Sessions as they are shown: `seen` is one thing, `playback` reads a recorded session, `live` shows a passing
  one as far as its `ration` goes; `views` are text (`render`, `payload`, `mended`) or JSON (`objects`);
  `exchanges`, `filters`; `paint` knows the terminal.
- Others: `differences`, `linting` and `reports`, `replay_view`.
- Bytes that somebody pastes: `explain_input` reads `notation` (`dumps`, `numbers`; without their
  `surroundings`) or what a terminal left (`pasted`, `fitting`); `explain_view` prints them, `diagram` draws.
"""

import os

try:
    from wsproxy.cli.main import main
except KeyboardInterrupt:
    # The imports take a moment, in which the group that turns Ctrl-C into its exit code is not there yet.
    os._exit(130)

__all__ = ["main"]
