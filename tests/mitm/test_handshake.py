"""Opening handshakes that addons or the proxy itself change, beside those they leave alone."""

from pathlib import Path

import pytest
from mitmproxy import http

from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.devices.nobody import dead_port
from tests.mitm.inside import inside
from tests.mitm.peers import answered, hang_up, opened
from tests.mitm.recording import stored
from tests.wire.build import TEXT, client_frame, frame, lines
from tests.wire.handshakes import CONNECTION, GET, HOST, KEY, RESPONSE, UPGRADE

ODD = lines(
    b"get /status HTTP/1.1",
    b"HOST : skyq:9006",
    b"upgrade:  WebSocket",
    b"CONNECTION:keep-alive,Upgrade",
    b"X-Folded: a",
    b"\tb",
    b"Sec-WebSocket-Key: short",
    b"X-Same: 1",
    b"X-Same: 2",
    eol=b"\n",
)
ODD_ANSWER = lines(b"HTTP/1.1 101", b"uPGRADE: websocket", b"no colon here", b"Set-Cookie:a=1", eol=b"\n")


class Patch:
    """Mends one field of each head, as a user would."""

    def request(self, flow: http.HTTPFlow) -> None:
        flow.request.headers["Upgrade"] = "websocket"
        flow.request.headers["X-New"] = "yes"
        del flow.request.headers["X-Folded"]

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        flow.response.headers["Set-Cookie"] = "a=2"
        flow.response.reason = "Switching Protocols"


