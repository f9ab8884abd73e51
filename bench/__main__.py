"""`python -m bench`: print the table and the targets, write docs/performance.md after a full run."""

import argparse
import json
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bench import report
from bench.contestants import CONTESTANTS, LONGEST_RUN_S
from bench.machine import machine, versions
from bench.run import WORKLOADS, progress, run
from bench.scale import FULL, QUICK

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
DECODING, REPLAYING = "decoding", "replaying"


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="All contestants, one table.")
    parser.add_argument("--quick", action="store_true", help="under a minute, for a first impression")
    parser.add_argument("--json", action="store_true", help="every figure of every round as JSON on stdout")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every target is reached")
    parser.add_argument("--no-page", action="store_true", help="leave docs/performance.md alone")
    names = [workload.name for workload in WORKLOADS] + [DECODING, REPLAYING]
    parser.add_argument("--only", action="append", choices=names, help="only this workload (repeatable)")
    keys = [contestant.key for contestant in CONTESTANTS]
    parser.add_argument("--contestant", action="append", choices=keys, help="only this one (repeatable)")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Run, print, write; returns the exit code."""
    options = arguments(words)
    _prepare()
    facts, software = machine(), versions()
    workloads = [one for one in WORKLOADS if not options.only or one.name in options.only]
    contestants = [one for one in CONTESTANTS if not options.contestant or one.key in options.contestant]
    decode = not options.only or DECODING in options.only
    replay = not options.only or REPLAYING in options.only
    results = run(QUICK if options.quick else FULL, contestants, workloads, decode, replay)
    if options.json:
        print(json.dumps(report.as_json(results, facts, software), indent=1))
    else:
        print(report.text(results))
    if not (options.quick or options.only or options.contestant or options.no_page):
        report.write_page(PAGE, report.document(results, facts, software))
        progress(f"written to {PAGE.name}")
    missed = any(verdict != "reached" for _, _, verdict in report.judged(results))
    return 1 if options.check and missed else 0


def _prepare() -> None:
    """Allow the files that 500 sessions need, here and in every relay, and bound the whole run."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGALRM, _too_long)
    signal.signal(signal.SIGTERM, _too_long)
    signal.alarm(LONGEST_RUN_S)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise SystemExit(f"bench: ended by {signal.Signals(number).name}; a run takes {LONGEST_RUN_S} s at most")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
