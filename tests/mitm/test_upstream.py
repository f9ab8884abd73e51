"""Through another proxy: what is said when that one refuses."""

from tests.devices.endpoints import LOOPBACK, Device, Route, connect
from tests.devices.loop import LoopThread
from tests.mitm.inside import inside
from tests.mitm.peers import hang_up
from tests.wire.handshakes import REQUEST

REFUSAL = b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'


def test_a_proxy_that_wants_a_password(loop: LoopThread, device: Device) -> None:
    async def ask(port: int) -> None:
        client = await connect(Route(port, tunnel="connect", target=(LOOPBACK, 9006)))
        await client.send(REQUEST)
        upstream = await device.accept()
        await upstream.expect_head()
        await upstream.send(REFUSAL)
        await client.expect_head()
        await hang_up(client, upstream)

    with inside(mode=f"upstream:http://{LOOPBACK}:{device.port}") as proxy:
        loop.run(ask(proxy.port))
    [notice] = proxy.notices
    assert "407 Proxy Authentication Required" in notice
    assert "--set upstream_auth=USER:PASSWORD" in notice
