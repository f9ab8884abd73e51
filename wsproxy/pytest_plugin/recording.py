"""Recording while a test runs: a real proxy in front of the device, and a recording that is whole or not
there.
"""

import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wsproxy.errors import UsageError
from wsproxy.pytest_plugin.settings import Settings

if TYPE_CHECKING:
    from wsproxy.mitm.background import BackgroundProxy


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that takes the place of `path` once it is whole."""

    path: Path

    @property
    def draft(self) -> Path:
        """Where it is written until then; two processes never write to the same."""
        return self.path.with_name(f".{self.path.stem}.{os.getpid()}.new{self.path.suffix}")

    def prepare(self) -> Path:
        """An empty place to write to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.discard()
        return self.draft

    def keep(self) -> None:
        """Put it in place of what was there."""
        self.draft.replace(self.path)

    def discard(self) -> None:
        """Leave nothing of it."""
        for path in (self.draft, *(Path(f"{self.draft}{end}") for end in ("-wal", "-shm", "-journal"))):
            with suppress(FileNotFoundError):
                path.unlink()


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
        return () if self._proxy is None else tuple(self._proxy.notices)

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
        if self._draft is not None:
            if _holds_something(self._draft.draft):
                self._draft.keep()
            self._draft.discard()

    def _discard(self) -> None:
        if self._draft is not None:
            self._draft.discard()


def _holds_something(path: Path) -> bool:
    from wsproxy.store.reader import open_recording

    with open_recording(str(path)) as recording:
        answered = any(stored.exchange.response_head for stored in recording.exchanges())
        return answered or any(True for _ in recording.sessions())
