"""The same results four ways: a table for the terminal, one for docs, the targets, JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.contestants import CONTESTANTS, MITM_WEBSOCKET
from bench.results import TARGETS, Results, Target
from bench.stats import Figure
from bench.workloads import Row, replaying
from bench.workloads.decoding import DECODERS, WEBSOCKETS

BEGIN = "<!-- written by `make bench`: begin -->"
END = "<!-- written by `make bench`: end -->"
type Table = list[list[str]]


def number(value: float) -> str:
    """Three significant digits, with k, M or G above 9999."""
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(factor, 1e4):
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cell(figure: Figure | None, row: Row) -> str:
    """The median and the noise between rounds, as a share of it where it cannot be about zero."""
    if figure is None:
        return "-"
    median, noise = figure.median, figure.noise
    if len(figure.values) == 1:
        return number(median)
    return f"{number(median)} ±{number(noise) if row.is_memory else f'{noise / median:.0%}'}"


def align(table: Table) -> str:
    """Columns under each other, the first to the left, the rest to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """The same as a Markdown table."""
    head, *body = (f"| {' | '.join(row)} |" for row in table)
    return "\n".join([head, "|" + "|".join([" --- "] + [" ---: "] * (len(table[0]) - 1)) + "|", *body])


def _columns(results: Results, columns: Mapping[str, str]) -> tuple[list[Row], dict[str, str]]:
    rows = [row for row in results.rows if any((row.key, key) in results.figures for key in columns)]
    used = {k: title for k, title in columns.items() if any((row.key, k) in results.figures for row in rows)}
    return rows, used


def _titles() -> tuple[tuple[Mapping[str, str], str], ...]:
    """Each table's columns by key, and the column that ratios are to."""
    return (
        ({one.key: one.title for one in CONTESTANTS}, MITM_WEBSOCKET.key),
        ({name: name for name in DECODERS}, WEBSOCKETS),
        ({replaying.COLUMN: replaying.COLUMN}, ""),
    )


def tables(results: Results) -> list[Table]:
    """Medians and noise: the relays, and the decoders."""
    found = []
    for columns, _ in _titles():
        rows, used = _columns(results, columns)
        body = [
            [f"{row.title} [{row.unit}]", *(cell(results.figure(row.key, key), row) for key in used)]
            for row in rows
        ]
        if body:
            found.append([["", *used.values()], *body])
    return found


def ratio_tables(results: Results) -> list[Table]:
    """Ratios to the stock peer of the same run, the figure itself in brackets."""
    found = []
    for columns, peer in _titles():
        rows, used = _columns(results, columns)
        body = [[row.title, *(_ratio(results, row, key, peer) for key in used)] for row in rows]
        if body:
            found.append([["", *used.values()], *body])
    return found


def _ratio(results: Results, row: Row, column: str, peer: str) -> str:
    own, other = results.median(row.key, column), results.median(row.key, peer)
    if own is None:
        return "-"
    plain = f"{number(own)} {row.unit}"
    return f"{number(own / other)}x ({plain})" if other and own > 0 else plain


def judged(results: Results, targets: Sequence[Target] = TARGETS) -> list[tuple[Target, float | None, str]]:
    """Each target with its value and `reached`, `NOT reached` or `not measured`."""
    found = []
    for target in targets:
        value = target.value(results)
        verdict = "not measured" if value is None else "reached" if target.reached(value) else "NOT reached"
        found.append((target, value, verdict))
    return found


def target_table(results: Results) -> Table:
    """The targets for people."""
    table = [["target", "bound", "measured", ""]]
    for target, value, verdict in judged(results):
        bound = f"{'>=' if target.at_least else '<='} {number(target.bound)}{target.unit}"
        table.append(
            [target.title, bound, "-" if value is None else f"{number(value)}{target.unit}", verdict]
        )
    return table


def text(results: Results) -> str:
    """Everything for the terminal."""
    notes = [f"note: {note}" for note in results.notes]
    return "\n\n".join([*map(align, (*tables(results), target_table(results))), *notes])


def document(results: Results, machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """The generated part of the page on performance."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    software = ", ".join(f"{name} {value}" for name, value in versions.items())
    scale = results.scale
    how = f"A {scale.name} run, medians of {scale.rounds} rounds"
    how += f" ({scale.echo_rounds} of echo, {scale.memory_rounds} of memory)."
    parts = [f"{how}\n\nMachine: {facts}.\n\nVersions: {software}."]
    parts += map(markdown, ratio_tables(results))
    parts.append(markdown(target_table(results)))
    parts += [f"Note: {note}." for note in results.notes]
    return "\n\n".join(parts)


def between_markers(page: str, generated: str) -> str:
    """`page` with what is between its markers replaced; ValueError when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} ... {END}")
    return f"{before}{begin}\n\n{generated}\n\n{end}{after}"


def write_page(path: Path, generated: str) -> None:
    """Replace the generated part of the page at `path`."""
    path.write_text(between_markers(path.read_text(encoding="utf-8"), generated), encoding="utf-8")


def as_json(results: Results, machine: Mapping[str, str], versions: Mapping[str, str]) -> dict[str, object]:
    """Everything for programs, every round included."""
    figures = [
        {"row": row.key, "title": row.title, "unit": row.unit, "column": key[1], "values": values}
        for row in results.rows
        for key, values in results.figures.items()
        if key[0] == row.key
    ]
    targets = [{**asdict(target), "value": value, "verdict": word} for target, value, word in judged(results)]
    return {
        "scale": asdict(results.scale),
        "machine": dict(machine),
        "versions": dict(versions),
        "figures": figures,
        "targets": targets,
        "notes": results.notes,
    }
