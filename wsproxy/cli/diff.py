"""`wsproxy diff`: how two recorded sessions differ."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wsproxy.cli import flags
from wsproxy.errors import UsageError

if TYPE_CHECKING:
    from wsproxy.cli.differences import DiffView
    from wsproxy.protocol.frame import Side
    from wsproxy.replay.compare import Compared, Comparison, Kind
    from wsproxy.store.reader import Recording

KEEP_ALIVE, TIMING, TURN = "keep-alive", "timing", "turn"
KINDS = (
    *("handshake", "changed", "missing", "added", "moved", "framing"),
    *(TURN, TIMING, "bytes", "end", "findings", KEEP_ALIVE),
)
"""What can be ignored: kinds of differences, and all Pings and Pongs."""

_EXAMPLES = """\b
Examples:
  wsproxy diff before.db after.db
  wsproxy diff recordings/wsproxy.db:1 recordings/wsproxy.db:last --ignore-timing
  wsproxy diff before.db after.db --match json:/id,/params/*/ts --side-by-side
  wsproxy diff before.db after.db --ignore findings --ignore keep-alive --json
"""
_SESSION = re.compile(r"(.+):(\d+|last)", re.DOTALL)
_DATABASE_URL = re.compile(r"[^:/]+://[^/]*/.+", re.DOTALL)


@click.command(epilog=_EXAMPLES, short_help="Show how two recorded sessions differ.")
@click.argument("first", metavar="RECORDING[:SESSION]")
@click.argument("second", metavar="RECORDING[:SESSION]")
@flags.match
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.Choice(KINDS),
    metavar="WHAT",
    help=f"Ignore these differences (can be repeated): {', '.join(KINDS)}.",
)
@click.option("--ignore-timing", is_flag=True, help="The same as --ignore timing --ignore turn.")
@click.option("--side-by-side", is_flag=True, help="Show all of both sessions in two columns.")
@flags.context
@flags.as_json
def diff(
    first: str,
    second: str,
    match: str,
    ignored: Sequence[str],
    ignore_timing: bool,
    side_by_side: bool,
    context: int,
    as_json: bool,
) -> int:
    """Compare two sessions message by message, and show how they differ: order, content, opcode, framing,
    timing, opening handshake, how they end, and findings. SESSION is a session's number, or `last`, the
    default.

    The values of Host, Sec-WebSocket-Key, Sec-WebSocket-Accept and Date never count. Exits with 1 if there
    are differences.
    """
    from wsproxy.cli.differences import make_view
    from wsproxy.cli.paint import Output
    from wsproxy.replay.compare import CompareOptions, Comparison
    from wsproxy.replay.matchers import make_matcher
    from wsproxy.store.reader import open_recording

    left_out = {*ignored, *((TIMING, TURN) if ignore_timing else ())}
    matcher = make_matcher(match)
    output = Output()
    (first_path, first_session), (second_path, second_session) = map(split_session, (first, second))
    with open_recording(first_path) as one, open_recording(second_path) as other:
        comparison = Comparison(
            compared(one, first_session, findings="findings" not in left_out),
            compared(other, second_session, findings="findings" not in left_out),
            CompareOptions(matcher, kinds(left_out), keep_alive=KEEP_ALIVE not in left_out),
        )
        return show(comparison, make_view(output, as_json, side_by_side, context))


def split_session(text: str) -> tuple[str, str]:
    """The recording and the session in RECORDING[:SESSION]; a path, or a URL, may have colons of its own."""
    from pathlib import Path

    match = _SESSION.fullmatch(text)
    if match is None or _names_port(match[1]) or Path(text).exists():
        return text, "last"
    return match[1], match[2]


def _names_port(recording: str) -> bool:
    """Whether a number behind it is the port of a URL, not a session."""
    return "://" in recording and not _DATABASE_URL.fullmatch(recording)


def compared(recording: "Recording", ref: str, *, findings: bool) -> "Compared":
    """The session, with its findings if they matter."""
    from wsproxy.replay.compare import Compared

    session = recording.session(ref)
    if not findings:
        return Compared(recording, session)
    from wsproxy.cli.linting import SessionLint

    lint = SessionLint(recording, session)
    counts: Counter[tuple[str, Side]] = Counter(
        (located.finding.rule_id, located.finding.side) for located in lint.findings()
    )
    counts.update(lint.repeated)
    return Compared(recording, session, counts)


def kinds(names: "set[str]") -> "frozenset[Kind]":
    """The kinds of differences with these names. Raises UsageError if nothing is left to compare."""
    from wsproxy.replay.compare import Kind

    chosen = frozenset(Kind(name) for name in names if name != KEEP_ALIVE)
    if len(chosen) == len(Kind):
        raise UsageError("everything is ignored: nothing is left to compare; leave out one --ignore")
    return chosen


def show(comparison: "Comparison", view: "DiffView") -> int:
    """Compare, and show how; the exit code."""
    for row in comparison.rows():
        view.row(row)
    view.end(comparison)
    return 1 if comparison.counts else 0
