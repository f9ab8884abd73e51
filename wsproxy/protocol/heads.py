"""HTTP/1 heads with their exact bytes kept, read tolerantly.

Every byte of a head belongs to exactly one of its parts, so joining the parts gives it back. A line ends with
LF, whatever stands before it; names keep their spelling; a line that is no field is kept without a name.

Source: RFC 9112 sections 2 to 5; RFC 9110 section 5.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WHITESPACE = b" \t\r\n\v\f\0"
_HYPHENATED = {
    b"secwebsocket" + name: b"sec-websocket-" + name
    for name in (b"key", b"version", b"protocol", b"extensions", b"accept", b"key1", b"key2")
}
_BLANK_LINE = re.compile(rb"[\r\0]*\n")
_BEFORE_REQUEST = re.compile(rb"(?:\xef\xbb\xbf|[\s\0])*(?:PROXY (?:TCP4|TCP6|UNKNOWN)[ -~]{0,100}\r?\n)?")
_BEFORE_RESPONSE = re.compile(rb"(?:\xef\xbb\xbf|[\s\0])*(?:[^A-Za-z\r\n]{1,8}(?=HTTP/))?", re.IGNORECASE)
_LEFT_BY_CONNECT = re.compile(rb"connection established", re.IGNORECASE)
_HTTP_STATUS = re.compile(
    rb"(HTTP(?: ?/| (?=1\.))[\d.]*)[ \t]+(\d{3})(?!\d)[ \t]*(.*)", re.IGNORECASE | re.DOTALL
)
_SWITCHES = re.compile(rb"HTTP/\S*[ \t]+101(?!\d)", re.IGNORECASE)
_REQUEST_VERSION = re.compile(
    rb"HTTPS?/\S*(?: HTTP/\S*){0,2}|HTTPS? ?/? ?[\d.,;]*|WSS?/[\d.]+", re.IGNORECASE
)
_OTHER_STATUS = re.compile(rb"(\S+)[ \t]+(\d{3})(?!\d)[ \t]*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field: `raw`, its exact bytes (folds and line ends included), its name as spelt, its value.

    Neither has white space around it; in the value each fold, with the white space around it, reads as one
    space. A line without a colon has no name, and is all value.
    """

    raw: bytes
    name: bytes
    value: bytes

    @property
    def key(self) -> bytes:
        """The name as it is compared: in lower case, without any white space or NUL in it."""
        return field_key(self.name)


@dataclass(frozen=True, slots=True)
class Head:
    """A head in its parts: `preamble` precedes the start line, `end` is the blank line and what follows."""

    preamble: bytes
    start_line: bytes
    fields: tuple[HeaderField, ...]
    end: bytes

    @property
    def raw(self) -> bytes:
        """The exact bytes, as received."""
        return b"".join((self.preamble, self.start_line, *(field.raw for field in self.fields), self.end))

    def get_all(self, name: str) -> list[bytes]:
        """The value of each field of that name, in order; case and white space in names do not count."""
        key = field_key(name.encode())
        return [field.value for field in self.fields if field.key == key]

    def get(self, name: str) -> bytes | None:
        """The first value under that name, or None."""
        return next(iter(self.get_all(name)), None)

    def tokens(self, name: str) -> list[str]:
        """The elements of all comma-separated values under that name, in lower case, unquoted, none empty."""
        elements = b",".join(self.get_all(name)).decode("latin-1").lower().split(",")
        return [token for element in elements if (token := element.strip(' \t"\0'))]


@dataclass(frozen=True, slots=True)
class RequestHead(Head):
    """The head of an opening request. Source: RFC 9112 section 3.

    `target` is all between the method and the version, spaces included; `version` is empty if there is none.
    """

    method: bytes
    target: bytes
    version: bytes


@dataclass(frozen=True, slots=True)
class ResponseHead(Head):
    """The head of a response. Source: RFC 9112 section 4.

    `status` is None where the status line has no three-digit number. Interim responses (1xx, but not 101) in
    front of it stand in `preamble`.
    """

    version: bytes
    status: int | None
    reason: bytes


def field_key(name: bytes) -> bytes:
    """How field names are compared: in lower case, without white space and NUL (`Sec - WebSocket - Key`).

    The hyphens in the names of an opening handshake do not count: `Sec_WebSocket_Key`, `SecWebSocketKey`.
    """
    key = name.translate(None, _WHITESPACE).lower()
    return _HYPHENATED.get(key.translate(None, b"-_"), key) if key.startswith(b"sec") else key


