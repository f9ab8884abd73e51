"""The live display shows what can be read, counts the rest, and never makes anybody wait."""

import io
import re
import threading
import time
from collections.abc import Callable

from tests.cli.recordings import BEGAN_NS, start
from wsproxy.cli.live import LiveDisplay
from wsproxy.cli.paint import Output
from wsproxy.cli.ration import LiveLimits
from wsproxy.cli.views import JsonView, TextView
from wsproxy.protocol.frame import Frame, Side
from wsproxy.protocol.grammar import build_frame
from wsproxy.protocol.session import Session, SessionEvent
from wsproxy.store.model import SessionEnd, TcpEnd
from wsproxy.store.session_recorder import Found

PATIENCE_S = 20.0
END = SessionEnd(BEGAN_NS, 1000, "", Side.CLIENT, TcpEnd.FIN, TcpEnd.FIN)


class Memory(io.StringIO):
    """A stream that takes any character."""

    encoding = "utf-8"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Display:
    """A display that prints into memory."""

    def __init__(self, limits: LiveLimits | None = None, stream: io.StringIO | None = None) -> None:
        self.stream = stream or Memory()
        self.clock = Clock()
        self.display = LiveDisplay(
            TextView(limit=5, numbered=True), Output(self.stream), limits=limits, clock=self.clock
        )
        self._session = Session()

    def send(self, *frames: Frame, side: Side = Side.SERVER) -> None:
        data = b"".join(frame.serialize() for frame in frames)
        self.display.events_received(1, side, BEGAN_NS, self._session.receive_data(side, data, BEGAN_NS))

    def close(self) -> list[str]:
        self.display.close()
        return self.stream.getvalue().splitlines()


def text(payload: bytes, *, fin: bool = True) -> Frame:
    return build_frame(0x1, payload, fin=fin)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_session_is_shown_in_order() -> None:
    display = Display()
    display.display.say("before")
    display.display.session_started(1, start())
    display.send(text(b"one"), build_frame(0x9, b""), text(b"two"))
    display.display.session_ended(1, END)
    display.display.say("after")
    lines = display.close()
    assert lines[0] == "before"
    assert [line.split()[-1] for line in lines[2:5]] == ["one", "FIN", "two"]
    assert lines[-2].endswith("session 1  closed by the client, 1000 (normal closure)")
    assert lines[-1] == "after"


def test_what_comes_too_fast_is_counted() -> None:
    display = Display(LiveLimits(frames_per_second=3))
    display.display.session_started(1, start())
    display.send(*[text(b"%d" % number) for number in range(10)])
    display.send(text(b"hidden"), side=Side.CLIENT)
    display.clock.now = 2.0
    display.send(text(b"shown again"))
    lines = display.close()
    assert [line.split()[-1] for line in lines[1:4]] == ["0", "1", "2"]
    assert (
        lines[4]
        == "… frames not shown, they come too fast: 7 of the server and 1 of the client; all are recorded"
    )
    assert lines[5].endswith("shown again")


def test_what_was_not_shown_is_counted_before_a_session_ends() -> None:
    display = Display(LiveLimits(frames_per_second=1))
    display.display.session_started(1, start())
    display.send(text(b"a"), text(b"b"))
    display.display.session_ended(1, END)
    lines = display.close()
    assert "1 of the server" in lines[-2]
    assert "closed by the client" in lines[-1]


def test_frames_not_shown_do_not_make_others_odd() -> None:
    display = Display(LiveLimits(frames_per_second=1))
    display.display.session_started(1, start())
    display.send(text(b"shown"), text(b"begun, not shown", fin=False))
    display.clock.now = 2.0
    display.send(build_frame(0x0, b"its end"))
    lines = display.close()
    assert not [line for line in lines if "orphan" in line]
    assert any("message" in line and "2 frames" in line for line in lines)


def test_the_middle_of_a_large_frame_counts_for_nothing() -> None:
    display = Display(LiveLimits(frames_per_second=2))
    display.display.session_started(1, start())
    display.send(text(b"x" * 1_000_000))
    lines = display.close()
    assert re.search(r"text\s+1,000,000 B", lines[1])
    assert re.search(r"message\s+1,000,000 B", lines[2])
    assert not [line for line in lines if "not shown" in line]


