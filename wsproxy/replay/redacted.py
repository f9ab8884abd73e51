"""Recordings from which secrets were removed, beside others: what both would hold."""

from collections.abc import Iterable, Iterator

from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.transcript import Told
from wsproxy.store.model import SessionStart
from wsproxy.store.redaction import Redaction, redaction_from_json


def lacking(start: SessionStart, other: SessionStart) -> Redaction | None:
    """What is still to be taken out of a session before it is compared with the other one: what was taken
    out of that one only. None: nothing.

    Raises RecordingError if what was taken out cannot be read.
    """
    if other.redaction is None or start.redaction == other.redaction:
        return None
    done = () if start.redaction is None else redaction_from_json(start.redaction).rules
    rules = [rule for rule in redaction_from_json(other.redaction).rules if rule not in done]
    return Redaction.of(rules) if rules else None


def redacted(redaction: Redaction, message: PlayedMessage) -> PlayedMessage:
    """The message as it would have been recorded."""
    return with_payload(message, redaction.payload(message.opcode, message.payload))


def all_redacted(redaction: Redaction | None, what: Iterable[Told]) -> Iterator[Told]:
    """The messages and control frames as they would have been recorded."""
    for told in what:
        yield told if redaction is None else told._replace(message=redacted(redaction, told.message))


def with_payload(message: PlayedMessage, payload: bytes) -> PlayedMessage:
    """The message with other payload data; the same object if that is the same."""
    if payload is message.payload:
        return message
    return message._replace(payload=payload, length=message.length + len(payload) - len(message.payload))
