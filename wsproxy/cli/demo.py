"""`wsproxy demo`: the founding story, on this machine, in a few seconds."""

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsproxy.errors import UsageError

if TYPE_CHECKING:
    from wsproxy.cli.live import LiveDisplay
    from wsproxy.cli.paint import Line, Output

_EXAMPLES = """\b
Examples:
  wsproxy demo
  wsproxy demo --keep skyq.db
"""
_LIVE_LINES = 8


@click.command(epilog=_EXAMPLES, short_help="See wsproxy at work, with an emulated device.")
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="PATH", help="Keep the recording there (a new file)."
)
def demo(keep: Path | None) -> None:
    """Tell the story that wsproxy began with: an emulated Sky Q box, wsproxy in front of it, a client
    that hangs, another that does not, and the first one again, helped by --normalize. Then look at the
    recording: what was wrong, what passed, and one frame bit by bit; finally it plays the box itself. Takes
    a few seconds.
    """
    from wsproxy.cli.live import LiveDisplay
    from wsproxy.cli.paint import Output
    from wsproxy.cli.views import TextView
    from wsproxy.demo.story import tell_story

    if keep and keep.exists():
        raise UsageError(f"{keep} exists already: choose another path for --keep")
    with tempfile.TemporaryDirectory(prefix="wsproxy-demo-", ignore_cleanup_errors=True) as folder:
        recording = Path(folder) / "skyq.db"
        output = Output()
        display = LiveDisplay(TextView(limit=_LIVE_LINES, numbered=True), output)
        try:
            tell_story(str(recording), [display], _Stage(display))
        finally:
            display.close()
        _look_back(recording, Path(folder) / "terminal.txt", output)
        if keep:
            _keep(recording, keep, output)


class _Stage:
    """Tells the story between the frames that are shown."""

    def __init__(self, display: "LiveDisplay") -> None:
        self._display = display

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._display.say(*_step(title))

    def say(self, *lines: str) -> None:
        """Tell something, in order with the frames that are shown."""
        self._display.say(*lines)


def _step(title: str) -> "list[Line | str]":
    from wsproxy.cli.paint import Span

    return ["", [Span(title, "title")], ""]


def _look_back(recording: Path, pasted: Path, output: "Output") -> None:
    """Show what the other commands make of what was recorded."""
    from wsproxy.demo.device import status_document

    output.print_all(_step("4. What was wrong with it? And who chokes on such a thing?"))
    _run(output, recording, "lint", str(recording), "last")
    output.print_all(_step("5. The recording has all sessions."))
    _run(output, recording, "ls", str(recording))
    output.print_all(["", "   And every byte of them.", ""])
    _run(output, recording, "show", str(recording), "2", "--lines", "3")
    text = "\ufffd~\ufffd" + status_document().decode()
    pasted.write_text(text, "utf-8")
    output.print_all(_step(f"6. In a terminal the frame of the box looks like  {text[:4]}  What was it?"))
    _run(output, recording, "explain", str(pasted), "--lines", "5")
    output.print_all(_step("7. The box is gone. Its recording answers `websockets` in its place."))
    _replay(output, recording)


def _replay(output: "Output", recording: Path) -> None:
    from wsproxy.cli.paint import Span
    from wsproxy.demo.epilogue import replay_story

    typed = f"$ wsproxy replay server {recording.name} 2 --speed max"
    output.print_all([[Span(typed, "title")]])
    report = replay_story(str(recording), 2)
    lines = [f"  {line.text}" for line in report.transcript]
    output.print_all(
        [*lines, "", "   Byte for byte and in turn. In tests the fixture ws_replay is this box."]
    )


def _run(output: "Output", recording: Path, *arguments: str) -> None:
    """Run a subcommand as if it had been typed."""
    from wsproxy.cli.main import main
    from wsproxy.cli.paint import Span

    folder = str(recording.parent)
    typed = " ".join(Path(word).name if word.startswith(folder) else word for word in arguments)
    output.print_all([[Span(f"$ wsproxy {typed}", "title")]])
    output.flush()
    main.main(list(arguments), prog_name="wsproxy", standalone_mode=False)
    sys.stdout.flush()


def _keep(recording: Path, keep: Path, output: "Output") -> None:
    from wsproxy.demo.story import keep_small
    from wsproxy.store.failures import explain
    from wsproxy.store.location import parse_location

    try:
        keep_small(recording, keep)
    except (OSError, sqlite3.Error) as error:
        reason = explain(parse_location(str(keep)), error)
        raise UsageError(f"the recording is not kept, and no file is left: {reason}") from error
    output.print_all(["", f"The recording is in {keep}"])
