"""What a case is, what a strict peer is asked to do in it, and when it works."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.devices.device import Device
from tests.devices.weak_client import WeakClient

type Message = str | bytes


@dataclass(frozen=True, slots=True)
class Task:
    """What the strict peer does once the session is open.

    It says what it has to `say`, sends `pings` and awaits their pongs, waits until it `hears` as many
    messages; as the server it echoes them (`echoes`). `deflate`: it must be able to compress. `fragments`: it
    says what it has to say in pieces. Then it `closes`, or waits for the other's Close.
    """

    says: tuple[Message, ...] = ()
    hears: tuple[Message, ...] = ()
    pings: tuple[str, ...] = ()
    closes: bool = True
    echoes: bool = False
    subprotocols: tuple[str, ...] = ()
    deflate: bool = False
    fragments: bool = False


@dataclass(slots=True)
class Report:
    """What the strict peer saw.

    `stage` is how far it came: "opening", "talking", "closing" or "closed" (a Close frame in each direction,
    then the end). `words`: its own, if it complained.
    """

    stage: str = "opening"
    heard: list[Message] = field(default_factory=list)
    pongs: list[str] = field(default_factory=list)
    code: int | None = None
    words: str = ""
    hung: bool = False


class Result(StrEnum):
    """What became of one case with one peer."""

    WORKS = "works"
    FAILS = "fails"
    HANGS = "hangs"
    SKIPPED = "not applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, and why."""

    result: Result
    words: str = ""


@dataclass(frozen=True)
class Case:
    """A weak peer, and what has to happen for a strict one to get on with it.

    `cites` and `thread`: where it was seen. `normalize`: the packaged profile that mends it, or lines of TOML
    that add to `strict` what has to be asked for; `flags`: what else `wsproxy record` is told. `only`: the
    strict peers it can be tried with, if not all. `beyond`: why it does not work through wsproxy, by peer
    ("*": any). `codes`: the close codes that will do, if not any. `quick`: part of the tests.
    """

    name: str
    cites: str
    thread: str
    weak: Device | WeakClient
    task: Task
    normalize: str = "strict"
    flags: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    beyond: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[int, ...] = ()
    tls: bool = False
    quick: bool = False

    @property
    def device_side(self) -> bool:
        """Whether the weak peer is the server."""
        return isinstance(self.weak, Device)

    def reason(self, peer: str) -> str:
        """Why it does not work with that peer through wsproxy; empty where it does."""
        return self.beyond.get(peer, self.beyond.get("*", ""))


def judge(case: Case, report: Report, weak_words: str = "") -> Verdict:
    """Whether the opening handshake, every message both ways and the close were as the case wants them."""
    task = case.task
    complaint = weak_words if weak_words.startswith("the ") else report.words or weak_words
    if report.hung:
        return Verdict(Result.HANGS, f"in the {_STAGES[report.stage]}" + f" ({complaint})" * bool(complaint))
    if report.stage == "opening":
        return Verdict(Result.FAILS, complaint or "closed in the opening handshake")
    if report.heard != list(task.hears):
        return Verdict(Result.FAILS, complaint or _difference(task.hears, report.heard))
    if report.pongs != list(task.pings):
        return Verdict(Result.FAILS, complaint or f"pongs {report.pongs} for {list(task.pings)}")
    if report.stage != "closed" or weak_words:
        return Verdict(Result.FAILS, complaint or "ended without a Close frame")
    if case.codes and report.code not in case.codes:
        return Verdict(Result.FAILS, f"close code {report.code}")
    return Verdict(Result.WORKS)


_STAGES = {
    "opening": "opening handshake",
    "talking": "exchange of messages",
    "closing": "closing handshake",
    "closed": "end",
}


def _difference(expected: tuple[Message, ...], heard: list[Message]) -> str:
    for wanted, got in zip(expected, heard, strict=False):
        if wanted != got:
            return f"got {_short(got)} for {_short(wanted)}"
    return f"{len(heard)} messages for {len(expected)}"


def _short(message: Message) -> str:
    shown = repr(message[:24])
    return shown if len(message) <= 24 else f"{shown}... ({len(message)})"
