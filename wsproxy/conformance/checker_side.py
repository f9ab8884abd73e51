"""What is known of one side while its session is checked."""

from collections.abc import Sequence
from itertools import zip_longest

from wsproxy.conformance.checks_foreign import FRAME_WINDOW, foreign_bytes, foreign_frame
from wsproxy.conformance.checks_frames import FrameContext
from wsproxy.conformance.checks_keepalive import PingsSeen
from wsproxy.conformance.checks_messages import SplitJson
from wsproxy.conformance.checks_window import WindowSeen
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.guesses import ABSURD, LENGTH, Guesses
from wsproxy.conformance.stray import ForeignBytes
from wsproxy.conformance.utf8_stream import is_utf8
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import LEAST_EXTENDED, Frame, Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.protocol.message import Message
from wsproxy.protocol.opcodes import Opcode
from wsproxy.protocol.session import SessionEvent

_NO_KEY = bytes(4)
_NEVER = 1 << 64


class SideState:
    """One side: what its next frame may be, and whether frames can still be told apart (`lost`: no).

    `ended` says its stream has, `in_frame` that pieces of a large frame are to come, `closes` that its
    dialect has a Close frame; `last` is its last frame, `window` what looks at a small window that was agreed
    on.
    """

    __slots__ = (
        "_dialect",
        "_least",
        "_opened_at",
        "_plain",
        "closes",
        "context",
        "ended",
        "in_frame",
        "last",
        "lost",
        "pings",
        "split_json",
        "window",
    )

    def __init__(self, context: FrameContext, dialect: Dialect) -> None:
        self.context = context
        self.pings = PingsSeen(context.side)
        self.split_json = SplitJson()
        self.window: WindowSeen | None = None
        self.lost = False
        self.ended = False
        self.in_frame = False
        self.last: Frame | None = None
        self._opened_at = 0
        self._least: dict[bytes, int] = {}
        self._dialect = dialect
        self._plain = dialect.name == RFC6455.name
        self.closes = dialect.layouts is not None

    @property
    def side(self) -> Side:
        """Which side it is."""
        return self.context.side

    @property
    def end(self) -> int:
        """Where its stream stands, in bytes: behind its last whole frame. One under way may never end where
        it said.
        """
        if self.last is None:
            return 0
        return self.last.offset if self.in_frame else self.last.end

    def takes(self, frame: Frame) -> bool:
        """Whether the frame is an ordinary message in one frame, in its place; then it is taken note of."""
        _, header, _, _, _, key, length, payload, _ = frame
        prefix = header[:2]
        least = self._least.get(prefix)
        if least is None:
            least = self._least[prefix] = self._judge(prefix)
        if length is None or length < least or length != len(payload) or key == _NO_KEY:
            return False
        context = self.context
        if context.message_open or context.control_open or context.closed or self.lost:
            return False
        self.last = frame
        return True

    def takes_all(self, events: Sequence[SessionEvent]) -> bool:
        """Whether they are ordinary frames, each followed by the message that it is; then taken note of."""
        context = self.context
        if context.message_open or context.control_open or context.closed or self.lost or self.split_json.on:
            return False
        judged, pairs = self._least.get, iter(events)
        last = self.last
        for frame, message in zip_longest(pairs, pairs):
            if type(frame) is not Frame or type(message) is not Message:
                return False
            _, header, _, _, opcode, key, length, payload, _ = frame
            least = judged(header[:2])
            if least is None:
                least = self._least[header[:2]] = self._judge(header[:2])
            if length is None or length < least or length != len(payload) or key == _NO_KEY:
                return False
            if message[1] is not payload or message[8] is not None:
                return False
            if opcode == Opcode.TEXT and not (payload.isascii() or is_utf8(payload)):
                return False
            last = frame
        self.last = last
        return True

    def foreign(self, frame: Frame) -> list[Finding]:
        """What was decoded as this frame, if it is something else."""
        if self.lost:
            return []
        return self._named(
            foreign_frame(frame, message_open=self.context.message_open, side=self.side), frame.offset
        )

    def advance(self, frame: Frame) -> None:
        """Take note of a frame."""
        if not frame.is_control and not frame.fin and not self.context.message_open:
            self._opened_at = frame.offset
        self.context = self.context.after(frame)
        self.in_frame = not frame.complete
        self.last = frame

    def unfinished(self, why: str) -> list[Finding]:
        """The message under way gets no further frame."""
        if not self.context.message_open or self.lost:
            return []
        return [Finding("message.unfinished", f"{why} before its last frame", self.side, self._opened_at)]

    def cut_short(self, pending: bytes) -> list[Finding]:
        """The stream ends with `pending` bytes of what may have been a frame."""
        if self.lost or not (pending or self.in_frame):
            return []
        if self.in_frame and self.last is not None:
            beginning = self.last.serialize()[:FRAME_WINDOW]
            guessed = self._guessed(beginning, self.last.offset) if (self.last.length or 0) >= ABSURD else []
            if guessed:
                return guessed
            detail = f"the stream ends inside a frame of {self.last.length} bytes"
            return [Finding("stream.cut-short", detail, self.side, self.last.offset)]
        detail = f"the stream ends after {len(pending)} bytes of a frame: {pending[:16].hex(' ')}"
        cut = [Finding("stream.cut-short", detail, self.side, self.end)]
        foreign = foreign_bytes(
            pending[:FRAME_WINDOW], message_open=self.context.message_open, side=self.side
        )
        named = self._named(foreign, self.end)
        self.lost = bool(named)
        return named or self._guessed(pending, self.end) or cut

    def _guessed(self, data: bytes, offset: int) -> list[Finding]:
        """What the frame that never came to its end makes sense as."""
        found = Guesses(self.side, self._dialect, LENGTH.__eq__).look(data, late=True)
        if not isinstance(found, Dialect):
            return []
        detail = f"it would be a whole frame in dialect {found.name}: {data[:10].hex(' ')}"
        return [Finding(LENGTH, detail, self.side, offset)]

    def _named(self, found: ForeignBytes | None, offset: int) -> list[Finding]:
        if found is None:
            return []
        detail = f"{found.detail}; frames behind it are not checked"
        return [Finding(found.rule_id, detail, self.side, offset)]

    def _judge(self, prefix: bytes) -> int:
        """The least length with which a frame that begins so has nothing to be said of its header."""
        # A dialect that is not at hand when a recording is read may have shorter headers.
        right = self._plain and len(prefix) > 1 and prefix[0] in (0x80 | Opcode.TEXT, 0x80 | Opcode.BINARY)
        if not right or (prefix[1] >= 0x80) is not (self.side is Side.CLIENT):
            return _NEVER
        return LEAST_EXTENDED.get(prefix[1] & 0x7F, 0)
