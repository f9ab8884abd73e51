"""Options that several commands have, so that they mean and say the same everywhere."""

from collections.abc import Callable
from typing import Any

import click

# The rooms say the same where they refuse something else; their modules are not imported for a help text.
MATCHES = "exact, json, json:/POINTER,/POINTER, regex:PATTERN or any"
DIALECTS = "rfc6455, len32, len126, len7, little-endian, little-endian-32, doubled, hixie76"
MODES = "regular, socks5, upstream:URL, transparent or local"
REDACTIONS = (
    "header:NAME, query:NAME, json:/POINTER, regex:PATTERN, url:userinfo, subprotocol:tokens or defaults"
)

type Decorator = Callable[[Any], Any]

listen_host = click.option(
    "--listen-host", default="127.0.0.1", show_default=True, help="Address to listen on."
)
insecure = click.option("--insecure", is_flag=True, help="Accept any certificate of the device.")
speed = click.option(
    "--speed",
    default="1",
    show_default=True,
    metavar="NUMBER|max",
    help="How fast: 1 keeps the recorded gaps, 2 halves them, max leaves them out.",
)
match = click.option(
    "--match",
    default="exact",
    show_default=True,
    metavar="HOW",
    help=f"When two messages count as the same: {MATCHES}. Values at the POINTERs do not count.",
)
context = click.option(
    "--context", default=2, show_default=True, help="Messages to show around a difference."
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def lines(default: int) -> Decorator:
    """`--lines`: how much of each payload is printed."""
    return click.option(
        "--lines",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        help="Lines of a payload to print; 0 prints all.",
    )


def dialect(flag: str, whose: str) -> Decorator:
    """The dialect of one side, or of some bytes."""
    return click.option(
        flag,
        default="rfc6455",
        show_default=True,
        metavar="NAME|FILE.py[:NAME]",
        help=f"How {whose} frame headers: {DIALECTS}, or a grammar of your own.",
    )
