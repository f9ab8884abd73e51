"""The matrix, to be read on a terminal and as a page of the documentation."""

import re
from collections import Counter
from collections.abc import Iterator

from tests.rescue.case import Case, Result, Verdict
from tests.rescue.matrix import Matrix
from tests.rescue.rig import CLIENTS, SERVERS
from tests.rescue.ways import Way

MARKS = {Result.WORKS: "✓", Result.FAILS: "✗", Result.HANGS: "∞", Result.SKIPPED: "·"}
_TITLES = {Way.DIRECT: "direct", Way.STOCK: "mitmproxy", Way.WSPROXY: "wsproxy"}
_WORDS_LIMIT = 110
_SAYINGS_LIMIT = 3
_NOISE = (
    (r",? url=\S+", ""),
    (r"127\.0\.0\.1:\d+", "DEVICE"),
    (r" -\+-\+- .*", ""),
    (r"/[\w-]+/(?:websockets|aiohttp|wsproto|websocket-client|ws|chromium)/\w+", "/"),
    (r"[^\x20-\x7e\u00a0-\ufffc]", "?"),
    (r"\\+n", " "),
    (r"\s+", " "),
)
_INTRODUCTION = """\
# Rescue matrix

Real strict peers and weak ones that they do not understand: {devices} devices faced by strict clients, and
{clients} clients facing strict servers. Most were met by somebody, and the thread is named. The weak ones are
emulated on raw sockets and behave like the real thing whoever asks. Every pair was tried three ways, in one
run:

- **direct**;
- through stock **mitmproxy** as a reverse proxy;
- through **wsproxy**: `wsproxy record ws://… --normalize`, with the profile `strict` unless the case names
  another, or an option that has to be asked for.

It works (✓) when the strict peer got through the opening handshake, every message had the right content both
ways, and the closing handshake was clean. Else it fails (✗), or hangs (∞): nothing more happens for
{patience:g} seconds. A dot: the peer cannot be tried with the case (a browser sends no pings).

This page is written by `make rescue`. The quick part of it is among the tests of `make test`.

"""


def mark(verdict: Verdict) -> str:
    """One character."""
    return MARKS[verdict.result]


def words(verdict: Verdict) -> str:
    """What a peer said, short and without what differs from run to run."""
    text = verdict.words
    for pattern, instead in _NOISE:
        text = re.sub(pattern, instead, text)
    return text if len(text) <= _WORDS_LIMIT else text[: _WORDS_LIMIT - 1] + "…"


def progress_line(matrix: Matrix, case: Case, number: int) -> str:
    """A finished case on a terminal."""
    marks = "   ".join(
        f"{_TITLES[way]} {''.join(mark(verdict) for _, verdict in matrix.played(case, way)):<6}"
        for way in matrix.ways
    )
    return f"{number:>4}/{len(matrix.cases)}  {case.name:<42} {marks}"


def summary(matrix: Matrix) -> Iterator[str]:
    """The matrix on a terminal: how many cases work with each peer, and what does not through wsproxy."""
    yield f"{'':<18}" + "".join(f"{_TITLES[way]:>16}" for way in matrix.ways)
    for title, peer, cases in _rows(matrix):
        if peer in matrix.missing:
            yield f"{title:<26}  {matrix.missing[peer]}"
            continue
        counts = [_count(matrix, cases, peer, way) for way in matrix.ways]
        yield f"{title:<26}" + "".join(f"{works:>6} of {of:<6}" for works, of in counts)
    yield from (f"not rescued: {line}" for line in _not_rescued(matrix))
    yield from (
        f"works now, though a reason says it would not: {case.name} with {peer}"
        for case, peer in matrix.outdated()
    )


