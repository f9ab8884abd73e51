"""What must not be written: rules that say what is secret, and what stands in its place.

`Redaction` changes values of the model and payloads; `redacting.py` has a recorder use it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from wsproxy.conformance.finding import Finding
from wsproxy.errors import RecordingError, UsageError
from wsproxy.protocol.heads import field_key
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.overwrite import overwritten
from wsproxy.protocol.reframe import fitting
from wsproxy.store.model import HttpExchange, SessionStart
from wsproxy.store.pointers import Pointers, last_names
from wsproxy.store.redact_heads import HeadRules, plain_name
from wsproxy.store.redact_text import REPLACEMENT, TextRules
from wsproxy.store.redaction_rules import SAFE_DEFAULTS, TOKENS, USERS, compiled, expanded

__all__ = ["REPLACEMENT", "SAFE_DEFAULTS", "Redaction", "redaction_from_json"]

_MOST_CONTROL, _CODE_SIZE = 125, 2
_CODES = range(1000, 5000)
_LEAST_REMOVED = 8
_NO_SECRETS = frozenset({REPLACEMENT.lower(), "websocket", "permessage-deflate"})
_KEPT_FIELDS = frozenset(
    {
        b"host",
        b"upgrade",
        b"connection",
        b"sec-websocket-key",
        b"sec-websocket-accept",
        b"sec-websocket-version",
        b"sec-websocket-extensions",
    }
)
_LINE = re.compile(r"[^\r\n]+")
_TARGET = re.compile(r"(?<=[ \t])/[^ \t\r\n]*")
_AUTHORITY = re.compile(r"[a-z]+://[^/?#]*")
_HEAD_END = re.compile(r"\r?\n\r?\n")
_QUOTE = re.compile(r"""(?<![\w])b?'(?:[^'\\]|\\.)*'|(?<![\w])b?"(?:[^"\\]|\\.)*"|`[^`]*`""")
_HEX = re.compile(r"\b[0-9a-fA-F]{2}(?: [0-9a-fA-F]{2})+\b|\b(?:0x)?[0-9a-fA-F]{8,}\b")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes secrets out of what is about to be written; every method gives back what may be.

    Made by `of`. `rules` are the rules it was made from, without `defaults`.
    """

    rules: tuple[str, ...]
    heads: HeadRules = field(repr=False)
    texts: TextRules = field(repr=False)

    @classmethod
    def of(cls, rules: Iterable[str]) -> Self:
        """From rules: `header:NAME`, `query:NAME`, `json:/POINTER` (`*`: any member), `regex:PATTERN`,
        `url:userinfo`, `subprotocol:tokens`, `defaults`. Raises UsageError for what is none.
        """
        chosen = expanded(rules)
        parts = [rule.partition(":")[::2] for rule in chosen]

        def of_kind(kind: str) -> list[str]:
            return [what for each, what in parts if each == kind]

        heads = HeadRules(
            fields=frozenset(field_key(name.encode()) for name in of_kind("header")),
            parameters=frozenset(map(plain_name, of_kind("query"))),
            users=USERS in chosen,
            subprotocols=TOKENS in chosen,
        )
        found = of_kind("regex")
        patterns = tuple(compiled(each) for each in found)
        pointers = of_kind("json")
        texts = TextRules(Pointers.of(pointers), patterns, last_names(pointers))
        return cls(chosen, heads, texts)

    def to_json(self) -> str:
        """The rules, as `redaction_from_json` reads them."""
        return json.dumps(self.rules)

    @property
    def payloads(self) -> bool:
        """Whether payloads have to be looked at."""
        return self.texts.any

    def payload(self, opcode: int, payload: bytes) -> bytes:
        """What is written for a message (decompressed), or a control frame, with this payload data.

        The same object if nothing is secret. What cannot be checked is overwritten.
        """
        if not self.payloads or not payload:
            return payload
        if opcode == Opcode.CONTINUATION:
            # A part of something, which only its sender knows.
            return overwritten(len(payload))
        if opcode < Opcode.CLOSE:
            return self.texts.payload(payload, text=opcode == Opcode.TEXT)
        # Some peers send a reason without a code before it.
        start = _CODE_SIZE if opcode == Opcode.CLOSE and int.from_bytes(payload[:_CODE_SIZE]) in _CODES else 0
        rest = self.texts.payload(payload[start:])
        if rest == payload[start:]:
            return payload
        return fitting(opcode, payload[:start] + rest, max(_MOST_CONTROL, len(payload)))

    def message(self, message: Message) -> bytes:
        """The payload of a message, for a `MessageRewriter`."""
        return self.payload(message.opcode, message.payload)

    def head(self, raw: bytes, removed: set[str] | None = None) -> bytes:
        """The head of a request or response, with what follows it in it; values taken out go to `removed`."""
        text = raw.decode("utf-8", "surrogateescape")
        end = _HEAD_END.search(text.lstrip("\r\n"))
        cut = len(text) if end is None else len(text) - len(text.lstrip("\r\n")) + end.end()
        taken: set[str] = set() if removed is None else removed
        head = self.heads.head(text[:cut], self.texts.text, taken)
        rest = text[cut:]
        if rest.upper().startswith("HTTP/"):
            # Behind an interim response.
            return _encoded(head) + self.head(_encoded(rest), taken)
        return _encoded(head) + self.body(raw, _encoded(rest), taken)

    def body(self, head: bytes, body: bytes, removed: set[str] | None = None) -> bytes:
        """The body that came with a head, by the content type there."""
        if not body:
            return body
        coded = re.search(rb"(?im)^content-encoding[ \t]*:[ \t]*(?!identity)\S", head)
        form = re.search(rb"(?im)^content-type[ \t]*:.*x-www-form-urlencoded", head)
        if coded and (self.payloads or form):
            return overwritten(len(body))
        if form:
            text = body.decode("utf-8", "surrogateescape")
            body = _encoded(self.heads.form(text, set() if removed is None else removed))
        return self.texts.payload(body, text=True)

    def target(self, url: str) -> str:
        """A URL, or a request target."""
        return self.texts.text(self.heads.url(url))

    def text(self, text: str) -> str:
        """A text that may quote what passed."""
        return self.texts.text(self.heads.in_text(text))

    def detail(self, detail: str, removed: Iterable[str], *, of_payload: bool) -> str:
        """A finding's detail. What it quotes of payload data goes, if there are rules for that."""
        detail = self.text(without(detail, removed))
        if of_payload and self.payloads:
            detail = _HEX.sub(REPLACEMENT, _QUOTE.sub(f"'{REPLACEMENT}'", detail))
        return detail

    def repairs(self, repairs: Iterable[Finding], removed: Iterable[str]) -> tuple[Finding, ...]:
        """What was mended in an opening handshake, without what `removed` took out of it."""
        gone = set(removed)
        return tuple(
            replace(each, detail=self.detail(each.detail, gone, of_payload=False)) for each in repairs
        )

    def start(self, start: SessionStart, removed: set[str] | None = None) -> SessionStart:
        """The start of a session; it says by which rules. Values taken out go to `removed`."""
        removed = set() if removed is None else removed
        request = self.head(start.request_head, removed)
        request_sent = self._head_or_none(start.request_head_sent, removed)
        response = self.head(start.response_head, removed)
        response_sent = self._head_or_none(start.response_head_sent, removed)
        target = self.texts.text(self.heads.url(start.target, removed))

        def bare(text: str | None) -> str | None:
            return None if text is None else self.text(without(text, removed))

        subprotocol = bare(start.subprotocol)
        return replace(
            start,
            target=_without_in_path(target, removed),
            request_head=without_bytes(request, removed),
            response_head=without_bytes(response, removed),
            request_head_sent=None if request_sent is None else without_bytes(request_sent, removed),
            response_head_sent=None if response_sent is None else without_bytes(response_sent, removed),
            subprotocol=None if subprotocol is None else self.heads.subprotocol(subprotocol),
            extensions=bare(start.extensions),
            client_tls=bare(start.client_tls),
            server_tls=bare(start.server_tls),
            redaction=self._after(start.redaction).to_json(),
        )

    def exchange(self, exchange: HttpExchange) -> HttpExchange:
        """A plain HTTP exchange; lengths stay those of what passed."""
        removed: set[str] = set()
        request, response = (
            self.head(exchange.request_head, removed),
            self.head(exchange.response_head, removed),
        )
        return replace(
            exchange,
            target=_without_in_path(self.target(exchange.target), removed),
            request_head=without_bytes(request, removed),
            request_body=self.body(exchange.request_head, exchange.request_body, removed),
            response_head=without_bytes(response, removed),
            response_body=self.body(exchange.response_head, exchange.response_body, removed),
        )

    def _after(self, earlier: str | None) -> "Redaction":
        """Both this one and the one a session was redacted by before."""
        return self if earlier is None else self.of((*redaction_from_json(earlier).rules, *self.rules))

    def _head_or_none(self, raw: bytes | None, removed: set[str]) -> bytes | None:
        return None if raw is None else self.head(raw, removed)


