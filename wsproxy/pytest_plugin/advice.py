"""What to do about a test that did something else than is recorded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsproxy.replay.report import ReplayReport


def advice(report: "ReplayReport", *, strict: bool) -> str:
    """In some lines; empty where nothing is wrong."""
    return "\n".join(_lines(report, strict))


def _lines(report: "ReplayReport", strict: bool) -> Iterator[str]:
    if report.mismatch_count:
        yield "If the client is right, record it anew: --ws-record-mode=rewrite"
        if any(each.got is not None for each in report.mismatches):
            yield "If what it sends differs from run to run, say so in the marker: match=, vary="
        if any(each.session is None for each in report.connections):
            yield "To add connections that are not recorded: --ws-record-mode=new_episodes"
    if not strict:
        return
    if not report.connections:
        yield "No client asked for anything: connect to ws_replay.url(path)"
    elif report.unplayed_count and not report.mismatch_count:
        yield "If that may happen, say so in the marker: allow_unplayed=, or strict=False"
    elif report.unused_sessions and not report.mismatch_count:
        yield "Say in the marker what to play, sessions=, or record it anew: --ws-record-mode=rewrite"