def test_only_what_an_addon_changes_is_written_anew(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    sent = ODD.replace(b"upgrade:  WebSocket", b"upgrade:  websocket").replace(b"X-Folded: a\n\tb\n", b"")
    sent = sent.removesuffix(b"\n") + b"X-New: yes\n\n"
    got = ODD_ANSWER.replace(b"101\n", b"101 Switching Protocols\n").replace(b"a=1", b"a=2")
    recording = tmp_path / "r.db"
    with inside(device, Patch(), recording=str(recording)) as proxy:
        loop.run(hang_up(*loop.run(answered(device, Route(proxy.port), ODD, sent, ODD_ANSWER, got))))
    start = stored(recording).session.start
    assert (start.request_head, start.request_head_sent) == (ODD, sent)
    assert (start.response_head, start.response_head_sent) == (ODD_ANSWER, got)


class Replace:
    """Puts a new message in place of each, as some addons do."""

    def request(self, flow: http.HTTPFlow) -> None:
        flow.request = flow.request.copy()
        flow.request.headers["X-Same"] = "3"

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        flow.response = http.Response.make(101, b"", flow.response.headers)
        flow.response.headers["Set-Cookie"] = "a=2"


def test_a_message_put_in_place_of_another_keeps_its_dress(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    sent = ODD.replace(b"X-Same: 1\nX-Same: 2\n", b"X-Same: 3\n")
    got = ODD_ANSWER.replace(b"101\n", b"101 Switching Protocols\n").replace(b"a=1", b"a=2")
    got = got.removesuffix(b"\n") + b"content-length: 0\n\n"
    recording = tmp_path / "r.db"
    with inside(device, Replace(), recording=str(recording)) as proxy:
        client, served = loop.run(answered(device, Route(proxy.port), ODD, sent, ODD_ANSWER, got))
        loop.run(served.send(frame(TEXT, b"a session of ours", rsv=7)))
        loop.run(client.expect(frame(TEXT, b"a session of ours", rsv=7)))
        loop.run(hang_up(client, served))
    start = stored(recording).session.start
    assert (start.request_head, start.request_head_sent) == (ODD, sent)
    assert (start.response_head, start.response_head_sent) == (ODD_ANSWER, got)


def test_what_nobody_changes_is_recorded_once(loop: LoopThread, device: Device, tmp_path: Path) -> None:
    recording = tmp_path / "r.db"
    with inside(device, recording=str(recording)) as proxy:
        peers = loop.run(answered(device, Route(proxy.port), ODD, ODD, ODD_ANSWER, ODD_ANSWER))
        loop.run(hang_up(*peers))
    start = stored(recording).session.start
    assert (start.request_head, start.request_head_sent) == (ODD, None)
    assert (start.response_head, start.response_head_sent) == (ODD_ANSWER, None)
    assert start.target == f"ws://{LOOPBACK}:{device.port}/status"
    assert start.mode == "observe"


def test_the_body_of_an_upgrade_request_is_kept_with_its_head(
    loop: LoopThread, device: Device, tmp_path: Path
) -> None:
    asked = ODD.removesuffix(b"\n") + b"Content-Length: 5\n\nhello"
    sent = asked.replace(b"upgrade:  WebSocket", b"upgrade:  websocket").replace(b"X-Folded: a\n\tb\n", b"")
    sent = sent.replace(b"\n\nhello", b"\nX-New: yes\n\nhello")
    got = ODD_ANSWER.replace(b"101\n", b"101 Switching Protocols\n").replace(b"a=1", b"a=2")
    recording = tmp_path / "r.db"
    with inside(device, Patch(), recording=str(recording)) as proxy:
        client, served = loop.run(answered(device, Route(proxy.port), asked, sent, ODD_ANSWER, got))
        loop.run(client.send(client_frame(TEXT, b"a frame")))
        loop.run(served.expect(client_frame(TEXT, b"a frame")))
        loop.run(hang_up(client, served))
    session = stored(recording).session
    assert (session.start.request_head, session.start.request_head_sent) == (asked, sent)
    assert session.client.frames == 1


def test_a_proxy_takes_the_authority_out_of_the_target(loop: LoopThread, device: Device) -> None:
    """RFC 9112 section 3.2.2; the scheme may be the one WebSocket clients think in."""
    for scheme in (b"http", b"ws"):
        target = b"%s://%s:%d/status" % (scheme, LOOPBACK.encode(), device.port)
        request = ODD.replace(b"/status", target)
        with inside(device, mode="regular") as proxy:
            peers = loop.run(
                answered(
                    device,
                    Route(proxy.port),
                    request,
                    ODD.replace(b"get /status HTTP/1.1", b"get /status HTTP/1.1"),
                    ODD_ANSWER,
                    ODD_ANSWER,
                )
            )
            loop.run(hang_up(*peers))


@pytest.mark.parametrize("scheme", [b"wss", b"ws", b"https"])
def test_a_url_as_target_goes_on_as_it_is(loop: LoopThread, device: Device, scheme: bytes) -> None:
    asked = lines(
        b"GET " + scheme + b"://user:secret@skyq:9006/status HTTP/1.1", HOST, UPGRADE, CONNECTION, KEY
    )
    with inside(device) as proxy:
        both = loop.run(answered(device, Route(proxy.port), asked, asked, RESPONSE, RESPONSE))
        loop.run(hang_up(*both))


def test_a_refusal_is_told(loop: LoopThread, device: Device) -> None:
    refusal = lines(b"HTTP/1.1 401 No", b"WWW-Authenticate: Digest", b"Content-Length: 0")
    with inside(device) as proxy:
        peers = loop.run(answered(device, Route(proxy.port), ODD, ODD, refusal, refusal))
        loop.run(hang_up(*peers))
    assert proxy.notices == [f"ws://{LOOPBACK}:{device.port}/status refused the opening handshake: 401 No"]
    assert proxy.sessions == 0


def test_a_dead_device_is_told(loop: LoopThread) -> None:
    async def ask(port: int) -> bytes:
        client = await connect(Route(port))
        await client.send(ODD)
        head = await client.expect_head()
        client.close()
        return head

    with dead_port() as port, inside(mode=f"reverse:http://{LOOPBACK}:{port}") as proxy:
        assert loop.run(ask(proxy.port)).startswith(b"HTTP/1.1 502 ")
    [notice] = proxy.notices
    assert notice.startswith(f"no session with ws://{LOOPBACK}:{port}/status: [Errno ")
    assert notice.endswith("; is the device on, and the address right?")


def test_a_device_that_sends_no_head_is_told(loop: LoopThread, device: Device) -> None:
    frames = frame(TEXT, b'{"no": "head"}')
    with inside(device) as proxy:
        peers = loop.run(answered(device, Route(proxy.port), ODD, ODD, frames, frames))
        loop.run(hang_up(*peers))
    [notice] = proxy.notices
    assert "sent no response head" in notice


@pytest.mark.parametrize("mode", ["regular", "socks5"])
def test_two_bytes_are_not_enough_to_tell(loop: LoopThread, device: Device, mode: str) -> None:
    """mitmproxy would take them for raw TCP, and relay what follows unseen."""
    tunnel = {"regular": "connect", "socks5": "socks5"}[mode]

    async def talk(port: int) -> None:
        route = Route(port, tunnel, (LOOPBACK, device.port))
        client = await connect(route)
        await client.send_segment(ODD[:2])
        await client.send(ODD[2:])
        served = await device.accept()
        await served.expect(ODD)
        await served.send(ODD_ANSWER)
        await client.expect(ODD_ANSWER)
        await client.send(client_frame(TEXT, b"hi"))
        await served.expect(client_frame(TEXT, b"hi"))
        await hang_up(client, served)

    with inside(device, mode=mode) as proxy:
        loop.run(talk(proxy.port))
    assert proxy.sessions == 1


def test_a_request_with_a_key_of_the_rfc_waits_for_no_bytes_of_hixie_76(
    loop: LoopThread, device: Device
) -> None:
    asked = lines(GET, HOST, UPGRADE, CONNECTION, KEY, b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5")
    with inside(device) as proxy:
        loop.run(hang_up(*loop.run(answered(device, Route(proxy.port), asked, asked, RESPONSE, RESPONSE))))


@pytest.mark.parametrize(
    "start",
    [b"\r\nget /as  HTTP/1.0", b"GET\t/as\tHTTP/1.1", b"\n\0GET /a b HTTP/1.1", b"\r\nGET /as HTTP1.1"],
    ids=["spaces", "tabs", "space in the target", "no slash"],
)
def test_a_request_line_in_a_tunnel_need_not_be_right(loop: LoopThread, device: Device, start: bytes) -> None:
    asked = lines(start, HOST, UPGRADE, CONNECTION, KEY)

    async def talk(port: int) -> None:
        client = await connect(Route(port, "connect", (LOOPBACK, device.port)))
        await client.send_segment(asked[:9])
        await client.send(asked[9:])
        served = await device.accept()
        await served.expect(asked)
        await served.send(RESPONSE)
        await client.expect(RESPONSE)
        await hang_up(client, served)

    with inside(device, mode="regular") as proxy:
        loop.run(talk(proxy.port))
    assert proxy.sessions == 1


def test_plain_http_passes_beside_a_session(loop: LoopThread, device: Device) -> None:
    """Its heads are mitmproxy's business; on the same connection an upgrade may follow."""
    plain = lines(b"GET /about HTTP/1.1", b"Host: skyq")
    answer = lines(b"HTTP/1.1 200 OK", b"Content-Length: 2") + b"ok"

    async def talk(port: int) -> None:
        client, served = await answered(device, Route(port), plain, plain, answer, answer)
        await client.send(ODD)
        await served.expect(ODD)
        await served.send(ODD_ANSWER)
        await client.expect(ODD_ANSWER)
        await hang_up(client, served)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))
    assert proxy.sessions == 1


def test_other_protocols_are_left_to_mitmproxy(loop: LoopThread, device: Device) -> None:
    upgrade = lines(b"GET / HTTP/1.1", b"Host: skyq", b"Connection: upgrade", b"Upgrade: tcp")
    answer = lines(b"HTTP/1.1 101 Switching Protocols", b"Connection: upgrade", b"Upgrade: tcp")

    async def talk(port: int) -> None:
        client, served = await opened(device, port, request=upgrade, response=answer)
        await client.send(b"anything")
        await served.expect(b"anything")
        await hang_up(client, served)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))
    assert proxy.sessions == 0


