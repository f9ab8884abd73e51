"""Whole recordings from one form into another, nothing changed on the way."""

import time
from collections.abc import Sequence
from pathlib import Path

from wsproxy.errors import RecordingError, UsageError
from wsproxy.store.failures import explained
from wsproxy.store.jsonl_file import write_records
from wsproxy.store.jsonl_recording import Work
from wsproxy.store.loading import load_records
from wsproxy.store.location import Location, parse_location
from wsproxy.store.reader import Recording


def export_jsonl(recording: Recording, to: str, session_ids: Sequence[int] | None = None) -> None:
    """Write a recording, or these sessions of it, in ascending order, to a JSONL file.

    Raises UsageError if `to` is not named as one, RecordingError if it cannot be written.
    """
    place = parse_location(to)
    if place.jsonl is None:
        raise UsageError(f"{to} is not the name of a JSONL recording: let it end in .jsonl")
    chosen = None if session_ids is None else sorted(set(session_ids))
    work = Work(place, load=False)
    try:
        write_records(place.jsonl, recording.records(chosen), place)
    finally:
        work.abandon()


def import_recording(recording: Recording, into: str) -> list[int]:
    """Add all sessions and HTTP exchanges to the recording `into`; the numbers of the sessions there.

    Raises UsageError if both are the same, RecordingError if it cannot be written; then everything is as it
    was.
    """
    place = parse_location(into)
    if _same_file(place, recording.location):
        raise UsageError(f"{into} cannot be imported into itself: name another recording with -o")
    work = Work(place) if place.jsonl is not None else None
    try:
        numbers = load_records(place, recording.records(), time.time_ns)
        if work is not None:
            work.finish()
    except BaseException as error:
        undone = work is None or work.give_up()
        if undone and isinstance(error, RecordingError):
            raise type(error)(f"{error}; nothing was imported") from error
        raise
    return numbers


def _same_file(one: Location, other: Location) -> bool:
    if one.path is None or other.path is None:
        return one.url == other.url
    mine, others = (_file(location) for location in (one, other))
    with explained(one):
        return mine.exists() and others.exists() and mine.samefile(others)


def _file(location: Location) -> Path:
    found = location.jsonl or location.path
    assert found is not None
    return found
