"""Secrets in heads and URLs: fields, query parameters, user names, tokens offered as subprotocols.

Source: RFC 9112 sections 2 and 5; RFC 3986 section 3; RFC 6455 section 11.3.4.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from wsproxy.protocol.heads import field_key
from wsproxy.store.redact_text import REPLACEMENT

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#?\s\"'<>]{1,256})=")
_ENCODED_PARAMETER = re.compile(r"(?i)(?:%3f|%26|%23)((?:(?!%3d|%26)[^&\s]){1,256})%3d")
_VALUE, _VALUE_IN_TEXT = re.compile(r"[^&#\r\n]*"), re.compile(r"[^&#\s\"'<>]*")
_ENCODED_VALUE = re.compile(r"(?i)(?:(?!%26|%23)[^&#\s])*")
_USER = re.compile(r"(?<=://)[^/@\s?#]+(?=@)")
_REQUEST_LINE = re.compile(r"(\S+[ \t]+)(.*?)([ \t]+HTTP/\S*[ \t]*)?", re.DOTALL)

_SEPARATORS = re.compile(r"[-_.\[\]]")
_JWT = re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*){0,4}")
_MARKER = re.compile(r"(?i)(?:bearer|token|api[-_]?key|jwt|authorization|auth)[-_.:=|]+")
_LEAST_MARKED = 16
_LONG_TOKEN = re.compile(
    r"(?=.*\d)(?=.*[A-Za-z])[\w+/=~%-]{24,}|(?=.*\d)(?=.*[A-Z])(?=.*[a-z])[\w+/=~%.-]{24,}"
)
_TOKEN_NAMES = frozenset({"bearer", "token", "accesstoken", "authorization", "auth", "jwt", "apikey"})
_SUBPROTOCOL = b"sec-websocket-protocol"


@dataclass(frozen=True, slots=True)
class HeadRules:
    """What is replaced: fields with these names, query parameters with these (see `plain_name`); names and
    passwords in URLs; tokens in Sec-WebSocket-Protocol.
    """

    fields: frozenset[bytes] = frozenset()
    parameters: frozenset[str] = frozenset()
    users: bool = False
    subprotocols: bool = False

    def head(self, raw: str, text: Callable[[str], str], removed: set[str]) -> str:
        """A head of either side, redacted line by line; `text` redacts what else is in a line.

        Values that were taken out are added to `removed`.
        """
        lines = []
        hidden, started = False, False
        for match in _LINE.finditer(raw):
            line = match[0].rstrip("\r\n")
            end = match[0][len(line) :]
            if hidden and line[:1] in (" ", "\t"):
                removed.add(line.strip())
                continue
            name, colon, value = line.partition(":")
            key = field_key(name.encode("utf-8", "surrogateescape"))
            hidden = started and (key in self.fields if colon else self._named(line))
            if hidden:
                lines.append(self._hidden(line, removed) + end)
            elif started and colon and key == _SUBPROTOCOL and self.subprotocols:
                lines.append(name + colon + text(self._offers(value, removed)) + end)
            else:
                redacted = self._rest(line, removed) if started else self._start_line(line, removed)
                lines.append(text(redacted) + end)
                started = started or bool(line.strip())
        return "".join(lines)

    def url(self, url: str, removed: set[str] | None = None) -> str:
        """A URL, or a request target, redacted."""
        return self._rest(url, set() if removed is None else removed)

    def in_text(self, text: str) -> str:
        """A text that may quote URLs."""
        text = _USER.sub(REPLACEMENT, text) if self.users else text
        return self._parameters(text, _PARAMETER, _VALUE_IN_TEXT, set())

    def form(self, body: str, removed: set[str]) -> str:
        """The body of a form (application/x-www-form-urlencoded)."""
        return self._rest("&" + body, removed)[1:]

    def subprotocol(self, value: str) -> str:
        """A subprotocol that was agreed on."""
        return self._offers(value, set()) if self.subprotocols else value

    def _start_line(self, line: str, removed: set[str]) -> str:
        match = _REQUEST_LINE.fullmatch(line)
        if match is None:
            return self._rest(line, removed)
        method, target, version = match.groups()
        return method + self._rest(target, removed) + (version or "")

    def _rest(self, text: str, removed: set[str]) -> str:
        if self.users:
            removed.update(_USER.findall(text))
            text = _USER.sub(REPLACEMENT, text)
        text = self._parameters(text, _PARAMETER, _VALUE, removed)
        return self._parameters(text, _ENCODED_PARAMETER, _ENCODED_VALUE, removed)

    def _parameters(
        self, text: str, parameter: re.Pattern[str], until: re.Pattern[str], removed: set[str]
    ) -> str:
        if not self.parameters:
            return text
        parts, position = [], 0
        for match in parameter.finditer(text):
            if match.start() < position or plain_name(match[1]) not in self.parameters:
                continue
            value = until.match(text, match.end())
            assert value is not None
            removed.update((value[0], unquote_plus(value[0])))
            parts += [text[position : match.end()], REPLACEMENT if value[0] else ""]
            position = value.end()
        return "".join((*parts, text[position:]))

    def _hidden(self, line: str, removed: set[str]) -> str:
        name, colon, value = line.partition(":")
        if not colon:
            name, _, value = line.strip().partition(" ")
            colon = " "
        removed.update(_secrets(field_key(name.encode("utf-8", "surrogateescape")), value.strip()))
        blank = value[: len(value) - len(value.lstrip())]
        return name + colon + blank + (REPLACEMENT if value.strip() else "")

    def _named(self, line: str) -> bool:
        """Whether a line without a colon seems to be one of the fields."""
        return field_key(line.strip().partition(" ")[0].encode("utf-8", "surrogateescape")) in self.fields

    def _offers(self, value: str, removed: set[str]) -> str:
        offers, before = [], ""
        for offer in value.split(","):
            name = offer.strip()
            token = name if before in _TOKEN_NAMES and name else _token_in(name)
            if token:
                removed.add(token)
            offers.append(offer.replace(token, REPLACEMENT, 1) if token else offer)
            before = plain_name(name)
        return ",".join(offers)


def plain_name(name: str) -> str:
    """How parameter names are compared: decoded, in lower case, without separators (`api-key`, `apiKey`)."""
    return _SEPARATORS.sub("", unquote_plus(name)).lower()


def _token_in(name: str) -> str:
    """The part of an offered subprotocol that is no name but a secret; empty if there is none."""
    starts = (marker.end() for marker in _MARKER.finditer(name))
    marked = name[max((start for start in starts if len(name) - start >= _LEAST_MARKED), default=len(name)) :]
    if any(map(str.isdigit, marked)):
        return marked
    if (jwt := _JWT.search(name)) is not None:
        return jwt[0]
    return name if _LONG_TOKEN.fullmatch(name) else ""


def _secrets(key: bytes, value: str) -> list[str]:
    """What of a field's value may be repeated elsewhere and is nothing but a secret."""
    if key in (b"cookie", b"set-cookie"):
        pairs = value.split(";")[: 1 if key == b"set-cookie" else None]
        return [value, *(pair.partition("=")[2].strip(' "') for pair in pairs)]
    words = value.split()
    return [value, words[-1]] if len(words) in (1, 2) else [value]
