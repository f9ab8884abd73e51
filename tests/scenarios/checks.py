"""What must hold of every conversation, in whatever mode it was held."""

from tests.scenarios.harness import fingerprint
from tests.scenarios.rig import Rig
from tests.wire.conversation import (
    CLIENT_FIN,
    CLIENT_RST,
    DEVICE_FIN,
    DEVICE_RST,
    Case,
    case,
)
from tests.wire.handshakes import REQUEST, asks
from wsproxy.store.model import StoredSession

_ENDS = {
    CLIENT_FIN: ("client_end", "fin"),
    CLIENT_RST: ("client_end", "rst"),
    DEVICE_FIN: ("server_end", "fin"),
    DEVICE_RST: ("server_end", "rst"),
}


def check_relay(rig: Rig, held: Case) -> None:
    """What one socket sent is what the other received, both ways."""
    outcome = rig.outcome(held)
    assert outcome.device.received.sha256 == outcome.client.sent.sha256
    assert outcome.client.received.sha256 == outcome.device.sent.sha256


def check_recording(rig: Rig, held: Case) -> None:
    """The recording has exactly one side's bytes as that side's stream, received and sent on, and its end."""
    outcome = rig.outcome(held)
    if not held.session:
        settle(rig, held.name)
        assert not rig.recorded.has(outcome.client)
        return
    session = rig.recorded.session_of(outcome.client)
    saw = outcome.sent_from(*held.before)
    assert tuple(map(fingerprint, rig.recorded.streams(session))) == saw
    assert tuple(map(fingerprint, rig.recorded.streams_sent(session))) == saw
    if not rig.mode.tls and not rig.mode.tunnel:
        _check_ends(session, held)


def _check_ends(session: StoredSession, held: Case) -> None:
    for step in held.steps:
        if step in _ENDS:
            field, how = _ENDS[step]
            assert session.end is not None
            assert getattr(session.end, field) == how


def settle(rig: Rig, held: str) -> None:
    """An ordinary conversation, recorded whole: what went before it would be there too."""
    marker = case(f"after-{held}", "relay", "", asks(REQUEST))
    rig.recorded.session_of(rig.outcome(marker).client)
