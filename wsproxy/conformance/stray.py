"""Bytes that are no frame, where a frame should begin."""

from typing import NamedTuple


class Stray(NamedTuple):
    """`length` bytes that are no frame, and the rule. `ends` says the session cannot go on behind them.

    `text` is what they say, where they are to be sent on as a message.
    """

    rule_id: str
    length: int
    detail: str
    ends: bool
    text: bytes | None = None


WAIT = Stray("", 0, "", ends=False)
"""More bytes will tell."""
