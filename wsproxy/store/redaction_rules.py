"""Redaction rules as they are written: `KIND:WHAT`, or `defaults`."""

import re
from collections.abc import Iterable

from wsproxy.errors import UsageError
from wsproxy.store.pattern_cost import TooCostlyError, longest_text
from wsproxy.store.pointers import parse_pointer
from wsproxy.store.redact_text import TEXT_LIMIT, BoundedPattern

DEFAULTS = "defaults"
KINDS = ("header", "query", "json", "regex", "url", "subprotocol")
USERS = "url:userinfo"
TOKENS = "subprotocol:tokens"

_HEADERS = (
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "X-Api-Key",
    "X-Auth-Token",
    "X-Access-Token",
)
_PARAMETERS = (
    "token",
    "access_token",
    "id_token",
    "refresh_token",
    "auth_token",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "api_key",
    "key",
    "secret",
    "client_secret",
    "password",
    "passwd",
    "pwd",
    "session",
    "session_id",
    "sid",
    "jsessionid",
    "ticket",
    "signature",
    "sig",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
)
SAFE_DEFAULTS = (
    *(f"header:{name}" for name in _HEADERS),
    *(f"query:{name}" for name in _PARAMETERS),
    USERS,
    TOKENS,
)

_LONGEST, _MOST = 1000, 1000
_FEW = 10
"""So many patterns may each take as long as one may; more share that."""

_UNBOUNDED = re.compile(r"[*+]|\{\d*,(?:\d{2,})?\}")
_OFTEN = re.compile(r"[*+]|\{\d*,(?:\d{2,})?\}|\{\d{2,}\}")
_QUANTIFIER = re.compile(r"(?:[*+]|\{\d*,?\d*\})([+?]?)")


def expanded(rules: Iterable[str]) -> tuple[str, ...]:
    """The rules, each once, with what `defaults` stands for in its place. Raises UsageError for a bad one."""
    found: dict[str, None] = {}
    for rule in rules:
        for each in SAFE_DEFAULTS if rule == DEFAULTS else (rule,):
            _check(each)
            found[each] = None
    if len(found) > _MOST:
        raise UsageError(f"there are {len(found)} redaction rules; {_MOST} are the most")
    return tuple(found)


def _check(rule: str) -> None:
    kind, colon, what = rule.partition(":")
    if kind not in KINDS or not colon or not what.strip():
        raise UsageError(
            f"{rule!r} is no redaction rule: write header:NAME, query:NAME, json:/POINTER, regex:PATTERN,"
            f" {USERS}, {TOKENS} or {DEFAULTS}"
        )
    if len(rule) > _LONGEST:
        raise UsageError(f"the redaction rule {rule[:40]!r}... is longer than {_LONGEST} characters")
    if kind in ("url", "subprotocol") and rule not in (USERS, TOKENS):
        raise UsageError(f"{rule!r} is no redaction rule: with {kind}: only {USERS} and {TOKENS} exist")
    if kind == "json":
        parse_pointer(what)
    if kind == "regex":
        compiled(what)


def compiled(pattern: str, patterns: int = 1) -> BoundedPattern:
    """The pattern, one of so many. Raises UsageError if it is none, or one that may take for ever."""
    try:
        found = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from error
    if repeats_repetition(pattern):
        raise UsageError(
            f"{pattern!r} repeats something that repeats, or that has alternatives, which may take for ever"
            " on what a peer sends: write it without, or with a possessive quantifier (*+ ++)"
        )
    try:
        return BoundedPattern(found, longest_text(pattern, TEXT_LIMIT, min(1, _FEW / patterns)))
    except TooCostlyError:
        raise UsageError(
            f"{pattern!r} has too many ways to match, which may take for ever on what a peer sends: say what"
            " the secret looks like, not what is around it, with fewer repetitions that may overlap (.*.*)"
        ) from None


def repeats_repetition(pattern: str) -> bool:
    """Whether a group with a repetition or alternatives in it is repeated without bound, or ten times and
    more: `(a+)*`, `(a|b)+`. What a possessive quantifier repeats is never tried again.
    """
    groups = [False]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 1
        elif character == "[":
            position = _class_end(pattern, position)
        elif character == "(":
            groups.append(False)
        elif character == ")" and len(groups) > 1:
            inner, quantifier = groups.pop(), _QUANTIFIER.match(pattern, position + 1)
            possessive = quantifier is not None and quantifier[1] == "+"
            if inner and not possessive and _OFTEN.match(pattern, position + 1):
                return True
            groups[-1] |= inner and not possessive
        elif character == "|":
            groups[-1] = True
        elif quantifier := _QUANTIFIER.match(pattern, position):
            possessive = quantifier[1] == "+"
            groups[-1] |= bool(_UNBOUNDED.match(pattern, position)) and not possessive
            position = quantifier.end() - 1
        position += 1
    return False


def _class_end(pattern: str, start: int) -> int:
    """Where the character class that begins there ends."""
    position = start + 1
    if pattern.startswith("^", position):
        position += 1
    if pattern.startswith("]", position):
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position
