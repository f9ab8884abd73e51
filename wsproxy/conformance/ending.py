"""How what one side sends ends for the other: the Close frame that went on or was made in its place, and what
follows it.

Source: RFC 6455 section 7.
"""

from typing import Protocol

from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.outgoing import Track
from wsproxy.conformance.outlet import Outlet
from wsproxy.conformance.repairs_close import close_payload

AFTER_CLOSE = "close.frame-after"


class Messages(Protocol):
    """The messages of a side."""

    def abandon(self) -> None:
        """Give up the one under way."""


class Ending:
    """The end of what `conditions.side` sends. Introduce it to the other side's, and its messages, before any
    data.

    `at_ns` is the time of what is being received; `close_ns` is when a Close frame went on, `close_payload`
    its payload data; `ended`, whether the stream ended; `tried_ns`, when a Close in its place did not fit.
    `swallows` are the rules for which nothing more goes on; None: it does.
    """

    def __init__(self, conditions: Conditions, track: Track, outlet: Outlet) -> None:
        self.at_ns = 0
        self.close_ns: int | None = None
        self.close_payload = b""
        self.ended = False
        self.tried_ns = 0
        self.swallows: tuple[str, ...] | None = None
        self._conditions = conditions
        self._track = track
        self._outlet = outlet
        self._messages: Messages | None = None
        self._back: Ending | None = None

    def introduce(self, back: "Ending", messages: Messages) -> None:
        """What comes the other way ends with `back`."""
        self._back = back
        self._messages = messages

    def receive_eof(self) -> None:
        """The stream ended without a Close frame that went on."""
        rule_id = "close.missing" if self._back is None or self._back.close_ns is None else "close.unanswered"
        if self._conditions.repairs(rule_id):
            self.synthesise((rule_id,))

    def synthesise(self, rules: tuple[str, ...]) -> bool:
        """Send the Close that this side does not; False where none fits.

        RFC 6455 section 7.1.5; cases E01 E02 E03 E05 E07 E15 E18 J09 C10 O05.
        """
        self.closing()
        sent = self.close(close_payload(self._conditions.sent_by("eof_code")), rules)
        self._track.flush()
        return sent

    def in_its_place(self, at_ns: int) -> None:
        """Answer a Close that this side does not answer; again later, if it is sending a frame just now."""
        if not self.synthesise(("close.unanswered",)):
            self.tried_ns = at_ns

    def closing(self) -> None:
        """A Close frame is about to go on."""
        if self._messages is not None:
            self._messages.abandon()

    def closed(self, payload: bytes) -> None:
        """A Close frame went on. What follows does not: cases E09 E10 E11 E14 H01."""
        self.close_ns, self.close_payload = self.at_ns, payload
        if self.swallows is None and self._conditions.repairs(AFTER_CLOSE):
            self.swallows = (AFTER_CLOSE,)
        if self._outlet.hangs_up and self._back is not None:
            # The receiver never sees a Close, so it will not answer one.
            self._back.synthesise(("close.graceful",))

    def fail(self, code: int, reason: bytes, end: int, rules: tuple[str, ...]) -> None:
        """End the session towards the receiver; what follows up to `end`, and behind it, does not go on."""
        self.closing()
        self._track.drop(end, rules)
        self.swallows = rules[-1:]
        self.close(close_payload(code, reason), rules)

    def close(self, payload: bytes, rules: tuple[str, ...]) -> bool:
        """Send a Close of our own: the answer to the other side's, if there is one."""
        if self._back is not None and self._back.close_ns is not None:
            payload = self._back.close_payload
        sent = self._outlet.close(payload, rules)
        if sent:
            self.closed(payload)
        return sent
