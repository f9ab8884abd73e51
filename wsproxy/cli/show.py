"""`wsproxy show`: the frames and messages of a recorded session."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from wsproxy.cli import flags
from wsproxy.cli.filters import HELP as FILTER_HELP

if TYPE_CHECKING:
    from wsproxy.cli.paint import Line, Output
    from wsproxy.cli.playback import Playback
    from wsproxy.cli.seen import Seen
    from wsproxy.cli.views import View
    from wsproxy.store.model import StoredChange, StoredFinding, StoredSession
    from wsproxy.store.reader import Recording

_POLL_S = 0.1
_EXAMPLES = """\b
Examples:
  wsproxy show recordings/wsproxy.db
  wsproxy show recordings/wsproxy.db 3 --hex
  wsproxy show recordings/wsproxy.db last --side server --filter text --filter /state/
  wsproxy show recordings/wsproxy.db --follow
  wsproxy show recordings/wsproxy.db --http
"""


@click.command(epilog=_EXAMPLES, short_help="Show the frames and messages of a session.")
@click.argument("recording")
@click.argument("session", default="last")
@click.option("--hex", "show_hex", is_flag=True, help="Show the exact bytes of each frame.")
@click.option("--messages", is_flag=True, help="Show assembled messages, not frames.")
@click.option("--side", type=click.Choice(["client", "server"]), help="Show only what this side sent.")
@click.option(
    "--filter", "filters", multiple=True, metavar="WHAT", help=f"Show only {FILTER_HELP}; ! negates."
)
@click.option("--follow", is_flag=True, help="Keep showing while the session is being recorded.")
@click.option("--http", is_flag=True, help="Show the plain HTTP exchanges, not a session.")
@flags.lines(40)
@flags.as_json
def show(
    recording: str,
    session: str,
    show_hex: bool,
    messages: bool,
    side: str | None,
    filters: Sequence[str],
    follow: bool,
    http: bool,
    lines: int,
    as_json: bool,
) -> None:
    """Show SESSION (its number, or `last`) of RECORDING (a file or a database URL): its opening
    handshake, every frame with its payload readable, what is odd about it, what went on in its place
    and for which rule, and how it ended.
    """
    from wsproxy.cli.filters import parse_filters
    from wsproxy.cli.paint import Output
    from wsproxy.cli.playback import Playback
    from wsproxy.cli.seen import Named, Seen
    from wsproxy.cli.views import JsonView, TextView
    from wsproxy.protocol.frame import Side
    from wsproxy.store.reader import open_recording

    wanted = parse_filters(filters)
    output = Output()
    with open_recording(recording) as opened:
        if http:
            _show_exchanges(opened, output, lines, as_json)
            return
        stored = opened.session(session)
        playback = Playback(opened, stored, Side(side) if side else None)
        if as_json:
            view: View = JsonView(messages_only=messages)
            output.print_all(view.started(stored.id, stored.start))
        else:
            view = TextView(limit=lines, show_hex=show_hex, messages_only=messages)
            output.print_all(_heading(stored))
        for found in _found_beside(opened, stored.id, side, opening=True):
            output.print_all(view.found(stored.id, found))
        named = Named()
        for seen in _read(opened, stored.id, playback, output, follow):
            if not isinstance(seen, Seen):
                output.print_all(view.changed(stored.id, seen))
                continue
            named.add(seen)
            if wanted(seen):
                output.print_all(view.seen(stored.id, seen))
        for found in _found_beside(opened, stored.id, side, opening=False):
            if found not in named:
                output.print_all(view.found(stored.id, found))
        stored = opened.session(stored.id)
        output.print_all(view.ended(stored.id, stored.end) if stored.end else _unended(stored, as_json))


def _found_beside(
    opened: "Recording", session_id: int, side: str | None, *, opening: bool
) -> "Iterator[StoredFinding]":
    """The recorded findings about the opening handshake, or about all that followed."""
    for found in opened.findings(session_id):
        if (found.offset is None) is opening and side in (None, str(found.side)):
            yield found


def _show_exchanges(opened: "Recording", output: "Output", lines: int, as_json: bool) -> None:
    from wsproxy.cli.exchanges import exchange_lines, exchange_object
    from wsproxy.cli.objects import json_line

    for stored in opened.exchanges():
        output.print_all([json_line(exchange_object(stored))] if as_json else exchange_lines(stored, lines))
    if not opened.exchange_count():
        click.echo(f"{opened.location} has no HTTP exchanges.", err=True)


def _read(
    opened: "Recording", session_id: int, playback: "Playback", output: "Output", follow: bool
) -> "Iterator[Seen | StoredChange]":
    from wsproxy.store.model import SessionState

    while True:
        # Asked before reading, so that nothing recorded in between is missed at the end.
        is_open = opened.session(session_id).state is SessionState.OPEN
        yield from playback.new()
        if not (follow and is_open):
            break
        output.flush()
        time.sleep(_POLL_S)
    if not is_open:
        yield from playback.cut_short()
        yield from playback.changes_left()


def _heading(stored: "StoredSession") -> "Iterator[Line | str]":
    from wsproxy.cli.paint import Span, printable
    from wsproxy.cli.render import date_and_time, started_line

    start = stored.start
    yield [Span(f"{date_and_time(start.started_at_ns)}  ", "dim"), *started_line(stored.id, start)[1:]]
    heads = (
        ("client", "request", start.request_head),
        ("client", "request, as sent on", start.request_head_sent),
        ("server", "response", start.response_head),
        ("server", "response, as sent on", start.response_head_sent),
    )
    for side, name, head in heads:
        if head:
            yield [Span(f"  {name}", side)]
            text = head.decode("utf-8", "backslashreplace").replace("\r\n", "\n").strip("\n")
            yield from (f"      {printable(line)}" for line in text.split("\n"))


def _unended(stored: "StoredSession", as_json: bool) -> "list[Line | str]":
    from wsproxy.cli.objects import json_line
    from wsproxy.store.model import SessionState

    if as_json:
        return [json_line({"type": stored.state.value, "session": stored.id})]
    if stored.state is SessionState.OPEN:
        return [f"session {stored.id} is still open (--follow goes on with it)"]
    return [f"session {stored.id} was interrupted: its recorder ended before it did"]
