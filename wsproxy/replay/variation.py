"""What a device sends, with the values of this run in place of those of the recorded one."""

from collections.abc import Callable, Sequence

from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.message import Message
from wsproxy.protocol.rewrite import MessageRewriter, StreamRewriter
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.reading import Reading
from wsproxy.replay.redacted import with_payload
from wsproxy.replay.varying import Varying


class Unvaried:
    """Leaves one side's stream as it was recorded."""

    def capture(self, recorded: PlayedMessage, live: PlayedMessage) -> None:
        """Note what this run has in place of what was recorded."""

    def receive_data(self, data: bytes) -> bytes:
        """What to send for these recorded bytes."""
        return data

    def said(self, messages: Sequence[PlayedMessage]) -> Sequence[PlayedMessage]:
        """The recorded messages that the last bytes completed, as they are sent."""
        return messages

    def receive_eof(self) -> bytes:
        """What is still to be sent."""
        return b""


class Variation(Unvaried):
    """Writes one side's stream anew where it holds captured values; all other bytes stay as they are.

    `reading` tells what of it is no frame, None: nothing does. `shown` is what may be told of a message that
    has values of this run, which may be secret.
    """

    def __init__(
        self,
        vary: Sequence[str] | Varying,
        side: Side,
        response_head: bytes,
        dialect: Dialect = RFC6455,
        reading: Reading | None = None,
        shown: Callable[[PlayedMessage], PlayedMessage] = lambda message: message,
    ) -> None:
        self._side = side
        self._reading = reading
        self._shown = shown
        self._new: dict[bytes, bytes] = {}
        self._varying = vary if isinstance(vary, Varying) else Varying(vary)
        deflate = negotiate(parse_response_head(response_head)).deflate
        rewriter = MessageRewriter(self._carried, side, deflate=deflate, dialect=dialect)
        self._stream = StreamRewriter(rewriter, dialect)

    def capture(self, recorded: PlayedMessage, live: PlayedMessage) -> None:
        """Note what this run has in place of what was recorded."""
        self._varying.capture(recorded.payload, live.payload)

    def receive_data(self, data: bytes) -> bytes:
        """What to send for these recorded bytes; a message is held until it is complete."""
        self._new.clear()
        for changed in () if self._reading is None else self._reading.receive_data(self._side, data, 0):
            if changed.side is self._side:
                self._stream.leave_out(changed.start_offset, changed.end_offset, changed.rules[0])
        return self._stream.receive_data(data)

    def said(self, messages: Sequence[PlayedMessage]) -> Sequence[PlayedMessage]:
        """The recorded messages that the last bytes completed, as they are sent."""
        return [self._as_sent(message) for message in messages] if self._new else messages

    def receive_eof(self) -> bytes:
        """What is still to be sent."""
        return self._stream.receive_eof()

    def _as_sent(self, message: PlayedMessage) -> PlayedMessage:
        new = self._new.get(message.payload)
        return message if new is None else self._shown(with_payload(message, new))

    def _carried(self, message: Message) -> bytes | None:
        carried = self._varying.carry(message.payload)
        if carried is message.payload:
            return None
        self._new[message.payload] = carried
        return carried
