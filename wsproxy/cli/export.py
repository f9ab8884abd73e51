"""`wsproxy export` and `wsproxy import`: from one form of recording to another."""

from collections.abc import Sequence

import click

_EXPORT_EXAMPLES = """\b
Examples:
  wsproxy export recordings/wsproxy.db -o tests/status.jsonl
  wsproxy export recordings/wsproxy.db 3 last -f jsonl -o tests/status.jsonl
"""
_IMPORT_EXAMPLES = """\b
Examples:
  wsproxy import tests/status.jsonl -o recordings/wsproxy.db
"""


@click.command(epilog=_EXPORT_EXAMPLES, short_help="Write sessions as text.")
@click.argument("recording")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["jsonl"]),
    default="jsonl",
    show_default=True,
    help="jsonl: JSON lines, a recording that every command can read.",
)
@click.option("-o", "--output", required=True, metavar="FILE", help="The file to write.")
def export(recording: str, sessions: Sequence[str], form: str, output: str) -> None:
    """Write RECORDING, or only the SESSIONs named, to a text file."""
    from wsproxy.store.interchange import export_jsonl
    from wsproxy.store.reader import open_recording

    with open_recording(recording) as opened:
        numbers = [opened.session(session).id for session in sessions]
        export_jsonl(opened, output, numbers or None)


@click.command(name="import", epilog=_IMPORT_EXAMPLES, short_help="Add a file's sessions to a recording.")
@click.argument("file")
@click.option("-o", "--recording", required=True, metavar="PATH|URL", help="The recording to add them to.")
def import_(file: str, recording: str) -> None:
    """Add the sessions and HTTP exchanges of FILE (a JSONL or SQLite recording) to a recording.

    The recording is made if there is none. If it has sessions, the new ones are numbered after them.
    """
    from wsproxy.store.interchange import import_recording
    from wsproxy.store.location import shown_place
    from wsproxy.store.reader import open_recording

    with open_recording(file) as opened:
        numbers = import_recording(opened, recording)
    if numbers:
        names = f"session {numbers[0]}" if len(numbers) == 1 else f"sessions {numbers[0]} to {numbers[-1]}"
        click.echo(f"{names} in {shown_place(recording)}", err=True)
