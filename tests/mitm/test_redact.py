"""Secrets that pass are relayed as they are, and are in no recording, display or log."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.devices.endpoints import Device, Route
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import answered, hang_up, opened
from tests.wire.build import BINARY, PING, TEXT, client_frame, deflated, frame, lines, noise
from tests.wire.handshakes import CONNECTION, HOST, KEY, UPGRADE, VERSION, response
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.store.model import ChangeKind
from wsproxy.store.reader import open_recording
from wsproxy.store.redaction import redaction_from_json

SECRET = b"hunter2hunter2"
RULES = ("defaults", "json:/params/pin", "regex:hunter2hunter\\d")
TARGET = b"GET /chat?token=" + SECRET + b"&a=1 HTTP/1.1"
DEFLATED = b"Sec-WebSocket-Extensions: permessage-deflate"
REQUEST = lines(TARGET, HOST, UPGRADE, CONNECTION, KEY, VERSION, DEFLATED, b"Cookie: id=" + SECRET)
RESPONSE = response(b"Set-Cookie: id=" + SECRET)
DEFLATE = response(DEFLATED, b"Set-Cookie: id=" + SECRET)
LOGIN = client_frame(TEXT, json.dumps({"params": {"pin": SECRET.decode()}}).encode())
MODES: dict[str, dict[str, Any]] = {
    "observe": {},
    "layer": {"set_options": ["wsproxy_splice=false"]},
    "intercept": {"intercept": True},
    "normalize": {"normalize": "strict"},
}
PIECES = [b"no secret", b"id " + SECRET, b"id " + SECRET, b"no secret"]


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("mode", MODES)
def test_what_passes_is_relayed_and_redacted(
    loop: LoopThread, device: Device, tmp_path: Path, mode: str
) -> None:
    squeezed = b"".join(frame(TEXT, data, rsv=4) for data in deflated(*PIECES))
    large = frame(BINARY, SECRET + noise(150_000))
    with inside(device, recording=str(tmp_path / "r.db"), redact=RULES, **MODES[mode]) as proxy:
        client, served = loop.run(opened(device, proxy.port, request=REQUEST, response=DEFLATE))
        loop.run(client.send(LOGIN + client_frame(PING, SECRET[:8])))
        loop.run(served.expect(LOGIN + client_frame(PING, SECRET[:8])))
        loop.run(served.send(squeezed + large))
        loop.run(client.expect(squeezed + large))
        loop.run(hang_up(client, served))
    assert SECRET not in files(tmp_path)
    with open_recording(str(tmp_path / "r.db")) as recording:
        (session,) = recording.sessions()
        login = next(recording.messages(session.id, Side.CLIENT)).message
        said = [each.message.payload for each in recording.messages(session.id, Side.SERVER)]
        sizes = [session.counts(side).frames for side in Side]
        changes = {change.kind for change in recording.changes(session.id)}
    assert session.start.target.endswith("/chat?token=REDACTED&a=1")
    assert session.start.redaction is not None
    assert redaction_from_json(session.start.redaction).rules[-1] == RULES[-1]
    assert login.payload == b'{"params": {"pin": "REDACTED"}}'
    assert said[:4] == [b"no secret", b"id REDACTED", b"id REDACTED", b"no secret"]
    assert len(said[4]) in (len(SECRET) + 150_000, len(b"REDACTED") + 150_000)
    assert sizes == [2, 5]
    assert changes <= {ChangeKind.INJECTED}


def test_changes_that_addons_make_are_redacted(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    def add(flow: object) -> None:
        message = flow.websocket.messages[-1]  # type: ignore[attr-defined]
        message.content = message.content + b"!"

    sent = frame(TEXT, b"id " + SECRET) + frame(TEXT, b"plain")
    wanted = frame(TEXT, b"id " + SECRET + b"!") + frame(TEXT, b"plain!")
    with inside(device, Seen(add), recording=str(tmp_path / "r.db"), redact=RULES, intercept=True) as proxy:
        client, served = loop.run(opened(device, proxy.port, request=REQUEST, response=RESPONSE))
        loop.run(served.send(sent))
        loop.run(client.expect(wanted))
        loop.run(hang_up(client, served))
    assert SECRET not in files(tmp_path)
    with open_recording(str(tmp_path / "r.db")) as recording:
        stream = b"".join(recording.stream_sent(1, Side.SERVER))
        kinds = [change.kind for change in recording.changes(1)]
    assert stream.endswith(frame(TEXT, b"id REDACTED!") + frame(TEXT, b"plain!"))
    assert kinds == [ChangeKind.REPLACED] * 2


def test_refusals_are_recorded_and_logged_without_secrets(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    async def refused(port: int) -> None:
        answer = lines(b"HTTP/1.1 403 Forbidden", b"Content-Length: 14") + SECRET
        client, served = await answered(device, Route(port), REQUEST, REQUEST, answer, answer)
        await hang_up(client, served)

    with inside(device, recording=str(tmp_path / "r.db"), redact=RULES) as proxy:
        loop.run(refused(proxy.port))
    assert SECRET not in files(tmp_path)
    with open_recording(str(tmp_path / "r.db")) as recording:
        (stored,) = recording.exchanges()
    assert stored.exchange.response_body == b"REDACTED"
    assert any("token=REDACTED" in line for line in proxy.notices)
    assert not any(SECRET.decode() in line for line in proxy.notices)


def test_a_rule_that_is_none_is_refused_at_the_start(device: Device, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a redaction rule"), inside(device, redact=["cookies"]):
        pass
    assert not list(tmp_path.iterdir())
