"""Redaction rules as they are written: `KIND:WHAT`, or `defaults`."""

import re
import warnings
from collections.abc import Iterable

import regex

from wsproxy.errors import UsageError
from wsproxy.store.pointers import parse_pointer

DEFAULTS = "defaults"
KINDS = ("header", "query", "json", "regex", "url", "subprotocol")
USERS = "url:userinfo"
TOKENS = "subprotocol:tokens"
RULE_FORMS = f"header:NAME, query:NAME, json:/POINTER, regex:PATTERN, {USERS}, {TOKENS} or {DEFAULTS}"
"""How rules are written."""

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
"""What `defaults` stands for."""

_LONGEST, _MOST = 1000, 1000
_BLANK = r"\s|#[^\n]*\n"
_COUNT = re.compile(rf"(?:(\))(?:{_BLANK})*)?\{{((?:\d|{_BLANK})+)")
_MOST_COPIES = 2_000_000


def expanded(rules: Iterable[str]) -> tuple[str, ...]:
    """The rules, each once, with what `defaults` stands for in its place. Raises UsageError for a bad one."""
    found: dict[str, None] = {}
    for rule in rules:
        for each in SAFE_DEFAULTS if rule == DEFAULTS else (rule,):
            found[each] = None
    if len(found) > _MOST:
        raise UsageError(f"there are {len(found)} redaction rules; {_MOST} are the most")
    if sum(_copies(rule[:_LONGEST]) for rule in found if rule.startswith("regex:")) > _MOST_COPIES:
        raise UsageError("the counts in regex: rules are too large: write {32,} instead of {32000}")
    for rule in found:
        _check(rule)
    return tuple(found)


def _check(rule: str) -> None:
    kind, colon, what = rule.partition(":")
    if kind not in KINDS or not colon or not what.strip():
        raise UsageError(f"{rule!r} is not a redaction rule: write {RULE_FORMS}")
    if len(rule) > _LONGEST:
        raise UsageError(f"the redaction rule {rule[:40]!r}... is longer than {_LONGEST} characters")
    if kind in ("url", "subprotocol") and rule not in (USERS, TOKENS):
        raise UsageError(f"{rule!r} is not a redaction rule: with {kind}: only {USERS} and {TOKENS} exist")
    if kind == "json":
        parse_pointer(what)
    if kind == "regex":
        compiled(what)


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern. Raises UsageError if it is none."""
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            # What only `regex` knows is not taken: recursion needs memory without bound.
            re.compile(pattern)
        return regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{pattern!r} is not a regular expression: {error}") from error


def _copies(pattern: str) -> int:
    """How many characters a pattern has at most once `regex` has written out its least counts, which it
    does as it compiles.
    """
    single, groups = 1, 1
    for group, digits in _COUNT.findall(pattern):
        # With the flag for verbose patterns white space and comments may stand anywhere.
        least = int("0" + re.sub(_BLANK, "", digits))
        if group:
            groups *= max(1, least)
        else:
            single = max(single, least)
    return len(pattern) * groups * single
