"""Styled text for terminals: what has which colour, and when there is colour at all."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TextIO

from wsproxy.errors import UsageError


class Span(NamedTuple):
    """A run of text in one style; the styles are the keys of `_STYLES`, or empty."""

    text: str
    style: str = ""


type Line = list[Span]

_STYLES = {
    "client": "cyan",
    "server": "green",
    "odd": "bold yellow",
    "title": "bold",
    "value": "bold",
    "dim": "dim",
}
_ASCII = str.maketrans(
    dict.fromkeys("┌┐└┘├┤┬┴┼", "+")
    | {"─": "-", "│": "|", "┊": ":", "→": "->", "…": "...", "·": "-", "▶": ">", "◀": "<"}
)
_CONTROL_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """`text` with everything that could move a cursor, change a colour or reorder a line written as an
    escape.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _CONTROL_NAMES.get(c) or _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    if unicodedata.category(character) == "Zs":
        return " "
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


@contextmanager
def writing_to(stream: TextIO) -> Iterator[None]:
    """Makes a full disk a `UsageError`; a reader who has left stays a BrokenPipeError."""
    try:
        yield
    except OSError as error:
        # Nothing that is still to be flushed when the process ends must fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise UsageError(f"the output cannot be written: {error.strerror}") from error


class Output:
    """Lines to a text stream: with colour on a terminal that wants it, in ASCII where the stream knows no
    more.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self.terminal = self._stream.isatty()
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._codes = _escape_codes() if self.terminal and wanted else {}
        self._unicode = (self._stream.encoding or "").lower().replace("-", "") == "utf8"

    def print(self, line: Line | str = "") -> None:
        """One line."""
        self.print_all([line])

    def print_all(self, lines: Iterable[Line | str]) -> None:
        """Some lines, in one write. Raises UsageError where they cannot be written."""
        text = "".join(self._text(line) + "\n" for line in lines)
        with writing_to(self._stream):
            self._stream.write(text if self._unicode else text.translate(_ASCII))

    def flush(self) -> None:
        """Have everything written by now."""
        with writing_to(self._stream):
            self._stream.flush()

    def _text(self, line: Line | str) -> str:
        if isinstance(line, str):
            return line
        return "".join(self._painted(span) for span in line).rstrip()

    def _painted(self, span: Span) -> str:
        before, after = self._codes.get(span.style, ("", ""))
        return f"{before}{span.text}{after}" if span.text else ""


def _escape_codes() -> dict[str, tuple[str, str]]:
    from rich.color import ColorSystem
    from rich.style import Style

    codes = {}
    for name, definition in _STYLES.items():
        before, after = Style.parse(definition).render("\0", color_system=ColorSystem.STANDARD).split("\0")
        codes[name] = (before, after)
    return codes