def test_interim_responses_do_not_wait_for_the_final_one(loop: LoopThread, device: Device) -> None:
    interim = b"HTTP/1.1 100 Continue\r\nX-Wait: yes\r\n\r\nHTTP/1.1 102 Processing\n\n"

    async def talk(port: int) -> None:
        client, served = await answered(device, Route(port), ODD, ODD, interim, interim)
        await served.send(ODD_ANSWER)
        await client.expect(ODD_ANSWER)
        await hang_up(client, served)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))
    assert proxy.sessions == 1


def test_a_response_that_breaks_off_goes_on_as_it_is(loop: LoopThread, device: Device) -> None:
    broken = b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 101 Switching Prot"

    async def talk(port: int) -> None:
        client, served = await answered(device, Route(port), ODD, ODD, broken[:21], broken[:21])
        await served.send(broken[21:])
        served.half_close()
        await client.expect(broken[21:])
        assert await client.expect_end() == "fin"
        await hang_up(client, served)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))


def test_a_version_that_is_no_text_goes_on_as_it_is(loop: LoopThread, device: Device) -> None:
    request = lines(GET, HOST, UPGRADE, CONNECTION, KEY, b"Sec-WebSocket-Version: 1\xea3")

    async def talk(port: int) -> None:
        client, served = await answered(device, Route(port), request, request, RESPONSE, RESPONSE)
        await hang_up(served, client)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))
    assert not proxy.notices


