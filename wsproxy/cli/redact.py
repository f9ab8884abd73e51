"""`wsproxy redact`: a recording without its secrets."""

from collections.abc import Sequence

import click

from wsproxy.cli import flags
from wsproxy.errors import UsageError

_EXAMPLES = """\b
Examples:
  wsproxy redact recordings/wsproxy.db -o clean.db
  wsproxy redact recordings/wsproxy.db 3 last -o clean.db --redact defaults --redact json:/params/token
  wsproxy redact recordings/wsproxy.db -o clean.db --redact 'regex:serial=(\\w+)'
"""


@click.command(epilog=_EXAMPLES, short_help="Copy a recording without its secrets.")
@click.argument("recording")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@click.option("-o", "--output", required=True, metavar="PATH|URL", help="Where to write the copy.")
@click.option(
    "--redact",
    "rules",
    multiple=True,
    default=("defaults",),
    show_default="defaults",
    metavar="RULE",
    help=f"What to take out: {flags.REDACTIONS}.",
)
def redact(recording: str, sessions: Sequence[str], output: str, rules: Sequence[str]) -> None:
    """Copy RECORDING, or only the SESSIONs named, to a new recording, with secrets taken out as
    `wsproxy record --redact` does. RECORDING itself is not changed.
    """
    from wsproxy.store.copying import copy_recording
    from wsproxy.store.failures import explained
    from wsproxy.store.jsonl_recording import remove_recording
    from wsproxy.store.location import parse_location
    from wsproxy.store.reader import open_recording
    from wsproxy.store.redaction import Redaction

    redaction = Redaction.of(rules)
    place = parse_location(output)
    with explained(place):
        if any(path is not None and path.exists() for path in (place.path, place.jsonl)):
            raise UsageError(f"{output} exists already: name a new file")
    with open_recording(recording) as opened:
        try:
            copied = copy_recording(opened, output, redaction=redaction, sessions=sessions)
        except BaseException:
            remove_recording(place)
            raise
    wholes = f"{copied.sessions} session{'s' * (copied.sessions != 1)}"
    more = f" and {copied.exchanges} plain HTTP exchanges" if copied.exchanges else ""
    click.echo(f"Wrote {wholes}{more} to {output}", err=True)
    click.echo(f"Look through it before you give it away:  wsproxy show {output} --messages", err=True)
