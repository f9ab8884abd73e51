"""What `explain` was given: arguments, a file or standard input; hex, a dump, raw bytes or a terminal's
text.
"""

import os
import re
import select
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from wsproxy.cli.notation import Notation, one_byte_per_character, read_notation
from wsproxy.cli.pasted import Opening, Reading, is_pasted, openings, read_pasted
from wsproxy.errors import UsageError
from wsproxy.mitm.interrupts import signal_wakeup

_SIZE_LIMIT = 1 << 26
_PIECE = 1 << 16
_HOW = "give hex such as '81 05 48 65 6c 6c 6f', a file, or - for standard input"
_REPLACED = "\ufffd".encode()
# Control characters as some terminals draw them.
_PICTURES = {0x2400 + number: number for number in range(0x20)} | {0x2421: 0x7F}
_HEAD = re.compile(r"(?:HTTP/1\.\d \d{3}|[A-Z]{3,7} \S+ HTTP/1\.\d)[^\ufffd]*?(?:\r?\n){2}")


@dataclass(frozen=True, slots=True)
class Input:
    """The bytes meant and how they were written.

    A terminal's text has a `reading`, or, where nothing fits all of it, `openings` and no data.
    """

    data: bytes
    how: str
    reading: Reading | None = None
    openings: tuple[Opening, ...] = ()


def read_input(source: Sequence[str], payload_length: int | None) -> Input:
    """Read what the command line names. Raises `UsageError` where no bytes can be told."""
    if not source or list(source) == ["-"]:
        return _from_bytes(_standard_input(), payload_length)
    if len(source) == 1 and _exists(source[0]):
        return _from_bytes(_file(source[0]), payload_length)
    return _from_argument(" ".join(source), payload_length)


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        click.echo("Type or paste the bytes, then press Enter and Ctrl-D.", err=True)
        return _bounded(_typed(_SIZE_LIMIT + 1))
    return _bounded(sys.stdin.buffer.read(_SIZE_LIMIT + 1))


def _typed(limit: int) -> bytes:
    with signal_wakeup() as signalled:
        if signalled is None:
            return sys.stdin.buffer.read(limit)
        data = bytearray()
        terminal = sys.stdin.fileno()
        while len(data) < limit:
            if terminal not in select.select([terminal, signalled], [], [])[0]:
                signalled.recv(_PIECE)
                continue
            piece = os.read(terminal, min(limit - len(data), _PIECE))
            if not piece:
                break
            data += piece
        return bytes(data)


def _exists(name: str) -> bool:
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):
        return False


def _file(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return _bounded(file.read(_SIZE_LIMIT + 1))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error


def _bounded(data: bytes) -> bytes:
    if len(data) > _SIZE_LIMIT:
        click.echo(f"Only the first {_SIZE_LIMIT >> 20} MiB are explained.", err=True)
    return data[:_SIZE_LIMIT]


def _from_bytes(data: bytes, payload_length: int | None) -> Input:
    text = _decoded(data)
    if text is None:
        return Input(data, "raw bytes")
    if not text.strip():
        raise UsageError(f"there are no bytes to explain: {_HOW}")
    return _from_text(text, payload_length) or Input(data, "raw bytes")


def _decoded(data: bytes) -> str | None:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _from_argument(text: str, payload_length: int | None) -> Input:
    if not text.strip():
        raise UsageError(f"there are no bytes to explain: {_HOW}")
    if any("\udc80" <= character <= "\udcff" for character in text):
        return Input(os.fsencode(text), "raw bytes")
    found = _from_text(text, payload_length)
    if found is None and (notation := one_byte_per_character(text)):
        found = _named(notation)
    if found is None:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise UsageError(f"{shown!r} is neither hex nor a file that exists: {_HOW}")
    return found


def _from_text(text: str, payload_length: int | None) -> Input | None:
    text = text.translate(_PICTURES)
    if is_pasted(text):
        return _from_terminal(text, payload_length)
    notation = read_notation(text)
    if notation is not None and notation.data.startswith(_REPLACED):
        # A dump of what a terminal or a log has made of the bytes.
        shown = _decoded(notation.data)
        if shown is not None:
            return _from_terminal(shown, payload_length)
    return None if notation is None else _named(notation)


def _named(notation: Notation) -> Input:
    if not notation.data:
        raise UsageError(f"there are no bytes to explain: {_HOW}")
    return Input(notation.data, notation.name)


def _from_terminal(text: str, payload_length: int | None) -> Input:
    heads = b""
    while head := _HEAD.match(text):
        heads += re.sub(r"\r?\n", "\r\n", head[0]).encode()
        text = text[head.end() :]
    reading = read_pasted(text, payload_length)
    if reading is None:
        return Input(b"", "text from a terminal", openings=tuple(openings(text)))
    lost = tuple(replace(byte, offset=byte.offset + len(heads)) for byte in reading.lost)
    reading = replace(reading, data=heads + reading.data, lost=lost, start=len(heads))
    return Input(reading.data, "text from a terminal", reading)
