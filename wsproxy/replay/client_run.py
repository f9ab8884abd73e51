"""A recorded client played to a live device: from opening the recording to comparing the two sessions."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from wsproxy.errors import RecordingError
from wsproxy.protocol.frame import Side
from wsproxy.replay.asking import answer_difference
from wsproxy.replay.client import ClientOptions, ClientReplay, Played, request_of
from wsproxy.replay.compare import Compared, CompareOptions, Comparison, Kind
from wsproxy.replay.matchers import Matcher, make_matcher, redacting
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.redacted import redacted, with_payload
from wsproxy.replay.varying import Varying
from wsproxy.store.model import StoredSession, TcpEnd
from wsproxy.store.reader import Recording, open_recording
from wsproxy.store.redaction import Redaction, redaction_from_json
from wsproxy.store.writer import Recorder

type Watch = Callable[[Side, int], None]
"""Told how many data messages a side has sent by now."""

_TIMING = frozenset((Kind.TIMING, Kind.TURN))
_OF_THE_CLIENT = frozenset(Kind) - {Kind.MISSING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: `comparison`, to be read, lays the recorded session beside the new one, which has the
    number `session_id` where it was recorded. What went wrong beside that, and what is to be known.
    """

    comparison: Comparison
    session_id: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def run_client(
    recording: str, session: int | str, output: str, options: ClientOptions, watch: Watch | None = None
) -> Iterator[Outcome]:
    """Play the client of `session` of `recording` to the device, and record that at `output`. The recordings
    are open as long as the context is.

    Raises ReachError if there is no device, RecordingError if a recording cannot be read or written,
    UsageError for options that make no sense.
    """
    varying = Varying(options.play.vary)
    with open_recording(recording) as recorded:
        stored = recorded.session(session)
        redaction = None if stored.start.redaction is None else redaction_from_json(stored.start.redaction)
        matcher = _matcher(options, varying, redaction)
        recorder = Recorder(
            output, on_failure=lambda error: None, on_pressure=lambda pressed: None, redaction=redaction
        )
        replay = ClientReplay(recorded, stored, options, recorder, matcher, varying, _Counts(watch))
        played, session_id = _play(replay, recorder)
        with open_recording(output) as live:
            sent = options.play.as_sent
            # Where the recorded device was not seen to end, how this one ends says nothing.
            ignored = _TIMING | ({Kind.END} if stored.server.tcp_end is TcpEnd.OPEN else set())
            comparison = Comparison(
                Compared(recorded, stored),
                Compared(live, live.session(session_id)),
                CompareOptions(
                    matcher,
                    ignored,
                    of_client=frozenset(Kind) if sent else _OF_THE_CLIENT,
                    names=("recorded", "live"),
                ),
            )
            notes = _notes(redaction, changed=not sent and _is_changed(recorded, stored))
            yield Outcome(comparison, session_id, _problems(stored, played, sent=sent), notes)


def _play(replay: ClientReplay, recorder: Recorder) -> tuple[Played, int]:
    """What came of it, and the number of the new session."""
    try:
        played = asyncio.run(replay.play())
    finally:
        recorder.close()
    if recorder.failed is not None:
        raise recorder.failed
    if replay.session_id is None:
        raise RecordingError(f"the new session was not stored in {recorder.location}: try again")
    return played, replay.session_id


def _matcher(options: ClientOptions, varying: Varying, redaction: Redaction | None) -> Matcher:
    matcher = make_matcher(options.play.match, ignoring=varying.pointers)
    if varying.pointers:
        # What the device said before under another name it says now under the live one.
        matcher = redacting(matcher, lambda message: with_payload(message, varying.carry(message.payload)))
    if redaction is not None:
        matcher = redacting(matcher, lambda message: redacted(redaction, message))
    return matcher


def _problems(session: StoredSession, played: Played, *, sent: bool) -> tuple[str, ...]:
    problems = [] if played.stopped is None else [played.stopped]
    start = session.start
    answers = answer_difference(
        (request_of(session, sent=sent), start.response_head), (played.request_head, played.response_head)
    )
    if answers is not None:
        wanted, came = (answer.decode("latin-1") for answer in answers)
        problems.append(f"the device answers the key with {came}, where {wanted} was to be expected")
    return tuple(problems)


def _is_changed(recording: Recording, session: StoredSession) -> bool:
    """Whether the device was sent something else than the client sent."""
    changes = recording.changes_by_offset(session.id, Side.CLIENT)
    return session.start.request_head_sent is not None or any(True for _ in changes)


def _notes(redaction: Redaction | None, *, changed: bool) -> tuple[str, ...]:
    notes = []
    if redaction is not None:
        notes.append("secrets were taken out of the recording: the client could not send them")
    if changed:
        notes.append(
            "what the client sent was changed on its way when it was recorded, and is sent here unchanged:"
            " with --as-sent the device gets what it got"
        )
    return tuple(notes)


class _Counts:
    """Counts what is played and heard."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch

    def played(self, at_ns: int, messages: Sequence[PlayedMessage]) -> None:
        """These were sent."""
        for message in messages:
            self.heard(message)

    def heard(self, message: PlayedMessage, note: str = "", *, recorded: bool = False) -> None:
        """That came."""
        if self._watch is not None and not message.control:
            self._watch(message.side, message.number)

    def made(self, message: PlayedMessage, note: str) -> None:
        """That was sent although it is not recorded."""

    def mismatch(self, what: str, got: PlayedMessage, expected: PlayedMessage | None) -> None:
        """The comparison will tell."""