@pytest.mark.parametrize("answer", [ODD_ANSWER, lines(b"HTTP/1.1 403 No", b"Content-Length: 0")])
def test_a_client_may_close_its_direction_early(loop: LoopThread, device: Device, answer: bytes) -> None:
    """As `printf ... | nc` does. The device must know before it answers, not after."""

    async def talk(port: int) -> None:
        client = await connect(Route(port))
        await client.send(ODD)
        served = await device.accept()
        await served.expect(ODD)
        client.half_close()
        assert await served.expect_end() == "fin"
        await served.send(answer)
        await client.expect(answer)
        await hang_up(served, client)

    with inside(device) as proxy:
        loop.run(talk(proxy.port))


def test_a_hixie_76_server_gets_all_three_keys_at_once(loop: LoopThread, device: Device) -> None:
    request = lines(
        b"GET /demo HTTP/1.1",
        b"Host: example.com",
        b"Connection: Upgrade",
        b"Upgrade: WebSocket",
        b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5",
        b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
    )
    answer = lines(b"HTTP/1.1 101 WebSocket Protocol Handshake", b"Upgrade: WebSocket") + b"8jKS'y:G*Co,Wxa-"

    async def talk(port: int) -> None:
        client = await connect(Route(port))
        await client.send_segment(request)
        await client.send_segment(b"^n:d")
        await client.send(b"s[4U")
        served = await device.accept()
        await served.expect(request + b"^n:ds[4U")
        await served.send(answer)
        await client.expect(answer)
        await client.send(b"\x00hello\xff")
        await served.expect(b"\x00hello\xff")
        await hang_up(client, served)

    with inside(device, client_dialect="hixie76", server_dialect="hixie76") as proxy:
        loop.run(talk(proxy.port))


def test_what_is_no_http_is_refused(loop: LoopThread, device: Device) -> None:
    async def talk(port: int, data: bytes) -> None:
        client = await connect(Route(port))
        await client.send(data)
        assert (await client.expect_head()).startswith(b"HTTP/1.1 400 ")
        assert await client.expect_end() == "fin"
        client.close()

    with inside(device) as proxy:
        loop.run(talk(proxy.port, b"\x81\x05Hello"))
        loop.run(talk(proxy.port, b"GET / HTTP/1.1\r\n" + b"X-Long: 1\r\n" * 10_000))
        loop.run(talk(proxy.port, b"CONNECT skyq:9006 HTTP/1.1\r\n\r\n"))
    assert "no HTTP request, and refused: 127.0.0.1:" in proxy.notices[0]
    assert proxy.notices[0].endswith(r"Bad HTTP request line: b'\x81\x05Hello'")
    assert "longer than" in proxy.notices[1]
    assert proxy.notices[2].endswith("takes this for an HTTP proxy: for such clients, use --mode regular")
    assert len(proxy.notices) == 3


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "Probably not a SOCKS request but a regular HTTP request."),
        (b"\x04\x01", "Invalid SOCKS version. Expected 0x05, got 0x4"),
        (b"\x05\x01\x02", "Client does not support SOCKS5 with no authentication"),
    ],
)
def test_what_is_no_socks_is_told(loop: LoopThread, data: bytes, told: str) -> None:
    async def talk(port: int) -> None:
        client = await connect(Route(port))
        await client.send(data)
        await client.expect_end()
        client.close()

    with inside(mode="socks5") as proxy:
        loop.run(talk(proxy.port))
    [notice] = proxy.notices
    assert notice.startswith(told)
