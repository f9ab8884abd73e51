"""What all connections of a replayed device share."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from wsproxy.replay.book import Noted
from wsproxy.replay.choice import Choice, Offer
from wsproxy.replay.matchers import Matcher, redacting
from wsproxy.replay.model import PlayedMessage, ReplayOptions
from wsproxy.replay.redacted import redacted
from wsproxy.replay.source import Source


@dataclass(frozen=True, slots=True)
class Setting:
    """What all connections of a server share.

    `may_stay` says whether a message may be left unplayed.
    """

    source: Source
    choice: Choice
    options: ReplayOptions
    matcher: Matcher
    may_stay: Callable[[PlayedMessage], bool]
    watch: Callable[[Noted], None] | None = None
    clock: Callable[[], int] = time.monotonic_ns

    def matcher_for(self, offer: Offer) -> Matcher:
        """How messages are compared with those of this session, whose secrets may have been removed."""
        redaction = offer.redaction
        if redaction is None:
            return self.matcher
        return redacting(self.matcher, lambda message: redacted(redaction, message))
