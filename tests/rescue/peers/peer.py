"""What the runner needs of a strict peer."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from tests.rescue.case import Report, Task

FAULTS = (1002, 1003, 1007, 1009)
"""Close codes with which a peer says that it did not accept what it got: no clean end for anybody."""


def fault(code: int, reason: object) -> str:
    """The words for a Close frame with one of those."""
    return f"Close {code} {reason or ''}".strip()


@dataclass(slots=True)
class Visit:
    """What a server is to do with the client that asks for a path, and what became of it."""

    task: Task
    report: Report = field(default_factory=Report)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Server(Protocol):
    """A strict server that runs."""

    @property
    def port(self) -> int:
        """Where it listens."""

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""

    async def stop(self) -> None:
        """End it."""


class StrictClient(Protocol):
    """A library as the client."""

    name: str

    async def talk(self, url: str, task: Task, report: Report) -> None:
        """Do the task, and note in the report how far it went."""

    async def stop(self) -> None:
        """End what was started for it."""


class StrictServer(Protocol):
    """A library as the server."""

    name: str

    async def serve(self, tls: ssl.SSLContext | None = None) -> Server:
        """A server on a free loopback port."""


class Visits:
    """The visits a server in this process expects, by path; the runner asks for each path once."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}

    async def expect(self, path: str, task: Task) -> Visit:
        """Do that with the client that asks for `path`."""
        return self._visits.setdefault(path, Visit(task))

    def of(self, path: str) -> Visit:
        """The visit of the client that asked for `path`; one that nobody waits for, if unexpected."""
        return self._visits.get(path.partition("?")[0]) or Visit(Task())


def words_of(error: BaseException | None) -> str:
    """What an error says, with what caused it."""
    words: list[str] = []
    while error is not None:
        text = " ".join(str(error).split()) or type(error).__name__
        words += [text] if not any(text in each for each in words) else []
        error = error.__cause__
    return ": ".join(words)
