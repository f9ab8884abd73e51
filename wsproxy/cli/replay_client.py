"""`wsproxy replay client`: play the client of a recording, and compare what the device says now."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsproxy.cli import flags

if TYPE_CHECKING:
    from wsproxy.cli.paint import Output
    from wsproxy.protocol.frame import Side
    from wsproxy.replay.client_run import Outcome, Watch

_EXAMPLES = """\b
Examples:
  wsproxy replay client recordings/skyq.db last ws://192.0.2.7:9006
  wsproxy replay client device.db 3 wss://192.0.2.7 --insecure --speed max --match json:/id
  wsproxy replay client device.db last ws://192.0.2.7 --vary /token -o today.db
"""


@click.command(epilog=_EXAMPLES, short_help="Play the client of a recording to a device.")
@click.argument("recording")
@click.argument("session")
@click.argument("url")
@flags.speed
@flags.match
@click.option(
    "--vary",
    multiple=True,
    metavar="POINTER",
    help="A JSON pointer in the device's messages whose value differs from run to run; the client's later"
    " messages get the live value.",
)
@click.option(
    "--timeout",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to wait for the connection, and for each message beyond the time it took when recorded.",
)
@flags.insecure
@click.option("--exact-handshake", is_flag=True, help="Send the recorded Host and key, not fresh ones.")
@click.option("--as-sent", is_flag=True, help="Where the proxy changed something, send what the device got.")
@click.option("-o", "--recording", "output", metavar="PATH|URL", help="Record the new session there.")
@flags.context
@flags.as_json
def client(
    recording: str,
    session: str,
    url: str,
    speed: str,
    match: str,
    vary: Sequence[str],
    timeout: float,
    insecure: bool,
    exact_handshake: bool,
    as_sent: bool,
    output: str | None,
    context: int,
    as_json: bool,
) -> int:
    """Play the client of SESSION (its number, or `last`) in RECORDING: connect to the device at URL (ws:// or
    wss://), send what the client sent, byte for byte and in turn, and show how the device's answers differ
    from those recorded.

    If URL has no path, the recorded one is asked for. Exits with 1 if there are differences.
    """
    from wsproxy.cli.differences import make_view
    from wsproxy.cli.paint import Output
    from wsproxy.mitm.target import parse_target
    from wsproxy.replay.asking import Address
    from wsproxy.replay.client import ClientOptions
    from wsproxy.replay.client_run import run_client
    from wsproxy.replay.model import ReplayOptions
    from wsproxy.replay.timing import parse_speed

    target = parse_target(url)
    options = ClientOptions(
        Address(target.host, target.port, target.tls, target.path),
        ReplayOptions(
            speed=parse_speed(speed),
            match=match,
            vary=tuple(vary),
            exact_handshake=exact_handshake,
            as_sent=as_sent,
        ),
        timeout,
        insecure,
    )
    shown = Output()
    with _place(output) as path, run_client(recording, session, path, options, _progress()) as outcome:
        if sys.stderr.isatty():
            click.echo(err=True)
        view = make_view(shown, as_json, False, context)
        for row in outcome.comparison.rows():
            view.row(row)
        view.end(outcome.comparison)
        _tell(outcome, output, shown, as_json)
        return 1 if outcome.comparison.counts or outcome.problems else 0


def _progress() -> "Watch | None":
    """How far it has come, on a terminal."""
    if not sys.stderr.isatty():
        return None
    counts = {"client": 0, "server": 0}

    def show(side: "Side", number: int) -> None:
        counts[side.value] = number
        text = f"client {counts['client']:,}, device {counts['server']:,} messages"
        click.echo(f"\r{text}", err=True, nl=False)

    return show


@contextmanager
def _place(output: str | None) -> Iterator[str]:
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="wsproxy-") as folder:
        yield str(Path(folder) / "session.db")


def _tell(outcome: "Outcome", recording: str | None, output: "Output", as_json: bool) -> None:
    from wsproxy.cli.objects import json_line
    from wsproxy.cli.paint import printable

    session = outcome.session_id if recording else None
    if as_json:
        problems = list(outcome.problems)
        output.print(json_line({"type": "played", "problems": problems, "session": session}))
    for text in (*outcome.notes, *outcome.problems):
        click.echo(f"wsproxy: {printable(text)}", err=True)
    if recording:
        from wsproxy.store.location import shown_place

        click.echo(f"Recorded as session {session} of {shown_place(recording)}", err=True)
