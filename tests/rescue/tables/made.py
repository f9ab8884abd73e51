"""How the tables write their cases."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.devices.device import Device
from tests.devices.habits import Message, Voice, opcode_of, spoken
from tests.devices.lenient import Head, accept_of
from tests.devices.weak_client import WeakClient
from tests.rescue.case import Case, Task
from tests.wire.build import CLOSE, CRLF, KEY, TEXT, frame
from tests.wire.build import close as close_payload

GREETING = "good morning"
GREETED = frame(TEXT, GREETING.encode())
WORDS: tuple[Message, ...] = ("hello", b"\x01\x02")
LONG = "0123456789" * 30
ECHO = Task(says=WORDS, hears=WORDS)
ECHO_LONG = Task(says=(LONG,), hears=(LONG,))
GREETED_FIRST = Task(says=("hello",), hears=(GREETING, "hello"))
PINGS = Task(says=("hello",), hears=("hello",), pings=("are you there",))
WAITS = Task(says=("hello",), hears=("hello",), closes=False)
PINGED = Task(hears=("hello",), pings=("are you there",), echoes=True)

type _Field = bytes | Callable[[bytes], bytes] | None


def device(
    name: str,
    cites: str,
    thread: str,
    *,
    task: Task = ECHO,
    normalize: str = "strict",
    flags: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    beyond: Mapping[str, str] | None = None,
    codes: tuple[int, ...] = (1000,),
    quick: bool = False,
    **habits: Any,
) -> Case:
    """A device that differs in its `habits`."""
    weak = Device(**habits)
    return Case(name, cites, thread, weak, task, normalize, flags, only, beyond or {}, codes, quick=quick)


def client(
    name: str,
    cites: str,
    thread: str,
    *,
    task: Task | None = None,
    normalize: str = "strict",
    flags: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    beyond: Mapping[str, str] | None = None,
    codes: tuple[int, ...] = (1000,),
    tls: bool = False,
    quick: bool = False,
    **habits: Any,
) -> Case:
    """A client that differs in its `habits`; the server echoes what it says."""
    if task and task.closes:
        habits.setdefault("farewell", None)
    weak = WeakClient(**habits)
    guest = task or Task(hears=weak.says, closes=weak.farewell is None, echoes=True)
    return Case(name, cites, thread, weak, guest, normalize, flags, only, beyond or {}, codes, tls, quick)


def answering(
    *more: bytes,
    line: bytes = b"HTTP/1.1 101 Switching Protocols",
    upgrade: bytes | None = b"Upgrade: websocket",
    connection: bytes | None = b"Connection: Upgrade",
    accept: _Field = lambda key: b"Sec-WebSocket-Accept: " + accept_of(key),
    eol: bytes = CRLF,
    before: bytes = b"",
    behind: bytes = b"",
) -> Callable[[Head], bytes]:
    """A response with these differences; None leaves a field out."""

    def answer(head: Head) -> bytes:
        key = head.get("Sec-WebSocket-Key") or b""
        accepted = accept(key) if callable(accept) else accept
        fields = [each for each in (upgrade, connection, accepted) if each is not None]
        return before + eol.join([line, *fields, *more]) + eol + eol + behind

    return answer


def asking_with(
    *more: bytes,
    method: bytes = b"GET",
    target: bytes = b"%s",
    version: bytes = b"HTTP/1.1",
    host: bytes | None = b"Host: %s",
    upgrade: bytes | None = b"Upgrade: websocket",
    connection: bytes | None = b"Connection: Upgrade",
    key: bytes | None = b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==",
    websocket_version: bytes | None = b"Sec-WebSocket-Version: 13",
    eol: bytes = CRLF,
    before: bytes = b"",
) -> Callable[[bytes, bytes], bytes]:
    """A request with these differences; None leaves a field out."""

    def ask(where: bytes, path: bytes) -> bytes:
        asked = method + b" " + target.replace(b"%h", where).replace(b"%s", path) + b" " + version
        hosted = None if host is None else host.replace(b"%s", where)
        fields = (hosted, upgrade, connection, key, websocket_version)
        return before + eol.join([asked, *(each for each in fields if each is not None), *more]) + eol + eol

    return ask


def says(made: Callable[[Message], bytes]) -> Callable[[], Voice]:
    """A voice without a memory."""
    return lambda: made


def payload_of(make: Callable[[bytes], bytes], key: bytes | None = None) -> Callable[[], Voice]:
    """Each message in a frame of its own, its payload data changed."""
    return says(lambda message: frame(opcode_of(message), make(_octets(message)), key=key))


def preceded_by(data: bytes, key: bytes | None = None) -> Callable[[], Voice]:
    """Each message as it should be, with these bytes before it."""
    plain = spoken(key)()
    return says(lambda message: data + plain(message))


def followed_by(data: bytes, key: bytes | None = None) -> Callable[[], Voice]:
    """Each message as it should be, with these bytes behind it."""
    plain = spoken(key)()
    return says(lambda message: plain(message) + data)


def closing(payload: bytes, *, key: bytes | None = None, behind: bytes = b"") -> Callable[[bytes], bytes]:
    """A Close answered with this payload, whatever came."""
    return lambda _: frame(CLOSE, payload, key=key) + behind


def goodbye(code: int = 1000, reason: bytes = b"", key: bytes | None = KEY) -> bytes:
    """A Close frame."""
    return frame(CLOSE, close_payload(code, reason), key=key)


def _octets(message: Message) -> bytes:
    return message.encode() if isinstance(message, str) else message
