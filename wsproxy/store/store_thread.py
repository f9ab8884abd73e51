"""The writer's thread: lets data gather, stores it in transactions of bounded time and size."""

import logging
import time
from collections.abc import Callable
from threading import Thread

from wsproxy.errors import RecordingError, WsproxyError
from wsproxy.store.ingest import Ingest
from wsproxy.store.intake import Intake
from wsproxy.store.keepers import Keeper
from wsproxy.store.limits import WriterLimits
from wsproxy.store.session_recorder import Item

_log = logging.getLogger(__name__)


class StoreThread:
    """Stores what comes in by `intake` until that is finished, then closes `keeper`.

    `on_failure` is called, in this thread, with the error that makes it stop before that.
    """

    def __init__(
        self,
        keeper: Keeper,
        intake: Intake[Item],
        ingest: Ingest,
        limits: WriterLimits,
        on_failure: Callable[[RecordingError], None],
    ) -> None:
        self._keeper = keeper
        self._intake = intake
        self._ingest = ingest
        self._limits = limits
        self._on_failure = on_failure
        self._quiet_since = time.monotonic()
        self._thread = Thread(target=self._run, name="wsproxy-store", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self._let_go()
        except RecordingError as error:
            self._fail(error)
        except WsproxyError as error:
            self._fail(RecordingError(str(error)))
        except Exception as error:
            # Whatever it is, a recorder that stops must say so: somebody relies on nothing passing
            # unrecorded.
            _log.exception("the recorder stopped")
            self._fail(RecordingError(f"{self._keeper.purpose} failed: {error!r}"))
        finally:
            self._keeper.close()

    def _fail(self, error: RecordingError) -> None:
        self._intake.discard()
        self._on_failure(error)

    def _turn(self) -> bool:
        """Let data gather and store it; False when there will be no more."""
        finished = self._intake.closed
        if self._ingest.waiting:
            self._keeper.leave_turn()
        elif not finished:
            self._intake.wait(self._limits.tick)
        if self._intake.backlog:
            self._store()
        else:
            self._idle()
        return not finished or self._intake.backlog > 0

    def _store(self) -> None:
        """One transaction. Its pace tells how much may wait."""
        began, stored = time.monotonic(), self._intake.stored
        with self._keeper.transaction() as sink:
            self._ingest.take(sink, self._intake.take())
            self._ingest.store_until(sink, began + self._limits.commit_time)
            if self._ingest.waiting:
                self._ingest.take(sink, self._intake.take())
            self._ingest.finish(sink)
        self._intake.commit()
        self._keeper.committed(self._ingest.committed())
        self._quiet_since = time.monotonic()
        elapsed, stored = self._quiet_since - began, self._intake.stored - stored
        if elapsed > self._limits.commit_time / 2:
            self._intake.set_pace(stored / elapsed, self._limits.catch_up_time)
        else:
            self._intake.raise_mark(stored)

    def _let_go(self) -> None:
        if self._ingest.recording:
            with self._keeper.transaction() as sink:
                self._ingest.let_go(sink)
            self._ingest.committed()

    def _idle(self) -> None:
        self._keeper.idle(time.monotonic() - self._quiet_since, recording=self._ingest.recording)
