"""Whether what a live peer sends is what the recording has: by bytes, as JSON, by a pattern, or anything.

Two messages match if they have the same key. Control frames and other opcodes never match data messages.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from wsproxy.errors import UsageError
from wsproxy.replay.json_values import NotJson, canonical, parse_json
from wsproxy.replay.model import PlayedMessage
from wsproxy.store.pointers import Pointers, split_pointers

MATCHES = "exact, json, json:/POINTER,/POINTER, regex:PATTERN or any"

_PATTERN_LIMIT = 1000
_TEXT_LIMIT = 1 << 16


class Matcher(Protocol):
    """Compares messages."""

    @property
    def exempt(self) -> Pointers:
        """Where in JSON documents values do not count."""

    def key(self, message: PlayedMessage) -> Hashable:
        """What of the message counts: those with equal keys match."""

    def matches(self, recorded: PlayedMessage, live: PlayedMessage) -> bool:
        """Whether `live` is `recorded`, as far as it counts."""


def make_matcher(spec: str, *, ignoring: Sequence[str] = ()) -> Matcher:
    """The matcher that `spec` names; JSON values at the pointers `ignoring` do not count, save in patterns.

    - `exact`: the same opcode and the same payload data; with `ignoring`, JSON may be written differently
    - `json`: JSON that says the same: the order of members, white space and the spelling of numbers do not
      count, 1 is 1.0, true is not 1; what is no JSON is compared exactly
    - `json:/id,/params/*/ts`: the same, apart from the values at these JSON pointers; `*` is any member
    - `regex:PATTERN`: PATTERN (Python's syntax) is found in both, and its groups hold the same; a message of
      more than 64 KiB, or in which the pattern is not found, is compared exactly
    - `any`: any data message is any other, and any control frame any other of its opcode

    Raises UsageError for anything else, and for pointers and patterns that are none.
    """
    name, colon, rest = spec.partition(":")
    pointers = [*split_pointers(rest), *ignoring] if name == "json" else list(ignoring)
    if spec == "exact":
        return _JsonMatcher(Pointers.of(pointers)) if pointers else _ExactMatcher()
    if spec == "any":
        return _AnyMatcher()
    if name == "json" and bool(colon) == bool(rest):
        return _JsonMatcher(Pointers.of(pointers))
    if name == "regex" and rest:
        return _RegexMatcher(_compiled(rest))
    raise UsageError(f"{spec!r} is not a way to compare messages: give {MATCHES}")


def redacting(matcher: Matcher, redact: Callable[[PlayedMessage], PlayedMessage]) -> Matcher:
    """The matcher for a recording from which secrets were removed: `redact` removes them from live messages
    as well, and leaves a message that has none as it is.
    """
    return _RedactingMatcher(matcher, redact)


def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > _PATTERN_LIMIT:
        raise UsageError(
            f"the pattern has {len(pattern)} characters: give one of at most {_PATTERN_LIMIT}, or use json:"
        )
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{pattern!r} is not a regular expression: {error}") from error


def _exact(message: PlayedMessage) -> Hashable:
    return message.opcode, message.length, message.payload


class _Keyed:
    """What matchers have in common: the same bytes match, whatever else does."""

    __slots__ = ()

    @property
    def exempt(self) -> Pointers:
        """Where in JSON documents values do not count."""
        return Pointers()

    def key(self, message: PlayedMessage) -> Hashable:
        """What of the message counts."""
        return _exact(message)

    def matches(self, recorded: PlayedMessage, live: PlayedMessage) -> bool:
        """Whether `live` is `recorded`, as far as it counts."""
        same = recorded.payload == live.payload and recorded.opcode == live.opcode
        return (same and recorded.length == live.length) or self.key(recorded) == self.key(live)


class _ExactMatcher(_Keyed):
    __slots__ = ()


class _AnyMatcher(_Keyed):
    __slots__ = ()

    def key(self, message: PlayedMessage) -> Hashable:
        """Only what kind of message it is."""
        return message.opcode if message.control else None


class _JsonMatcher(_Keyed):
    __slots__ = ("_ignored",)

    def __init__(self, ignored: Pointers) -> None:
        self._ignored = ignored

    @property
    def exempt(self) -> Pointers:
        """What the pointers say."""
        return self._ignored

    def key(self, message: PlayedMessage) -> Hashable:
        """What the document says."""
        if message.control or message.length != len(message.payload):
            return _exact(message)
        try:
            return message.opcode, canonical(parse_json(message.payload), self._ignored)
        except NotJson:
            return _exact(message)


class _RegexMatcher(_Keyed):
    __slots__ = ("_pattern",)

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def key(self, message: PlayedMessage) -> Hashable:
        """What the groups hold."""
        if message.control or message.length > _TEXT_LIMIT:
            return _exact(message)
        found = self._pattern.search(message.payload.decode("utf-8", "surrogateescape"))
        return _exact(message) if found is None else (message.opcode, "groups", found.groups())


class _RedactingMatcher(_Keyed):
    __slots__ = ("_matcher", "_redact")

    def __init__(self, matcher: Matcher, redact: Callable[[PlayedMessage], PlayedMessage]) -> None:
        self._matcher = matcher
        self._redact = redact

    @property
    def exempt(self) -> Pointers:
        """What does not count without secrets either."""
        return self._matcher.exempt

    def key(self, message: PlayedMessage) -> Hashable:
        """What counts of what is left without its secrets."""
        return self._matcher.key(self._redact(message))
