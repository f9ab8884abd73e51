"""What the fixture `ws_replay` is: a recorded device, or a proxy that records the real one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wsproxy.errors import RecordingError, UsageError
from wsproxy.pytest_plugin.recording import TestRecorder
from wsproxy.pytest_plugin.settings import Mode, Settings

if TYPE_CHECKING:
    from wsproxy.replay import Replay
    from wsproxy.replay.report import ReplayReport


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test is to be run with. `own`: the recording is that of this test alone."""

    recording: str
    own: bool
    mode: Mode
    target: str | None
    redact: Sequence[str]
    settings: Settings


class WsReplay:
    """The device a test talks to. Connect to `url(path)`, whether it is replayed or recorded."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._replay: Replay | None = None
        self._recorder: TestRecorder | None = None
        self._recorder_url = ""

    @property
    def recording(self) -> str:
        """The recording: a path or a database URL."""
        return self._plan.recording

    @property
    def mode(self) -> str:
        """The record mode: none, once, new_episodes, all or rewrite."""
        return self._plan.mode.value

    @property
    def replaying(self) -> bool:
        """Whether the device is a replayed one."""
        return self._replay is not None

    def url(self, path: str = "/") -> str:
        """The URL to give the client."""
        if self._replay is not None:
            return self._replay.url(path)
        return f"{self._recorder_url}/{path.removeprefix('/')}"

    def report(self) -> "ReplayReport":
        """What was played so far; an empty report while recording."""
        from wsproxy.replay.report import ReplayReport

        return ReplayReport() if self._replay is None else self._replay.report()

    def start(self) -> None:
        """Begin to listen.

        Raises RecordingError if there is nothing to replay and nothing is to be recorded, UsageError for what
        makes no sense, also where it is only recorded.
        """
        self._serve()
        plan, missing = self._plan, _missing(self._plan.recording)
        exists = not missing
        replays = exists and plan.mode in (Mode.NONE, Mode.ONCE, Mode.NEW_EPISODES)
        if not exists and plan.mode is Mode.NONE:
            raise RecordingError(
                f"{missing}; record it with --ws-record-mode=once"
                + ("" if plan.target else ', and say target="ws://HOST:PORT" in the marker')
            )
        if plan.mode is Mode.REWRITE and "://" in plan.recording:
            raise UsageError(
                f"record mode rewrite replaces files: {urlsplit(plan.recording).scheme} is a database"
            )
        if not replays or plan.mode is Mode.NEW_EPISODES:
            afresh = not exists or plan.mode is Mode.REWRITE
            self._recorder = TestRecorder(
                plan.recording, plan.target, plan.settings, plan.redact, afresh=afresh
            )
            self._recorder_url = self._recorder.start()
        if replays:
            self._replay = self._serve()
            self._replay.__enter__()

    def stop(self) -> None:
        """End it; what was recorded is then in the recording.

        Raises RecordingError if not everything could be recorded.
        """
        if self._replay is not None:
            self._replay.__exit__(None, None, None)
        if self._recorder is not None:
            self._recorder.stop()

    def interrupt(self) -> None:
        """The test was ended in the middle: no new recording is made of that."""
        if self._recorder is not None:
            self._recorder.interrupt()

    def failure(self, *, over: bool = True) -> str:
        """Why the test fails although nothing in it did; empty if it does not. Until it is `over`, clients
        that are still connected may say what is missing.
        """
        if self._replay is None:
            return ""
        report = self.report()
        if not over and report.live and not report.mismatch_count:
            return ""
        reasons = []
        if report.mismatch_count:
            reasons.append(f"the client departed from the recording {_times(report.mismatch_count)}")
        if self._plan.settings.strict:
            if report.unplayed_count:
                reasons.append(_unplayed(report.unplayed_count))
            if report.unused_sessions and (self._plan.own or self._plan.settings.sessions):
                numbers = ", ".join(map(str, report.unused_sessions))
                cut = _interrupted(self.recording, report.unused_sessions)
                reasons.append(f"nobody asked for session {numbers} of the recording{cut}")
        return f"{'; '.join(reasons)}\n\n{self._told(report)}" if reasons else ""

    def story(self) -> str:
        """What happened, for a test that failed by itself."""
        told = "" if self._replay is None else self._told(self.report(), strict=False)
        notices = () if self._recorder is None else self._recorder.notices
        return "\n".join(line for line in (told, *notices) if line)

    def _told(self, report: "ReplayReport", *, strict: bool = True) -> str:
        from wsproxy.pytest_plugin.advice import advice

        lines = (f"{self.recording}, replayed:", report.text, advice(report, strict=strict))
        return "\n".join(line for line in lines if line)

    def _serve(self) -> "Replay":
        from wsproxy.replay import serve

        settings = self._plan.settings
        return serve(
            self._plan.recording,
            settings.sessions,
            speed=settings.speed,
            match=settings.match,
            vary=settings.vary,
            on_mismatch=settings.on_mismatch,
            loop=settings.loop,
            exact_handshake=settings.exact_handshake,
            as_sent=settings.as_sent,
            allow_unplayed=settings.allow_unplayed,
            patience=settings.patience,
            live_url=self._recorder_url,
        )


def _missing(recording: str) -> str:
    """Why there is nothing to replay; empty if there is something."""
    if "://" not in recording:
        try:
            return "" if Path(recording).exists() else f"{recording} does not exist"
        except OSError as error:
            raise RecordingError(f"cannot read {recording}: {error.strerror or error}") from error
    from wsproxy.store.reader import open_recording

    try:
        with open_recording(recording) as opened:
            return "" if next(opened.sessions(), None) else f"{recording} has no sessions"
    except RecordingError as error:
        return str(error)


def _interrupted(recording: str, numbers: Sequence[int]) -> str:
    """What to say about sessions whose recorder was killed: no test is likely to ask for those."""
    from wsproxy.store.model import SessionState
    from wsproxy.store.reader import open_recording

    cut: list[int] = []
    with suppress(RecordingError), open_recording(recording) as opened:
        cut = [n for n in numbers if opened.session(n).state is SessionState.INTERRUPTED]
    if not cut:
        return ""
    return f" ({', '.join(map(str, cut))} was cut short while it was recorded: use --ws-record-mode=rewrite)"


def _unplayed(count: int) -> str:
    what = "message was" if count == 1 else "messages were"
    return f"{count} recorded {what} left unplayed"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