def redaction_from_json(text: str) -> Redaction:
    """The redaction that a recording says it was made with. Raises RecordingError if it says nonsense."""
    try:
        rules = json.loads(text)
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
            raise UsageError("it is not a list of rules")
        return Redaction.of(rules)
    except (ValueError, RecursionError, UsageError) as error:
        raise RecordingError(
            f"the recording's redaction rules cannot be read ({error}): it is damaged, restore it from a copy"
        ) from error


def without(text: str, removed: Iterable[str]) -> str:
    """The text without secrets that were found elsewhere, unless they are too short to tell."""
    for secret in sorted(removed, key=len, reverse=True):
        if len(secret) >= _LEAST_REMOVED and secret.lower() not in _NO_SECRETS:
            text = text.replace(secret, REPLACEMENT)
    return text


def without_bytes(head: bytes, removed: Iterable[str]) -> bytes:
    """As `without`, for the target and the values in a head, apart from those that make it one."""
    secrets = tuple(removed)

    def line_without(match: re.Match[str]) -> str:
        name, colon, value = match[0].partition(":")
        if not colon or field_key(name.encode("utf-8", "surrogateescape")) in _KEPT_FIELDS:
            return match[0]
        return name + colon + without(value, secrets)

    text = head.decode("utf-8", "surrogateescape")
    start, end, rest = text.partition("\n")
    target = _TARGET.sub(lambda match: without(match[0], secrets), start)
    return _encoded(target + end + _LINE.sub(line_without, rest))


def _without_in_path(url: str, removed: Iterable[str]) -> str:
    authority = _AUTHORITY.match(url)
    cut = authority.end() if authority else 0
    return url[:cut] + without(url[cut:], removed)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
