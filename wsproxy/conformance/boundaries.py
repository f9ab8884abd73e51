"""Bytes that are no frame, where a frame should begin: what becomes of them.

Source: RFC 6455 sections 5.2 and 7.1.7.
"""

import re

from wsproxy.conformance.checks_foreign import foreign_bytes, may_be_foreign
from wsproxy.conformance.checks_stray import doubtful_rule
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.data_frames import DataFrames
from wsproxy.conformance.stray import WAIT, Stray
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side

_WINDOW = 4096
_MAY_BE_HANDSHAKE = {
    Side.SERVER: re.compile(rb"HTTP/[0-9.]{0,5}(?: (?:10?)?)?"),
    Side.CLIENT: re.compile(rb"[A-Za-z][A-Za-z0-9_-]{1,60}"),
}
_STRAY = (
    "stream.stray-line-end",
    "stream.stray-space",
    "stream.stray-zero",
    "stream.handshake-bytes",
    "stream.byte-order-mark",
)
_WHOLE_SESSION = ("stream.http-bytes", "stream.tls-bytes")
_OPTIONS = {"stream.chunk-size": "chunks", "stream.bare-text": "bare_text"}


class Boundaries:
    """Looks at where frames begin, for the repairs of one side that are on, if its dialect has such bytes."""

    __slots__ = ("_actions", "_side", "on")

    def __init__(self, conditions: Conditions, dialect: Dialect) -> None:
        self._side = conditions.side
        self._actions: dict[str, str] = {}
        for rule_id in (*_STRAY, *_WHOLE_SESSION, *_OPTIONS):
            if conditions.repairs(rule_id):
                option = _OPTIONS.get(rule_id)
                default = "mend" if rule_id in _STRAY else "close"
                self._actions[rule_id] = conditions.sent_by(option) if option else default
        if conditions.repairs("stream.resync") and self._actions.get("stream.bare-text") == "close":
            self._actions["stream.bare-text"] = "skip"
        self.on = bool(self._actions) and dialect.layouts is not None

    def looks_at(self, first: int) -> bool:
        """Whether bytes that begin so are worth a look."""
        return self.on and may_be_foreign(first)

    def look(self, data: bytes, frames: DataFrames) -> Stray | None:
        """What `data`, which follows a frame, begins with, if that is no frame and is to be mended.

        Nothing is taken out of the middle of a held message. Cases A03 A05 A06 A07 G15 (stray line ends,
        zeros), F05 H02 X13 X14 (HTTP), X18 F10 (TLS), T01 T02 T03 (chunk sizes), F01 (text).
        """
        data = data[:_WINDOW]
        if "stream.handshake-bytes" in self._actions and _MAY_BE_HANDSHAKE[self._side].fullmatch(data):
            return WAIT
        if not frames.under_way and doubtful_rule(data, self._side) in self._actions:
            return WAIT
        found = foreign_bytes(data, message_open=frames.under_way, side=self._side)
        action = self._actions.get(found.rule_id) if found is not None else None
        if found is None or action is None or (action != "close" and frames.hold is not None):
            return None
        if not found.whole and len(data) < _WINDOW:
            return WAIT
        text = data[: found.length] if found.rule_id == "stream.bare-text" and action == "mend" else None
        return Stray(found.rule_id, found.length, found.detail, action == "close", text)

    def look_early(self, data: bytes, frames: DataFrames) -> Stray | None:
        """The same for the beginning of what may yet become a frame: only what is certain already."""
        found = self.look(data, frames)
        certain = found is WAIT or (found is not None and (found.ends or found.length < len(data)))
        return found if certain else None
