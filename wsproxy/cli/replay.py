"""`wsproxy replay`: play a recording back, as the device or as the client."""

import click

from wsproxy.cli.replay_client import client
from wsproxy.cli.replay_server import server


@click.group(short_help="Play a recording back, as the device or as the client.")
def replay() -> None:
    """Play a recording back: as the device to real clients, or as the client to a real device."""


for _command in (server, client):
    replay.add_command(_command)
