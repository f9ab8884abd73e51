"""Recording while a test runs: a real proxy in front of the device, and a recording that is whole or not
there.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wsproxy.errors import RecordingError, UsageError
from wsproxy.pytest_plugin.settings import Settings

if TYPE_CHECKING:
    from wsproxy.mitm.background import BackgroundProxy


_OPTION = "use --insecure (mitmproxy's ssl_insecure)"
_OF_THE_KILLED = ("-wal", "-shm", "-journal", ".part", ".part-wal", ".part-shm", ".part-journal")


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that takes the place of `path` once it is whole."""

    path: Path

    @property
    def draft(self) -> Path:
        """Where it is written until then; two processes never write to the same."""
        return self.path.with_name(f".{self.path.stem}.{os.getpid()}.new{self.path.suffix}")

    def prepare(self) -> Path:
        """An empty place to write to. Raises RecordingError if there can be none."""
        with self._usable():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.discard()
            self._sweep()
        return self.draft

    def keep(self) -> None:
        """Put it in place of what was there. Raises RecordingError if that cannot be done."""
        with self._usable():
            if not self.path.is_dir():
                # SQLite would take the log of a killed recorder for that of the new file.
                _remove_beside(self.path, _OF_THE_KILLED)
            self.draft.replace(self.path)

    def discard(self) -> None:
        """Leave nothing of it."""
        _remove(self.draft)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecordingError(
                f"cannot write {self.path}: {error.strerror or error}; check the folder, and what is there"
            ) from error

    def _sweep(self) -> None:
        """Remove the drafts of processes that were killed while they recorded."""
        before, after = f".{self.path.stem}.", f".new{self.path.suffix}"
        for path in self.path.parent.iterdir():
            if path.name.startswith(before) and after in path.name:
                process, _, _ = path.name.removeprefix(before).partition(".")
                if process.isascii() and process.isdigit() and not _runs(int(process)):
                    _remove(path.with_name(f"{before}{process}{after}"))


class TestRecorder:
    """Records what passes while a test runs. With `afresh` the recording is replaced in the end, if anything
    was recorded; else sessions are added to it.
    """

    __test__ = False

    def __init__(
        self, place: str, target: str | None, settings: Settings, redact: Sequence[str], *, afresh: bool
    ) -> None:
        self._draft = Draft(Path(place)) if afresh and "://" not in place else None
        self._place = place
        self._target = target
        self._settings = settings
        self._redact = tuple(redact)
        self._proxy: BackgroundProxy | None = None
        self._interrupted = False

    def start(self) -> str:
        """Start the proxy; the URL to give the client, without a path.

        Raises UsageError if there is no target.
        """
        if not self._target:
            raise UsageError(
                f"there is no device to record {self._place} from: say"
                ' target="ws://HOST:PORT" in the marker @pytest.mark.wsproxy(...), or define a fixture'
                " ws_target that returns it"
            )
        place = self._place if self._draft is None else str(self._draft.prepare())
        with warnings.catch_warnings():
            # Those are of mitmproxy's own imports, and would fail a test run with -W error.
            warnings.simplefilter("ignore", DeprecationWarning)
            proxy = self._make_proxy(self._target, place)
            try:
                proxy.__enter__()
            except BaseException:
                self._discard()
                raise
        self._proxy = proxy
        return proxy.url

    def _make_proxy(self, target: str, place: str) -> "BackgroundProxy":
        from wsproxy.mitm.background import BackgroundProxy
        from wsproxy.mitm.run import ProxySettings
        from wsproxy.mitm.target import parse_target

        return BackgroundProxy(
            ProxySettings(
                mode=parse_target(target).mode,
                listen_port=0,
                recording=place,
                redact=self._redact,
                insecure=self._settings.insecure,
                normalize=self._settings.normalize,
            )
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What the proxy has to say."""
        notices = () if self._proxy is None else tuple(self._proxy.notices)
        return tuple(notice.replace(_OPTION, "say insecure=True in the marker") for notice in notices)

    def interrupt(self) -> None:
        """What was recorded is not all: do not put it in place of what was there."""
        self._interrupted = True

    def stop(self) -> None:
        """End the recording, and put it in its place.

        Raises RecordingError if not everything could be recorded.
        """
        if self._proxy is None:
            return
        try:
            self._proxy.__exit__(None, None, None)
        except BaseException:
            self._discard()
            raise
        try:
            if self._draft is not None and not self._interrupted and _holds_something(self._draft.draft):
                self._draft.keep()
        finally:
            self._discard()

    def _discard(self) -> None:
        if self._draft is not None:
            self._draft.discard()


def _remove(recording: Path) -> None:
    _remove_beside(recording, ("", *_OF_THE_KILLED, ".lock"))


def _remove_beside(recording: Path, endings: Sequence[str]) -> None:
    for ending in endings:
        with suppress(FileNotFoundError):
            Path(f"{recording}{ending}").unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _holds_something(path: Path) -> bool:
    from wsproxy.store.reader import open_recording

    with open_recording(str(path)) as recording:
        answered = any(stored.exchange.response_head for stored in recording.exchanges())
        return answered or any(True for _ in recording.sessions())
