"""`wsproxy ls`: the sessions of a recording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from wsproxy.cli.paint import Line
    from wsproxy.store.model import StoredSession

_EXAMPLES = """\b
Examples:
  wsproxy ls recordings/wsproxy.db
  wsproxy ls --json recordings/wsproxy.db
"""
_HEADINGS = ("session", "started", "lasted", "target", "client", "server", "bytes", "ended")
_RIGHT = (0, 2, 4, 5, 6)
_SECOND = 1_000_000_000


@click.command(epilog=_EXAMPLES, short_help="List the sessions of a recording.")
@click.argument("recording")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each session.")
def ls(recording: str, as_json: bool) -> None:
    """List the sessions of RECORDING (a file or a database URL), newest last.

    `client` and `server` count the frames each side sent, `bytes` what both did.
    """
    from wsproxy.cli.objects import json_line
    from wsproxy.cli.paint import Output
    from wsproxy.store.reader import open_recording

    output = Output()
    with open_recording(recording) as opened:
        if as_json:
            output.print_all(json_line(_object(session)) for session in opened.sessions())
            return
        sessions = list(opened.sessions())
    if sessions:
        output.print_all(_table([_row(session) for session in sessions]))
    else:
        click.echo(f"{recording} has no sessions yet.", err=True)


def _row(session: "StoredSession") -> tuple[str, ...]:
    from wsproxy.cli.paint import printable
    from wsproxy.cli.render import date_and_time, short_end_text

    ended = short_end_text(session.end) if session.end else f"({session.state})"
    until_ns = session.end.ended_at_ns if session.end else session.last_at_ns
    return (
        str(session.id),
        date_and_time(session.start.started_at_ns),
        _duration(until_ns - session.start.started_at_ns),
        printable(session.start.target),
        f"{session.client.frames:,}",
        f"{session.server.frames:,}",
        f"{session.client.received_bytes + session.server.received_bytes:,}",
        ended,
    )


def _duration(length_ns: int) -> str:
    seconds = max(0, length_ns) / _SECOND
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def _table(rows: "Sequence[Sequence[str]]") -> "list[Line | str]":
    from wsproxy.cli.paint import Span

    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]

    def cells(row: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if index in _RIGHT else text.ljust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return [[Span(cells(_HEADINGS), "dim")], *map(cells, rows)]


def _object(session: "StoredSession") -> dict[str, Any]:
    from dataclasses import asdict

    value = asdict(session)
    for name, head in value["start"].items():
        if isinstance(head, bytes):
            value["start"][name] = head.decode("latin-1")
    return {"session": value.pop("id"), **value}
