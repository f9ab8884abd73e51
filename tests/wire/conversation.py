"""A conversation is a list of steps in the order they happen; it turns into one script per peer.

In each step one peer sends and the other waits until exactly those bytes have come, so a conversation that
ends well has already shown that what was sent is what arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.devices.script import (
    Action,
    Close,
    Delivered,
    Expect,
    ExpectEnd,
    HalfClose,
    Reset,
    Script,
    Send,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What the client and the device do, at the same time, before the next step begins."""

    client: tuple[Action, ...]
    device: tuple[Action, ...]


type Segments = tuple[int, ...]


def client(data: bytes, *more: bytes, segments: Segments = ()) -> Step:
    """The client sends."""
    whole = b"".join((data, *more))
    return Step((Send(whole, segments),), (Expect(whole),))


def device(data: bytes, *more: bytes, segments: Segments = ()) -> Step:
    """The device sends."""
    whole = b"".join((data, *more))
    return Step((Expect(whole),), (Send(whole, segments),))


def both(from_client: bytes, from_device: bytes) -> Step:
    """Both send at once, each reading what the other sends."""
    return Step((Send(from_client), Expect(from_device)), (Send(from_device), Expect(from_client)))


def hasty(head: bytes, early: bytes, answer: bytes) -> Step:
    """The client sends more right behind its request; the device answers the request before it reads that."""
    return Step((Send(head + early), Expect(answer)), (Expect(head), Send(answer), Expect(early)))


def trickled(data: bytes) -> Segments:
    """Segments of one byte each."""
    return (1,) * len(data)


CLIENT_FIN = Step((HalfClose(),), (ExpectEnd(),))
DEVICE_FIN = Step((ExpectEnd(),), (HalfClose(),))
CLIENT_RST = Step((Delivered(), Reset()), (ExpectEnd(), Close()))
DEVICE_RST = Step((ExpectEnd(), Close()), (Delivered(), Reset()))
HANG_UP = (DEVICE_FIN, CLIENT_FIN)


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation and where it was seen.

    `cites`: ids in the collected cases ("handshake C23", "frames F07") or "relay" for what a relay must get
    right whoever sends it. `before`: bytes (client, device) of HTTP exchanges on the same connection before
    the opening handshake. `session` False: it never becomes a WebSocket connection, so nothing is recorded.
    """

    name: str
    cites: tuple[str, ...]
    thread: str
    steps: tuple[Step, ...]
    session: bool = True
    before: tuple[int, int] = (0, 0)

    @property
    def scripts(self) -> tuple[Script, Script]:
        """What the client does, what the device does."""
        return (
            [action for step in self.steps for action in step.client],
            [action for step in self.steps for action in step.device],
        )

    @property
    def speaks_after_fin(self) -> bool:
        """Whether bytes follow a FIN, which TLS cannot do."""
        fins = [i for i, step in enumerate(self.steps) if step in (CLIENT_FIN, DEVICE_FIN)]
        return any(
            isinstance(action, Send)
            for step in self.steps[fins[0] if fins else len(self.steps) :]
            for action in (*step.client, *step.device)
        )


def case(
    name: str,
    cites: str,
    thread: str,
    *steps: Step | Sequence[Step],
    session: bool = True,
    before: tuple[int, int] = (0, 0),
) -> Case:
    """A case whose steps may be given in groups; without an ending it gets the usual one."""
    flat = tuple(step for each in steps for step in (each if isinstance(each, Sequence) else (each,)))
    if not any(step in (CLIENT_FIN, DEVICE_FIN, CLIENT_RST, DEVICE_RST) for step in flat):
        flat += HANG_UP
    return Case(name, tuple(part.strip() for part in cites.split(",")), thread, flat, session, before)
