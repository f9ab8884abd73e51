"""One session's chunks, handed to everyone who wants them: whoever read the socket, whatever becomes of the
bytes.
"""

import logging
from collections.abc import Mapping

from wsproxy.conformance.checks_foreign import rule_of_no_frames
from wsproxy.mitm.follow import Close, Follower
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.message import Message
from wsproxy.store.model import TcpEnd
from wsproxy.store.session_recorder import Changed, SessionRecorder

_log = logging.getLogger(__name__)


class Tap:
    """Gives what each side sends to the recorder, and to the followers where there are any.

    Times are nanoseconds since the epoch, offsets are bytes from the end of the side's opening handshake.
    """

    __slots__ = ("followers", "recorder")

    def __init__(self, recorder: SessionRecorder | None, followers: Mapping[Side, Follower]) -> None:
        self.recorder = recorder
        self.followers = followers

    def receive_data(self, side: Side, data: bytes, at_ns: int) -> list[Message | Frame]:
        """Take what `side` sent; the messages and control frames that completes, if anybody follows them."""
        if self.recorder is not None:
            self.recorder.receive_data(side, data, at_ns)
        return self._follow(side, data) if self.followers else []

    def _follow(self, side: Side, data: bytes) -> list[Message | Frame]:
        try:
            return self.followers[side].receive_data(data)
        except Exception:
            # Whatever goes wrong in looking at the bytes must not keep them from being relayed.
            self.followers = {}
            _log.exception(
                "cannot follow this session's messages any more; it is relayed and recorded as before"
            )
            return []

    @property
    def close(self) -> tuple[Side, Close] | None:
        """The first Close frame seen of either side, as far as anybody follows them."""
        return next(((side, f.close) for side, f in self.followers.items() if f.close is not None), None)

    def change(self, changed: Changed, at_ns: int) -> None:
        """Note that something else went on."""
        if self.recorder is not None:
            self.recorder.change(changed, at_ns)
        rule_id = rule_of_no_frames(changed.rules)
        if rule_id is not None and self.followers:
            self.followers[changed.side].leave_out(changed.start_offset, changed.end_offset, rule_id)

    def receive_eof(self, side: Side, how: TcpEnd, at_ns: int, *, close_notify: bool | None = None) -> None:
        """Note how `side`'s direction ended, and whether TLS had ended before it (None: not known)."""
        if self.recorder is not None:
            self.recorder.receive_eof(side, how, at_ns, close_notify=close_notify)

    def end(self, at_ns: int) -> None:
        """Note that the session is over; nothing is recorded after that."""
        if self.recorder is not None:
            self.recorder.end(at_ns)
            self.recorder = None
