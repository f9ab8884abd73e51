"""Clients and devices after an opening handshake."""

from tests.devices.endpoints import Device, Route, connect
from tests.devices.peer import Peer
from tests.wire.handshakes import REQUEST, RESPONSE


async def opened(
    device: Device,
    port: int,
    *,
    request: bytes = REQUEST,
    response: bytes = RESPONSE,
    route: Route | None = None,
) -> tuple[Peer, Peer]:
    """A client and a device that have become a session through the proxy on `port`."""
    return await answered(device, route or Route(port), request, request, response, response)


async def answered(
    device: Device, route: Route, request: bytes, wanted: bytes, response: bytes, got: bytes
) -> tuple[Peer, Peer]:
    """Send `request`, of which `wanted` must arrive; answer with `response`, of which `got` must."""
    client = await connect(route)
    await client.send(request)
    served = await device.accept()
    client.other, served.other = served, client
    await served.expect(wanted)
    await served.send(response)
    await client.expect(got)
    return client, served


async def hang_up(*peers: Peer) -> None:
    """Close them, and wait until they are gone."""
    for peer in peers:
        peer.close()
        await peer.gone()
