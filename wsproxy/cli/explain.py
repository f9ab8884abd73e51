"""`wsproxy explain`: any bytes, drawn frame by frame."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from wsproxy.cli import flags

if TYPE_CHECKING:
    from wsproxy.cli.explain_input import Input
    from wsproxy.cli.paint import Line
    from wsproxy.conformance.dissect import Part
    from wsproxy.protocol.frame import Side

_EXAMPLES = """\b
Examples:
  wsproxy explain 81 05 48 65 6c 6c 6f
  wsproxy explain '81:85:37:fa:21:3d:7f:9f:4d:51:58'
  wsproxy explain frames.bin
  hexdump -C frames.bin | wsproxy explain -
  wsproxy explain '\\ufffd~\\ufffd{ ...'         what a terminal made of a frame
"""


@click.command(epilog=_EXAMPLES, short_help="Draw any bytes frame by frame.")
@click.argument("source", metavar="[HEX|FILE|-]", nargs=-1)
@click.option("--side", type=click.Choice(["client", "server"]), help="Who sent the bytes.")
@flags.dialect("--dialect", "the peer writes")
@click.option("--deflate", is_flag=True, help="permessage-deflate was negotiated.")
@click.option(
    "--payload-length",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="How long the payload of the first frame was, if you know it and the text has lost it.",
)
@click.option(
    "-n",
    "--frames",
    "limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Frames to draw; 0 draws all.",
)
@flags.lines(60)
@flags.as_json
def explain(
    source: Sequence[str],
    side: str | None,
    dialect: str,
    deflate: bool,
    payload_length: int | None,
    limit: int,
    lines: int,
    as_json: bool,
) -> None:
    """Draw any bytes frame by frame, with every field, its value and its place, and mark what is odd.

    Takes hex however it was printed (spaces, colons, 0x, escapes, arrays and strings of programming
    languages, base64, dumps of xxd, hexdump, od, curl, openssl and Wireshark), a binary file or a dump in
    one, standard input (-), or text pasted from a terminal in which bytes became U+FFFD. An opening
    handshake in front of the frames is read as well.
    """
    from wsproxy.cli.explain_input import read_input
    from wsproxy.cli.explain_view import part_lines
    from wsproxy.cli.objects import json_line
    from wsproxy.cli.paint import Output
    from wsproxy.conformance.dissect import FramePart, dissect
    from wsproxy.protocol.frame import Side
    from wsproxy.protocol.grammar import load_dialect

    grammar = load_dialect(dialect)
    given = read_input(source, payload_length)
    most = limit + 1 if limit > 0 else None
    sent_by, parts = dissect(given.data, grammar, Side(side) if side else None, deflate=deflate, most=most)
    shown = _first(parts, limit)
    output = Output()
    if as_json:
        output.print_all(map(json_line, _objects(given, sent_by, shown)))
        return
    output.print_all(_preface(given, sent_by, parts))
    frames = 0
    for part in shown:
        frames += isinstance(part, FramePart)
        output.print()
        output.print_all(part_lines(part, frames, lines))
    if len(shown) < len(parts):
        output.print_all(["", "… there is more (-n 0 draws all)"])


def _first(parts: "list[Part]", limit: int) -> "list[Part]":
    return parts[:limit] if limit else parts


def _preface(given: "Input", sent_by: "Side", parts: "Sequence[Part]") -> "Iterator[Line | str]":
    from wsproxy.cli.explain_view import opening_lines, reading_lines
    from wsproxy.cli.paint import Span

    if given.openings or not given.data:
        yield from opening_lines(given.openings)
        yield "  Paste all of the text, or say with --payload-length how many bytes of payload data it had."
        return
    if given.reading:
        yield from reading_lines(given.reading)
        yield ""
    size = len(given.data)
    yield [Span(f"{size} byte{'s' * (size != 1)}, read as {given.how}, sent by a {sent_by}", "dim")]


def _objects(given: "Input", sent_by: "Side", parts: "Sequence[Part]") -> "Iterator[dict[str, Any]]":
    from dataclasses import asdict

    from wsproxy.cli.explain_view import part_object

    for opening in given.openings:
        yield {"part": "opening", **asdict(opening)}
    if given.reading:
        yield {
            "part": "reading",
            "size": len(given.data),
            "lost": [asdict(lost) for lost in given.reading.lost],
        }
    for part in parts:
        yield part_object(part, sent_by)
