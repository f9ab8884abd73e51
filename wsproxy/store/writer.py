"""Recording: what happens in the event loop goes to a thread that stores it, or only shows it."""

import time
from collections.abc import Callable, Sequence

from wsproxy.conformance.finding import Finding
from wsproxy.errors import RecordingError
from wsproxy.store.database import Database
from wsproxy.store.ingest import Ingest
from wsproxy.store.intake import Intake
from wsproxy.store.jsonl_recording import Work
from wsproxy.store.keepers import DatabaseKeeper, Keeper, NoKeeper
from wsproxy.store.limits import WriterLimits
from wsproxy.store.location import parse_location
from wsproxy.store.model import HttpExchange, Observer, SessionStart
from wsproxy.store.redaction import Redaction
from wsproxy.store.session_recorder import Item, SessionRecorder
from wsproxy.store.store_thread import StoreThread

__all__ = ["Recorder", "SessionRecorder", "WriterLimits"]


class Recorder:
    """Records sessions into one recording; several recorders may share it.

    `url_or_path` is a SQLite file, an SQLAlchemy URL, or a JSONL file (`.jsonl`: one recorder at a time, and
    the text is written by `close`); with None nothing is kept, `observers` see it all the same.

    `on_pressure(True)` is called, in the thread that puts data in, as soon as more waits than `limits` allow
    or the disk does not keep up: reading from the sockets must pause until `on_pressure(False)`, which comes
    from a thread of the recorder. `on_failure` is called once, in a thread of the recorder or in that which
    closes it, when nothing more can be recorded. `observers` see what is recorded, in such a thread.
    `redaction` takes secrets out before anything is written or shown to them. `clock` gives nanoseconds since
    the epoch.

    Raises RecordingError if the place cannot be one.
    """

    def __init__(
        self,
        url_or_path: str | None,
        *,
        limits: WriterLimits | None = None,
        on_failure: Callable[[RecordingError], None],
        on_pressure: Callable[[bool], None],
        observers: Sequence[Observer] = (),
        redaction: Redaction | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.location = None if url_or_path is None else parse_location(url_or_path)
        self.failed: RecordingError | None = None
        self._limits = limits or WriterLimits()
        self._on_failure = on_failure
        self._observers = tuple(observers)
        self._redaction = redaction
        self._clock = clock
        self._intake: Intake[Item] = Intake(self._limits.high_water, on_pressure)
        self._ingest: Ingest | None = None
        self._thread: StoreThread | None = None
        self._work: Work | None = None

    def start(self) -> None:
        """Open the recording, creating what is missing, and mark what dead recorders left open as
        interrupted.

        Raises RecordingError if it cannot be opened for writing.
        """
        if self.location is not None and self.location.jsonl is not None:
            self._work = Work(self.location)
        try:
            self._begin()
        except BaseException:
            self._give_up_work()
            raise

    def _begin(self) -> None:
        keeper = self._keeper()
        self._ingest = Ingest(keeper.mark, self._limits, self._observers, self._intake.done, self._redaction)
        self._thread = StoreThread(keeper, self._intake, self._ingest, self._limits, self._fail)

    def _keeper(self) -> Keeper:
        if self.location is None:
            return NoKeeper()
        database = Database(self.location, self._limits, self._intake.hold, self._clock)
        return DatabaseKeeper(database, self._limits)

    def open_session(
        self, start: SessionStart, repairs: Sequence[Finding] = (), *, early_bytes: int = 0
    ) -> SessionRecorder:
        """Begin a session; `repairs` says what was mended in its opening handshake, `early_bytes` how much
        the client sent before there was a response. Never blocks.
        """
        return SessionRecorder(self._intake, start, repairs, early_bytes=early_bytes)

    def exchange(self, exchange: HttpExchange) -> None:
        """Record a plain HTTP exchange that is over. Never blocks; a no-op once the recorder has failed."""
        self._intake.put(exchange, exchange.size)

    @property
    def backlog(self) -> int:
        """How many bytes are not committed yet, what it costs to keep them included; 0: all is stored."""
        return self._intake.backlog

    @property
    def frames(self) -> int:
        """How many frames are recorded."""
        return 0 if self.location is None or self._ingest is None else self._ingest.frames

    def close(self) -> None:
        """Store what waits, commit, and close the recording; sessions still open are interrupted."""
        self._intake.finish()
        if self._thread is not None:
            self._thread.join()
        if self._work is not None and self.failed is None:
            self._finish_work(self._work)
        else:
            self._give_up_work()

    def _finish_work(self, work: Work) -> None:
        try:
            work.finish()
            self._work = None
        except RecordingError as error:
            self._fail(error)
        finally:
            self._give_up_work()

    def _give_up_work(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.abandon()

    def _fail(self, error: RecordingError) -> None:
        self.failed = error
        self._on_failure(error)
