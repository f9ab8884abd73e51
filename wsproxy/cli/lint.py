"""`wsproxy lint`: what the peers of recorded sessions did wrong."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsproxy.cli.reports import Report
    from wsproxy.store.model import StoredSession
    from wsproxy.store.reader import Recording

_SEVERITIES = ["error", "warning", "note"]
_EXAMPLES = """\b
Examples:
  wsproxy lint recordings/wsproxy.db
  wsproxy lint recordings/wsproxy.db last --fail-on error
  wsproxy lint recordings/wsproxy.db --format sarif > findings.sarif
"""


@click.command(epilog=_EXAMPLES, short_help="Check recorded sessions against the RFCs.")
@click.argument("recording")
@click.argument("session", required=False)
@click.option(
    "--fail-on",
    type=click.Choice(_SEVERITIES),
    default="warning",
    show_default=True,
    help="Exit with 1 if there are findings of this severity or a worse one.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl", "sarif"]),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as --format jsonl.")
def lint(recording: str, session: str | None, fail_on: str, form: str, as_json: bool) -> int:
    """Check SESSION (its number, or `last`; default: every session) of RECORDING (a file or a database
    URL). List which rules each side departed from and where, which section of which RFC they come from, and
    which strict peers refuse such a thing, in their own words.

    If a side departs from one rule again and again, five findings are listed and the rest are counted.
    """
    from wsproxy.cli.linting import SessionLint
    from wsproxy.cli.paint import Output
    from wsproxy.store.reader import open_recording

    output, report = Output(), _report("jsonl" if as_json else form, recording)
    serious = set(_SEVERITIES[: _SEVERITIES.index(fail_on) + 1])
    failed = False
    with open_recording(recording) as opened:
        for stored in _sessions(opened, session):
            checked = SessionLint(opened, stored)
            for line in report.session(checked):
                output.print(line)
            failed = failed or any(count and s in serious for s, count in checked.totals.items())
        output.print_all(report.end())
    return 1 if failed else 0


def _sessions(opened: "Recording", session: str | None) -> "Iterator[StoredSession]":
    if session is None:
        yield from opened.sessions()
    else:
        yield opened.session(session)


def _report(form: str, recording: str) -> "Report":
    from wsproxy.cli.reports import JsonReport, SarifReport, TextReport

    if form == "sarif":
        return SarifReport(recording)
    return JsonReport() if form == "jsonl" else TextReport()