class StoppedTerminal(Memory):
    """A terminal on which somebody has pressed Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.resumed = threading.Event()
        self.reached = threading.Event()

    def write(self, text: str, /) -> int:
        self.reached.set()
        assert self.resumed.wait(PATIENCE_S)
        return super().write(text)


def test_a_stopped_terminal_holds_nothing_up() -> None:
    terminal = StoppedTerminal()
    display = Display(LiveLimits(frames_per_second=0, waiting_frames=10), terminal)
    display.display.session_started(1, start())
    assert terminal.reached.wait(PATIENCE_S)
    for number in range(1000):
        display.send(text(b"%d" % number))
    terminal.resumed.set()
    lines = display.close()
    assert sum(" text " in line for line in lines) == 10
    assert "990 of the server" in lines[-1]


def test_a_stopped_terminal_keeps_little_in_memory() -> None:
    terminal = StoppedTerminal()
    display = Display(LiveLimits(frames_per_second=0, waiting_bytes=100_000), terminal)
    display.display.session_started(1, start())
    assert terminal.reached.wait(PATIENCE_S)
    for _ in range(20):
        display.send(text(b"x" * 30_000))
    terminal.resumed.set()
    lines = display.close()
    # Each costs its frame and its message; the one that goes over the limit is the last.
    assert sum(" text " in line for line in lines) == 2


class LeftReader(io.StringIO):
    """A pipe whose reader has left."""

    def fileno(self) -> int:
        return self._spare.fileno()

    def __init__(self, spare: io.TextIOWrapper) -> None:
        super().__init__()
        self._spare = spare

    def write(self, text: str, /) -> int:
        raise BrokenPipeError


def test_a_reader_who_has_left_is_noticed() -> None:
    left = threading.Event()
    with open("/dev/null", "w") as spare:
        display = LiveDisplay(JsonView(), Output(LeftReader(spare)), on_broken=left.set)
        display.session_started(1, start())
        assert left.wait(PATIENCE_S)
        display.session_started(2, start())
        display.close()


def test_unknown_sessions_are_not_shown() -> None:
    display = Display()
    events: list[SessionEvent] = [text(b"a")]
    display.display.events_received(7, Side.SERVER, BEGAN_NS, events)
    assert display.close() == []


def test_what_was_hidden_is_told_when_all_is_quiet() -> None:
    display = Display(LiveLimits(frames_per_second=1))
    display.display.session_started(1, start())
    display.send(text(b"a"), text(b"b"))
    eventually(lambda: "1 of the server" in display.stream.getvalue())
    display.close()


def test_what_no_frame_shows_is_said_beside_them() -> None:
    display, masked = Display(), build_frame(0x1, b"a", masking_key=b"abcd")
    display.display.session_started(1, start())
    display.send(masked, text(b"{}\0"))
    display.display.findings_made(
        1,
        [
            Found("frame.masked-by-server", "masked", Side.SERVER, 0, repaired=False),
            Found("message.nul-padding", "1 zero byte", Side.SERVER, 7, repaired=False),
            Found("keepalive.ping-unanswered", "pinged 3 times", Side.SERVER, 7, repaired=False),
            Found("stream.http-bytes", "HTTP, not a frame", Side.SERVER, 12, repaired=True),
        ],
    )
    lines = display.close()
    assert sum("frame.masked-by-server" in line for line in lines) == 1
    assert sum("message.nul-padding" in line for line in lines) == 1
    assert lines[-2:] == [
        "  ! server: pinged 3 times  (RFC 6455 5.5.2, keepalive.ping-unanswered)",
        "  + server: HTTP, not a frame  (RFC 6455 5.2, stream.http-bytes)  repaired",
    ]


def test_what_follows_bytes_that_are_no_frame_is_not_checked() -> None:
    display = Display()
    display.display.session_started(1, start())
    chunk = b"8\r\n" + b"\x81\x06chunky" + b"\r\n"
    display.display.events_received(
        1, Side.SERVER, BEGAN_NS, Session().receive_data(Side.SERVER, chunk * 9, 0)
    )
    named = [line.rsplit(", ", 1)[1] for line in display.close() if line.startswith("    !")]
    assert named == ["stream.chunk-size)"]
