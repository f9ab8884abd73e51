"""Bytes of a device's that are no frames, taken out by normalize mode: the recording has the frames behind
them, and everything that reads it sees what the client saw.
"""

import json
from pathlib import Path

import pytest

from tests.cli.run import wsproxy_here
from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from tests.wire.build import CLOSE, CONT, TEXT, client_frame, close, frame
from tests.wire.handshakes import RESPONSE
from wsproxy.protocol.frame import Side
from wsproxy.store.reader import open_recording

FIRST, SECOND, BYE = frame(TEXT, b"hello"), frame(TEXT, b"world"), frame(CLOSE, close(1001, b"bye"))
ONE, TWO = frame(TEXT, b"hel", fin=False), frame(CONT, b"lo")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


SENT = {
    "line-end": ([b"\r\n" + FIRST + SECOND + BYE], "stream.stray-line-end"),
    "line-end-by-itself": ([b"\r\n", FIRST + SECOND, BYE], "stream.stray-line-end"),
    "line-ends": ([b"\r\n\r\n\r\n" + FIRST, SECOND + BYE], "stream.stray-line-end"),
    "line-feed": ([b"\n" + FIRST, SECOND + BYE], "stream.stray-line-end"),
    "space": ([b" " + FIRST, SECOND + BYE], "stream.stray-space"),
    "space-by-itself": ([b" ", FIRST, SECOND + BYE], "stream.stray-space"),
    "zero": ([b"\x00" + FIRST + SECOND + BYE], "stream.stray-zero"),
    "zero-by-itself": ([b"\x00", FIRST, SECOND + BYE], "stream.stray-zero"),
    "between": ([FIRST + b"\r\n" + SECOND + b"\r\n", BYE], "stream.stray-line-end"),
    "between-fragments": ([ONE + b"\r\n" + TWO + SECOND, b"\r\n" + BYE], "stream.stray-line-end"),
    "torn": ([FIRST + b"\r", b"\n" + SECOND[:3], SECOND[3:], BYE], "stream.stray-line-end"),
    "chunked": ([chunk(FIRST), chunk(SECOND), chunk(BYE)], "stream.chunk-size"),
    "chunked-together": ([chunk(FIRST) + chunk(SECOND + BYE)], "stream.chunk-size"),
}


def talk(loop: LoopThread, device: Device, place: Path, writes: list[bytes], splice: str) -> None:
    async def run(port: int) -> None:
        client, served = await opened(device, port)
        *before, last = writes
        for data in before:
            await served.send(data)
            # By the time this has passed, so has that, or it is about to.
            await client.send(client_frame(TEXT, b"there?"))
            await served.expect(client_frame(TEXT, b"there?"))
        await served.send(last)
        first = ONE + TWO if writes[0].startswith(ONE) else FIRST
        await client.expect(first + SECOND + BYE)
        await client.send(client_frame(CLOSE, close(1001)))
        await served.expect(client_frame(CLOSE, close(1001)))
        await hang_up(served, client)

    options = [f"wsproxy_splice={splice}"]
    seen = Seen()
    with inside(device, seen, normalize="strict", recording=str(place), set_options=options) as proxy:
        loop.run(run(proxy.port))
        seen.wait(lambda: bool(seen.ended))
    assert [said for said in seen.messages if said != b"there?"] == [b"hello", b"world"]


@pytest.mark.parametrize("name", SENT)
def test_the_recording_is_read_as_the_client_read_it(
    loop: LoopThread, device: Device, tmp_path: Path, name: str
) -> None:
    writes, rule = SENT[name]
    place = tmp_path / "r.db"
    talk(loop, device, place, writes, "true" if len(name) % 2 else "false")
    with open_recording(str(place)) as recording:
        session = recording.session(1)
        assert b"".join(recording.stream(1, Side.SERVER)) == RESPONSE + b"".join(writes)
        messages = [each.message.payload for each in recording.messages(1, Side.SERVER)]
        assert messages == [b"hello", b"world"]
        assert session.end is not None
        assert (session.end.closed_by, session.end.close_code, session.end.close_reason) == (
            Side.SERVER,
            1001,
            "bye",
        )
        live = [
            (f.rule_id, f.side, f.detail, f.offset, f.repaired) for f in recording.findings(1, Side.SERVER)
        ]
    linted = [
        (f["rule"], f["side"], f["detail"], f["offset"], f["repaired"])
        for f in map(json.loads, wsproxy_here("lint", str(place), "--json").out.splitlines())
        if f["type"] == "finding" and f["side"] == "server"
    ]
    assert linted == live
    assert {found[0] for found in live} == {rule}
    assert all(found[4] for found in live)
    shown = wsproxy_here("show", str(place), "--messages").out
    assert "hello" in shown
    assert "world" in shown
