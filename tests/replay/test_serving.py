"""The library, with real clients."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.replay.sessions import record, says
from tests.replay.tls_client import first_message
from wsproxy.demo.device import status_document
from wsproxy.errors import ReachError, RecordingError, UsageError
from wsproxy.replay import serve
from wsproxy.store.redaction import Redaction

SKYQ = str(Path(__file__).parents[2] / "recordings" / "skyq.db")
PATH = "/as/system/status"


def test_a_client_library_gets_what_the_device_sent() -> None:
    with serve(SKYQ) as replay:
        with connect(replay.url(PATH)) as client:
            assert client.recv(timeout=5) == status_document().decode()
        report = replay.report()
    assert report.mismatches == ()
    assert report.unplayed == ()
    assert [each.session for each in report.connections] == [2]
    assert report.unused_sessions == (1,)
    assert "text {" in report.text
    assert json.dumps(report.to_json())


def test_it_plays_in_the_running_loop() -> None:
    async def scenario() -> list[str | bytes]:
        async with serve(SKYQ, "last", loop=True) as replay:
            heard = []
            for _ in range(3):
                async with connect_async(replay.url(PATH)) as client:
                    heard.append(await client.recv())
            assert (await replay.settled_report()).connection_count == 3
        assert not replay.report().mismatches
        return heard

    assert asyncio.run(scenario()) == [status_document().decode()] * 3


def test_a_session_is_played_once_and_then_refused() -> None:
    with serve(SKYQ, 2) as replay:
        with connect(replay.url(PATH)) as client:
            client.recv(timeout=5)
        with pytest.raises(InvalidStatus, match="410"):
            connect(replay.url(PATH))
        with pytest.raises(InvalidStatus, match="404"):
            connect(replay.url("/elsewhere"))
    said = [mismatch.what for mismatch in replay.report().mismatches]
    assert said[0].startswith("the one session recorded for /as/system/status was played already")
    assert said[0].endswith("; with loop (--loop) they are played again")
    assert said[1] == f"nothing was recorded for /elsewhere; recorded: {PATH}"


def test_a_message_that_is_not_recorded_closes_the_connection_and_is_reported() -> None:
    with serve(SKYQ, 2) as replay:
        with connect(replay.url(PATH)) as client:
            client.recv(timeout=5)
            client.send("what?")
            with pytest.raises(ConnectionClosedError, match="1008"):
                client.recv(timeout=5)
        (mismatch,) = replay.report().mismatches
    assert mismatch.got is not None
    assert mismatch.got.payload == b"what?"


def test_a_port_that_is_taken_and_a_recording_that_is_none(tmp_path: Path) -> None:
    with serve(SKYQ) as replay, pytest.raises(ReachError, match="choose another port"):
        serve(SKYQ, port=replay.port).__enter__()
    with pytest.raises(RecordingError):
        serve(str(tmp_path / "none.db")).__enter__()
    with pytest.raises(RecordingError, match="no session 9"):
        serve(SKYQ, 9).__enter__()
    with pytest.raises(UsageError, match="does not run"):
        serve(SKYQ).url()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"speed": "fast"},
        {"speed": 0},
        {"on_mismatch": "shrug"},
        {"match": "roughly"},
        {"vary": "id"},
        {"allow_unplayed": "("},
        {"patience": "soon"},
        {"patience": float("nan")},
        {"patience": 0},
        {"port": 70000},
    ],
)
def test_what_makes_no_sense_is_said_before_it_plays(nonsense: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        serve(SKYQ, **nonsense)


def test_one_pointer_or_pattern_is_not_its_letters() -> None:
    assert serve(SKYQ, vary="/id").options.vary == ("/id",)
    assert serve(SKYQ, allow_unplayed="noise").options.allow_unplayed == ("noise",)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_thread_of_its_own_plays_beside_a_running_loop(run: Callable[[Any], list[bool]]) -> None:
    async def scenario() -> list[bool]:
        with serve(Path(SKYQ), host="0.0.0.0") as replay:
            async with connect_async(replay.url(PATH)) as client:
                assert await client.recv() == status_document().decode()
            assert replay.report().connection_count == 1
        return [thread.name.startswith("wsproxy") for thread in threading.enumerate()]

    assert not any(run(scenario()))


def test_entering_it_twice_or_where_it_cannot_run() -> None:
    replay = serve(SKYQ)
    for _ in range(2):
        with replay, connect(replay.url(PATH)) as client:
            assert client.recv(timeout=5)
            with pytest.raises(UsageError, match="runs already"):
                replay.__enter__()
            assert replay.url().startswith("ws://127.0.0.1:")

    async def without_asyncio() -> None:
        async with replay:
            pass

    with pytest.raises(UsageError, match="use `with serve"):
        without_asyncio().send(None)


def test_it_speaks_tls_with_a_certificate_made_for_it() -> None:
    with serve(SKYQ, 2, tls=True) as replay:
        assert replay.url(PATH).startswith("wss://127.0.0.1:")
        context = ssl.create_default_context(cadata=replay.certificate)
        assert first_message(replay.url(PATH), context) == status_document().decode()
        with pytest.raises(ssl.SSLCertVerificationError):
            first_message(replay.url(PATH), ssl.create_default_context())
        assert replay.report().mismatches == ()


def test_what_is_secret_is_no_difference_in_a_mismatch(tmp_path: Path) -> None:
    rules = Redaction.of(["json:/token"])
    record(tmp_path / "a.db", [says('{"token":"s3cret","ask":1}')], redaction=rules)
    with serve(tmp_path / "a.db") as replay:
        with connect(replay.url(PATH)) as client:
            client.send('{"token":"mine","ask":2}')
            with pytest.raises(ConnectionClosedError):
                client.recv(timeout=10)
        (mismatch,) = replay.report().mismatches
    assert [line.strip() for line in mismatch.diff if line[:1] in "+-"] == ['-   "ask": 1,', '+   "ask": 2,']
