"""Sessions that begin alike: what a client says first decides, and clients that say nothing, or little."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.devices.endpoints import Route, connect
from tests.replay.served import CLOSE, PING, PONG, run, running, settled
from tests.replay.sessions import AT_ONCE, answers, closing, opened, record, says, start
from tests.store.recording import AT, recording_to
from tests.wire.build import client_frame, close, frame
from tests.wire.handshakes import request
from wsproxy.protocol.frame import Side
from wsproxy.protocol.heads import parse_request_head
from wsproxy.replay.choice import Choice, Offer, Refusal
from wsproxy.replay.report import ReplayReport
from wsproxy.store.model import HttpExchange, StoredExchange
from wsproxy.store.redaction import Redaction

TALKS = [[says(name), answers(f"you are {name}")] for name in ("ann", "bob")]


def test_a_silent_client_is_no_endless_one(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db", replace(AT_ONCE, patience=6)) as server:
            client = await opened(server)
            with closing(client):
                what = b"the client said nothing for 6 s although it is its turn"
                began = time.monotonic()
                await client.expect(frame(CLOSE, close(1008, what)))
                assert time.monotonic() - began < 11.9
                assert await client.expect_end() == "fin"
            return await settled(server)

    (mismatch,) = run(scenario()).mismatches
    assert mismatch.expected is not None
    assert mismatch.expected.payload == b"ann"


def test_who_says_goodbye_first_is_answered(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(CLOSE, b"\x03\xe8"))
                await client.expect(frame(CLOSE, close(1000)))
                assert await client.expect_end() == "fin"
            return await settled(server)

    report = run(scenario())
    assert (report.mismatches, report.unplayed_count) == ((), 2)


def test_who_pings_first_is_answered(tmp_path: Path) -> None:
    record(tmp_path / "two.db", *TALKS)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(PING, b"there?"))
                await client.expect(frame(PONG, b"there?"))
                await client.send(client_frame(1, b"bob"))
                await client.expect(frame(1, b"you are bob"))
            return await settled(server)

    report = run(scenario())
    assert [each.session for each in report.connections] == [2]
    assert report.mismatches == ()


def test_recorded_pings_say_nothing(tmp_path: Path) -> None:
    kept_alive = [[says("x", opcode=PING), answers("x", opcode=PONG), *talk] for talk in TALKS]
    record(tmp_path / "two.db", *kept_alive)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server)
            with closing(client):
                await client.send(client_frame(1, b"bob"))
                await client.expect(frame(1, b"you are bob"))
            return await settled(server)

    assert [each.session for each in run(scenario()).connections] == [2]


def test_who_listens_gets_the_session_in_which_the_device_speaks(tmp_path: Path) -> None:
    record(tmp_path / "mixed.db", TALKS[0], [answers("news"), says("thanks")], TALKS[1])

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "mixed.db") as server:
            listener, talker = await opened(server), await opened(server)
            with closing(listener, talker):
                await talker.send(client_frame(1, b"bob"))
                await talker.expect(frame(1, b"you are bob"))
                await listener.expect(frame(1, b"news"))
                await listener.send(client_frame(1, b"thanks"))
            return await settled(server)

    report = run(scenario())
    assert [each.session for each in report.connections] == [2, 3]
    assert (report.mismatches, report.unplayed_count) == ((), 0)


def test_subprotocols_count_without_the_secrets_among_them(tmp_path: Path) -> None:
    offers = (b"chat", b"chat, bearer, s3cretS3cretS3cretS3cret")
    asks = [request(b"Sec-WebSocket-Protocol: " + offered) for offered in offers]
    with recording_to(tmp_path / "two.db", redaction=Redaction.of(["subprotocol:tokens"])) as recorder:
        for number, ask in enumerate(asks):
            session = recorder.open_session(replace(start(request=ask), started_at_ns=AT + number))
            session.receive_data(Side.SERVER, frame(1, b"%d" % number), AT + number)
            session.end(AT + number)

    async def scenario() -> None:
        async with running(tmp_path / "two.db") as server:
            client = await opened(server, asks[1].replace(b"s3cret", b"OTHER!"))
            with closing(client):
                await client.expect(frame(1, b"1"))

    run(scenario())


def test_requests_are_found_by_what_redaction_left_of_them(tmp_path: Path) -> None:
    rules = Redaction.of([r"regex:/devices/(\w+)", "query:token"])
    targets = ["/devices/s3cret/a?token=s3cret&page=1", "/devices/s3cret/a?token=s3cret&page=2", "/a/s3cret"]
    with recording_to(tmp_path / "plain.db", redaction=rules) as recorder:
        for number, target in enumerate(targets):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Number: %d\r\n\r\n" % number
            asked = b"GET %b HTTP/1.1\r\n\r\n" % target.encode()
            recorder.exchange(
                HttpExchange(AT, AT, "x:1", "x:2", f"http://x{target}", asked, b"", head, b"", 0, 0)
            )

    async def scenario() -> None:
        async with running(tmp_path / "plain.db") as server:
            client = await connect(Route(server.port))
            with closing(client):
                for path, answer in (
                    (b"/devices/other/a?token=other&page=2", b"200 OK\r\nContent-Length: 0\r\nX-Number: 1"),
                    (b"/devices/other/a?token=other&page=1", b"200 OK\r\nContent-Length: 0\r\nX-Number: 0"),
                    (b"/devices/other/b", b"404 Not Found"),
                ):
                    await client.send(b"GET " + path + b" HTTP/1.1\r\n\r\n")
                    await client.expect(b"HTTP/1.1 " + answer)
                    if answer.startswith(b"200"):
                        await client.expect(b"\r\n\r\n")

    run(scenario())


@pytest.mark.parametrize(
    ("recorded", "live", "left"),
    [
        ("/a", "/a", True),
        ("/a", "/b", False),
        ("/REDACTED", "/b", True),
        ("/REDACTED/c", "/b/c", True),
        ("/REDACTED/c", "/b/d", False),
        ("/x/REDACTED/x", "/x/x", False),
        ("/REDACTED/REDACTED/c", "/a/b/c", True),
        ("/REDACTED-REDACTED/c", "/a/b/c", False),
        ("/REDACTED-REDACTED-/c", "/a-b-/c", True),
        ("/REDACTED/c/REDACTED/c", "/b/c", False),
    ],
)
def test_a_path_is_what_redaction_may_have_left(recorded: str, live: str, left: bool) -> None:
    heads = (f"GET {target} HTTP/1.1\r\n\r\n".encode() for target in (recorded, live))
    asked, sent = (parse_request_head(head) for head in heads)
    exchange = HttpExchange(
        AT, AT, "x:1", "x:2", "http://x/", asked.raw, b"", b"HTTP/1.1 200\r\n\r\n", b"", 0, 0
    )
    choice = Choice([Offer.of_exchange(StoredExchange(1, exchange))], loop=False)
    assert isinstance(choice.candidates(sent), Refusal) is not left


@pytest.mark.parametrize("speed", [None, 50.0])
def test_the_first_message_decides_behind_a_greeting(tmp_path: Path, speed: float | None) -> None:
    greeted = [[answers("hello"), *talk, says("bye", 5), answers("ciao", 7)] for talk in TALKS]
    record(tmp_path / "two.db", *greeted)

    async def scenario() -> ReplayReport:
        async with running(tmp_path / "two.db", replace(AT_ONCE, speed=speed)) as server:
            clients = [await opened(server), await opened(server)]
            with closing(*clients):
                for client in clients:
                    await client.expect(frame(1, b"hello"))
                for client, name in zip(clients, (b"bob", b"ann"), strict=True):
                    await client.send(client_frame(1, name))
                    await client.expect(frame(1, b"you are " + name))
                    await client.send(client_frame(1, b"bye"))
                    await client.expect(frame(1, b"ciao"))
            return await settled(server)

    report = run(scenario())
    assert [each.session for each in report.connections] == [2, 1]
    assert (report.mismatches, report.unplayed_count, report.unused_sessions) == ((), 0, ())
