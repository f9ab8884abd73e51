"""`wsproxy replay server`: play the device of a recording."""

import asyncio
import ssl
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wsproxy.cli import flags
from wsproxy.errors import UsageError

if TYPE_CHECKING:
    from wsproxy.cli.replay_view import ReplayDisplay
    from wsproxy.replay.model import ReplayOptions
    from wsproxy.replay.report import ReplayReport
    from wsproxy.replay.server import ReplayServer

_LISTED = 20
_EXAMPLES = """\b
Examples:
  wsproxy replay server recordings/skyq.db
  wsproxy replay server device.db last -p 9006 --speed max --loop
  wsproxy replay server device.db 3 --tls --cert device.pem --key device-key.pem
  wsproxy replay server device.db --match json:/id --on-mismatch skip --format jsonl
"""


@click.command(epilog=_EXAMPLES, short_help="Play the device of a recording.")
@click.argument("recording")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@click.option(
    "-p",
    "--listen-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on, 0 for a free one.",
)
@flags.listen_host
@flags.speed
@click.option("--loop", is_flag=True, help="Start again when all sessions have been played.")
@flags.match
@click.option(
    "--vary",
    multiple=True,
    metavar="POINTER",
    help="A JSON pointer in the client's messages whose value differs from run to run; the device's later"
    " messages get the live value.",
)
@click.option("--strict", is_flag=True, help="Count recorded messages left unplayed as mismatches, too.")
@click.option(
    "--on-mismatch",
    type=click.Choice(["close", "skip", "wait"]),
    default="close",
    show_default=True,
    help="After a message that does not match: close the connection, skip it (go on as if it matched), or"
    " wait for one that does.",
)
@click.option("--exact-handshake", is_flag=True, help="Send the recorded Sec-WebSocket-Accept as it is.")
@click.option("--as-sent", is_flag=True, help="Where the proxy changed something, play what the client got.")
@click.option("--tls", is_flag=True, help="Speak TLS, with a certificate made for it or with --cert.")
@click.option("--cert", "certificate", metavar="FILE", help="The certificate for --tls, in PEM.")
@click.option("--key", metavar="FILE", help="Its private key, in PEM, unless it is in the same file.")
@click.option("-q", "--quiet", is_flag=True, help="Show mismatches only.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    help="Show it as text or as JSON lines.",
)
def server(
    recording: str,
    sessions: tuple[str, ...],
    listen_host: str,
    listen_port: int,
    tls: bool,
    certificate: str | None,
    key: str | None,
    quiet: bool,
    style: str,
    **settings: Any,
) -> None:
    """Play the device of RECORDING: send each client what the device sent in the recorded SESSIONs (numbers
    or `last`; all if none are given), byte for byte and in turn, and compare what the client sends with the
    recording.

    Give your client the URL this prints. Ctrl-C ends it. Exits with 1 if a client does anything else than
    recorded.
    """
    from wsproxy.cli.paint import Output
    from wsproxy.cli.replay_view import JsonView, ReplayDisplay, TextView
    from wsproxy.replay.server import ReplayServer

    options = _options(settings)
    context, made = _tls(listen_host, certificate, key) if tls or certificate or key else (None, None)
    view = JsonView() if style == "jsonl" else TextView()
    display = ReplayDisplay(view, Output(), quiet=quiet)
    try:
        played = ReplayServer(recording, sessions, options, watch=display.show)
        with _kept(made) as trusted:
            place = Place(listen_host, listen_port, context, trusted)
            report = asyncio.run(_serve(played, place, display))
    finally:
        display.close()
    _say_what(report, options.strict)


def _options(settings: dict[str, Any]) -> "ReplayOptions":
    from wsproxy.replay.model import OnMismatch, ReplayOptions
    from wsproxy.replay.timing import parse_speed

    speed = parse_speed(settings.pop("speed"))
    policy = OnMismatch(settings.pop("on_mismatch"))
    return ReplayOptions(speed=speed, on_mismatch=policy, **settings)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, with which TLS settings, and the file with the certificate that was made."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    trusted: str | None


def _tls(host: str, certificate: str | None, key: str | None) -> tuple[ssl.SSLContext, bytes | None]:
    """The TLS settings, and the certificate if it was made for them."""
    from wsproxy.replay.certificate import make_certificate

    if certificate is None:
        if key is not None:
            raise UsageError("--key goes with --cert: give the certificate that it belongs to")
        made = make_certificate((host, "localhost", "127.0.0.1"))
        return made.server_context(), made.certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise UsageError(f"{certificate} is not a certificate with its key: {error}") from error
    return context, None


@contextmanager
def _kept(certificate: bytes | None) -> Iterator[str | None]:
    """A file with the certificate, for clients to trust."""
    if certificate is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="wsproxy-replay-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "certificate.pem"
        path.write_bytes(certificate)
        yield str(path)


async def _serve(played: "ReplayServer", place: Place, display: "ReplayDisplay") -> "ReplayReport":
    from wsproxy.mitm.interrupts import signals_wake_the_loop, stopped_by_signals

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    display.on_broken(stop)
    await played.start(place.host, place.port, tls=place.tls)
    with stopped_by_signals(stop, for_good=True), signals_wake_the_loop():
        try:
            _say_where(played, place)
            await stopped.wait()
            return played.report()
        finally:
            await played.stop()


def _say_where(played: "ReplayServer", place: Place) -> None:
    for path in played.paths:
        click.echo(f"Give your client  {_url(place, played.port, path)}", err=True)
    if place.trusted:
        click.echo(f"A client must trust  {place.trusted}", err=True)
    click.echo("Ctrl-C ends it.", err=True)


def _url(place: Place, port: int, path: str) -> str:
    scheme = "ws" if place.tls is None else "wss"
    shown = "127.0.0.1" if place.host in ("0.0.0.0", "::", "") else place.host
    return f"{scheme}://[{shown}]:{port}{path}" if ":" in shown else f"{scheme}://{shown}:{port}{path}"


def _say_what(report: "ReplayReport", strict: bool) -> None:
    unplayed = report.unplayed_count
    click.echo(
        f"{_counted(report.connection_count, 'connection')}, {_counted(report.mismatch_count, 'mismatch')},"
        f" {_counted(unplayed, 'recorded message')} left unplayed",
        err=True,
    )
    played = Counter(each.session for each in report.connections if each.session is not None)
    for number, times in sorted(played.items())[:_LISTED]:
        click.echo(f"Played session {number}{f', {times} times' if times > 1 else ''}", err=True)
    if report.unused_sessions:
        numbers = ", ".join(map(str, report.unused_sessions[:_LISTED]))
        click.echo(f"Nobody asked for session {numbers}", err=True)
    if strict:
        _say_what_is_left(report)
    if report.mismatch_count or (strict and unplayed):
        sys.exit(1)


def _say_what_is_left(report: "ReplayReport") -> None:
    from wsproxy.cli.paint import printable
    from wsproxy.replay.report import described

    left = [(each.number, message) for each in report.connections for message in each.unplayed]
    for number, message in left[:_LISTED]:
        text = f"{message.side.value} {described(message)}"
        click.echo(f"Left unplayed on connection {number}: {printable(text)}", err=True)
    if (more := report.unplayed_count - _LISTED) > 0:
        click.echo(f"… and {_counted(more, 'message')} more", err=True)


def _counted(count: int, what: str) -> str:
    plural = "es" if what.endswith("ch") else "s"
    return f"{count:,} {what}{plural if count != 1 else ''}"