def page(matrix: Matrix, versions: dict[str, str], patience_s: float) -> str:
    """The page docs/rescue.md."""
    devices = [case for case in matrix.cases if case.device_side]
    clients = [case for case in matrix.cases if not case.device_side]
    parts = [
        _INTRODUCTION.format(devices=len(devices), clients=len(clients), patience=patience_s),
        "The peers: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".\n\n",
        *_summary_table(matrix),
        "\n## What does not work through wsproxy\n\n",
        *(f"- {line}\n" for line in _not_rescued(matrix) or ["Nothing."]),
        "\n## Devices\n\nThree marks a cell: direct, mitmproxy, wsproxy.\n\n",
        *_table(matrix, devices, CLIENTS),
        "\n## Clients\n\n",
        *_table(matrix, clients, SERVERS),
        "\n## What they say\n\nStrict peers' own words without a proxy, at most three a case.\n\n",
        *_sayings(matrix),
    ]
    return "".join(parts)


def _rows(matrix: Matrix) -> Iterator[tuple[str, str, list[Case]]]:
    for peer in CLIENTS:
        if peer in matrix.peers:
            yield f"{peer} as client", peer, [case for case in matrix.cases if case.device_side]
    for peer in SERVERS:
        if peer in matrix.peers:
            yield f"{peer} as server", peer, [case for case in matrix.cases if not case.device_side]


def _count(matrix: Matrix, cases: list[Case], peer: str, way: Way) -> tuple[int, int]:
    results = Counter(matrix.verdict(case, peer, way).result for case in cases)
    return results[Result.WORKS], sum(results.values()) - results[Result.SKIPPED]


def _summary_table(matrix: Matrix) -> Iterator[str]:
    yield "| works with | " + " | ".join(_TITLES[way] for way in matrix.ways) + " | of |\n"
    yield "|---|" + "---|" * (len(matrix.ways) + 1) + "\n"
    for title, peer, cases in _rows(matrix):
        if peer in matrix.missing:
            yield f"| {title} | {' | '.join('not installed' for _ in matrix.ways)} | |\n"
            continue
        counts = [_count(matrix, cases, peer, way) for way in matrix.ways]
        yield f"| {title} | {' | '.join(str(works) for works, _ in counts)} | {counts[0][1]} |\n"


def _not_rescued(matrix: Matrix) -> list[str]:
    """Every case that does not work through wsproxy, with its peers and the reason."""
    lines: dict[tuple[str, str], list[str]] = {}
    for case, peer, verdict in matrix.not_rescued():
        reason = case.reason(peer) or f"UNEXPLAINED ({verdict.result}: {words(verdict)})"
        lines.setdefault((case.name, reason), []).append(peer)
    return [f"`{name}` with {', '.join(peers)}: {reason}" for (name, reason), peers in lines.items()]


def _table(matrix: Matrix, cases: list[Case], peers: tuple[str, ...]) -> Iterator[str]:
    shown = [peer for peer in peers if peer in matrix.peers]
    yield f"| case | seen in | {' | '.join(shown)} | asked for |\n|---|---|{'---|' * len(shown)}---|\n"
    for case in cases:
        cells = ["".join(mark(matrix.verdict(case, peer, way)) for way in matrix.ways) for peer in shown]
        yield f"| `{case.name}` | {case.thread} | {' | '.join(cells)} | {_asked(case)} |\n"


def _asked(case: Case) -> str:
    """What wsproxy was told beyond `--normalize`."""
    if "=" not in case.normalize:
        told = [] if case.normalize == "strict" else [f"`{case.normalize}`"]
    else:
        told = [f"`{line.strip()}`" for line in case.normalize.splitlines() if "=" in line]
    if case.flags:
        name, value = case.flags
        told.append(f"`{name} {value.rpartition('/')[2]}`")
    return ", ".join(told)


def _sayings(matrix: Matrix) -> Iterator[str]:
    yield "| case | they say |\n|---|---|\n"
    for case in matrix.cases:
        said: dict[str, str] = {}
        for peer, verdict in reversed(matrix.played(case, Way.DIRECT)):
            if verdict.result is Result.FAILS and verdict.words:
                said.setdefault(words(verdict), peer)
        shown = "; ".join(f"{peer}: {_escaped(text)}" for text, peer in list(said.items())[:_SAYINGS_LIMIT])
        if shown:
            yield f"| `{case.name}` | {shown} |\n"


def _escaped(text: str) -> str:
    return re.sub(r"([|<>\[\]*_`\\])", r"\\\1", text)
