"""Which recorded messages may be left unplayed: heartbeats and the like, at the end of a session."""

import re
from collections.abc import Callable, Sequence

from wsproxy.errors import UsageError
from wsproxy.replay.model import PlayedMessage

_LOOKED_AT = 1 << 16


def allowance(patterns: Sequence[str]) -> Callable[[PlayedMessage], bool]:
    """Whether one of these regular expressions is found in a message, in its first 64 KiB; bytes that are no
    UTF-8 are looked at as U+FFFD.

    Raises UsageError for one that is not a regular expression.
    """
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise UsageError(f"allow_unplayed {pattern!r} is not a regular expression: {error}") from None

    def may_stay(message: PlayedMessage) -> bool:
        text = message.payload[:_LOOKED_AT].decode("utf-8", "replace")
        return any(pattern.search(text) for pattern in compiled)

    return may_stay
