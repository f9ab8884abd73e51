"""Clients that were gone before anybody could ask who they are: port scanners, health checks.

Under uvloop their connections have no peer any more, and mitmproxy's `block` addon stumbles over that. Relies
on `client_connected` being called before anything else happens to a connection, and on mitmproxy closing it
where `client.error` is set.
"""

from mitmproxy import exceptions
from mitmproxy.connection import Client


class GoneClients:
    """Closes their connections before another addon sees them; to be the first of all addons."""

    name = "wsproxy_gone_clients"

    def client_connected(self, client: Client) -> None:
        """End it here if its peer is gone."""
        if client.peername is None:
            client.error = "the client is gone already"
            raise exceptions.AddonHalt