def parse_request_head(raw: bytes) -> RequestHead:
    """Read a request head, whatever its shape; never raises."""
    begin, lines, end = _lines(raw, 0, _BEFORE_REQUEST)
    start_line = lines[0] if lines else b""
    fields = tuple(map(_field, _unfolded(lines[1:])))
    method, target, version = _request_line(start_line.strip(_WHITESPACE))
    return RequestHead(raw[:begin], start_line, fields, raw[end:], method, target, version)


def parse_response_head(raw: bytes) -> ResponseHead:
    """Read a response head, with the interim responses before it if there are any; never raises."""
    start = 0
    while True:
        begin, lines, end = _lines(raw, start, _BEFORE_RESPONSE)
        start_line = lines[0] if lines else b""
        version, status, reason = _status_line(start_line.strip(_WHITESPACE))
        blank_line = _BLANK_LINE.match(raw, end)
        behind = blank_line.end() if blank_line else end
        if not is_interim(status, reason) or behind == len(raw):
            break
        start = behind
    fields = tuple(map(_field, _unfolded(lines[1:])))
    return ResponseHead(raw[:begin], start_line, fields, raw[end:], version, status, reason)


def is_interim(status: int | None, reason: bytes = b"") -> bool:
    """Whether another response follows this one: 1xx, but not 101. Source: RFC 9110 section 15.2.

    So it does behind the answer to a CONNECT that a proxy on the way let through.
    """
    if status == 200:
        return bool(_LEFT_BY_CONNECT.match(reason))
    return status is not None and 100 <= status <= 199 and status != 101


def announces_another(start_line: bytes) -> bool:
    """Whether another response follows the one with this status line."""
    _, status, reason = _status_line(start_line.strip(_WHITESPACE))
    return is_interim(status, reason)


def starts_response(line: bytes) -> bool:
    """Whether a line may be a status line, and no field."""
    return line[:5].upper() == b"HTTP/"


def is_blank(line: bytes, first_lines: Sequence[bytes]) -> bool:
    """Whether a line ends the head that begins with these lines, two of them if it has as many.

    NUL does not count; nor does white space where the fields are indented, so that a line of it is no fold,
    and behind a 101, of which a client would wait for more.
    """
    spaced = first_lines[1:] and first_lines[1][:1] in (b" ", b"\t")
    return not line.strip(_WHITESPACE if spaced or _SWITCHES.search(first_lines[0]) else b"\r\n\0")


def _lines(raw: bytes, start: int, before: re.Pattern[bytes]) -> tuple[int, list[bytes], int]:
    """Where the first line of the head at `start` begins, its lines, and where its blank line begins.

    Where there is no LF, lines end with CR.
    """
    start = match.end() if (match := before.match(raw, start)) else start
    line_end = b"\n" if raw.find(b"\n", start) >= 0 else b"\r"
    position = start
    lines: list[bytes] = []
    while position < len(raw):
        end = raw.find(line_end, position) + 1 or len(raw)
        line = raw[position:end]
        if lines and (is_blank(line, lines[:2]) or (starts_response(line) and announces_another(lines[0]))):
            break
        lines.append(line)
        position = end
    return start, lines, position


def _unfolded(lines: list[bytes]) -> list[list[bytes]]:
    """The lines, each with the folded lines that continue it: those indented deeper than the fields."""
    fields: list[list[bytes]] = []
    indent = min(map(_indent, lines), default=0)
    for line in lines:
        if fields and _indent(line) > indent:
            fields[-1].append(line)
        else:
            fields.append([line])
    return fields


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def _field(lines: list[bytes]) -> HeaderField:
    name, colon, first = lines[0].partition(b":")
    if not colon:
        name, first = b"", lines[0]
    value = b" ".join(part for line in (first, *lines[1:]) if (part := line.strip(b" \t\r\n")))
    return HeaderField(b"".join(lines), name.strip(b" \t\r\n\0"), value)


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    method, *more = line.split(maxsplit=1)[:2] or (b"",)
    rest = b"".join(more)
    for words in (3, 2, 1):
        parts = rest.rsplit(maxsplit=words)
        version = b" ".join(parts[-words:])
        if _REQUEST_VERSION.fullmatch(version):
            return method, b"".join(parts[:-words]), version
    return method, rest, b""


def _status_line(line: bytes) -> tuple[bytes, int | None, bytes]:
    match = _HTTP_STATUS.search(line) or _OTHER_STATUS.match(line)
    if match is None:
        return (b"", None, line)
    version, status, reason = match.groups()
    return version, int(status), reason
