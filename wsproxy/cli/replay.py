"""`wsproxy replay`: play a recording back, as the device or as the client."""

import click

from wsproxy.cli.replay_client import client
from wsproxy.cli.replay_server import server


@click.group(short_help="Play a recording back, as the device or as the client.")
def replay() -> None:
    """Play a recording back: as the device to real clients, or as the client to a real device."""


for _command in (server, client):
    # A command keeps the help option that it makes first, whatever its parent is then.
    _command.context_settings["help_option_names"] = ["-h", "--help"]
    replay.add_command(_command)
