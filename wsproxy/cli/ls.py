"""`wsproxy ls`: the sessions of a recording."""

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from wsproxy.cli import flags

if TYPE_CHECKING:
    from wsproxy.cli.paint import Line
    from wsproxy.store.model import StoredSession

_EXAMPLES = """\b
Examples:
  wsproxy ls recordings/wsproxy.db
  wsproxy ls --json recordings/wsproxy.db
"""
_HEADINGS = ("session", "started", "lasted", "target", "client", "server", "bytes", "ended")
_NUMBERS = ("session", "lasted", "client", "server", "bytes")
_LEFT_OUT = ("bytes", "lasted")
_GOOD_TARGET, _LEAST_TARGET = 24, 12
_GAP = "  "
_SECOND = 1_000_000_000


@click.command(epilog=_EXAMPLES, short_help="List the sessions of a recording.")
@click.argument("recording")
@flags.as_json
def ls(recording: str, as_json: bool) -> None:
    """List the sessions of RECORDING (a file or a database URL), newest last.

    `client` and `server` count the frames each side sent, `bytes` the bytes that both sent.
    """
    from wsproxy.cli.exchanges import count_text
    from wsproxy.cli.objects import json_line
    from wsproxy.cli.paint import Output
    from wsproxy.store.reader import open_recording

    output = Output()
    with open_recording(recording) as opened:
        if as_json:
            output.print_all(json_line(_object(session)) for session in opened.sessions())
            return
        rows = [_row(session) for session in opened.sessions()]
        exchanges, place = opened.exchange_count(), opened.location
    if rows:
        width = shutil.get_terminal_size().columns if output.terminal else None
        output.print_all(_table(rows, width))
    else:
        click.echo(f"{place} has no sessions yet.", err=True)
    if exchanges:
        output.flush()
        click.echo(f"{count_text(exchanges)}: wsproxy show {place} --http", err=True)


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


def _table(rows: "Sequence[Sequence[str]]", width: int | None) -> "list[Line | str]":
    """The rows in columns; where they do not fit in `width`, targets are cut and columns left out."""
    from wsproxy.cli.paint import Span

    shown = {name: [row[index] for row in rows] for index, name in enumerate(_HEADINGS)}
    widths = {name: max(len(name), *map(len, column)) for name, column in shown.items()}
    good = min(widths["target"], _GOOD_TARGET)
    for name in _LEFT_OUT:
        if width and _total(widths) - widths["target"] + good > width:
            del widths[name]
    if width:
        room = width - _total(widths) + widths["target"]
        widths["target"] = max(_LEAST_TARGET, min(widths["target"], room))
    lines = [_cells([shown[name][row] for name in widths], widths) for row in range(len(rows))]
    return [[Span(_cells(list(widths), widths), "dim")], *lines]


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _cells(row: Sequence[str], widths: dict[str, int]) -> str:
    padded = (
        _cut(text, width).rjust(width) if name in _NUMBERS else _cut(text, width).ljust(width)
        for text, (name, width) in zip(row, widths.items(), strict=True)
    )
    return _GAP.join(padded).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _object(session: "StoredSession") -> dict[str, Any]:
    from dataclasses import asdict

    value = asdict(session)
    for name, head in value["start"].items():
        if isinstance(head, bytes):
            value["start"][name] = head.decode("latin-1")
    return {"session": value.pop("id"), **value}
