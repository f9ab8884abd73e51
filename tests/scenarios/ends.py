"""The beginning and the end of a conversation that a test holds itself."""

from tests.devices.endpoints import Device, Route, connect
from tests.devices.peer import Peer
from tests.wire.handshakes import REQUEST, RESPONSE


async def opened(device: Device, route: Route, *, keep: bool = True) -> tuple[Peer, Peer]:
    """A client and a device after their opening handshake."""
    client = await connect(route, keep=keep)
    await client.send(REQUEST)
    served = await device.accept()
    client.meet(served)
    await served.expect_count(len(REQUEST))
    await served.send(RESPONSE)
    await client.expect_count(len(RESPONSE))
    return client, served


async def hang_up(*peers: Peer) -> None:
    for peer in peers:
        peer.close()
        await peer.gone()
