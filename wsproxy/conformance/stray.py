"""Bytes that are no frame, where a frame should begin."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ForeignBytes:
    """`length` bytes that are no frame; `detail` says what they are, `whole` whether their end is known."""

    rule_id: str
    length: int
    detail: str
    whole: bool = True


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
