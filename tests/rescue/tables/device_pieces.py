"""Devices that send in pieces what must be whole, or never end or begin what they send in pieces."""

from tests.devices.habits import octets, opcode_of
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import (
    GREETED,
    GREETED_FIRST,
    GREETING,
    WAITS,
    device,
    goodbye,
    preceded_by,
    says,
)
from tests.wire.build import BINARY, CONT, PING, TEXT, frame

_BROKEN_OFF = "[options]\nhold_time = 0.5"

CASES: tuple[Case, ...] = (
    device(
        "ping-in-pieces",
        "frames C01",
        "aspnet/WebSockets#16",
        quick=True,
        task=Task(says=("hello",), hears=("hello",)),
        voice=preceded_by(frame(PING, b"pi", fin=False) + frame(CONT, b"ng")),
    ),
    device(
        "fragments-that-are-all-continuations",
        "frames G17",
        "me-no-dev/ESPAsyncWebServer#325",
        quick=True,
        task=Task(says=("in three pieces",), hears=("good morning", "in three pieces")),
        greeting=GREETED,
        voice=says(
            lambda m: (
                frame(CONT, octets(m)[:4], fin=False)
                + frame(CONT, octets(m)[4:9], fin=False)
                + frame(CONT, octets(m)[9:])
            )
        ),
    ),
    device(
        "text-continued-that-never-began",
        "frames G17",
        "me-no-dev/ESPAsyncWebServer#325",
        task=GREETED_FIRST,
        greeting=frame(CONT, GREETING.encode()),
    ),
    device(
        "fin-never-set",
        "frames G02",
        "RFC 6455 section 5.4",
        normalize='[rules]\n"message.fin-missing" = true',
        voice=says(lambda m: frame(opcode_of(m), octets(m), fin=False)),
    ),
    device(
        "message-broken-off",
        "frames O02",
        "websockets/ws#1874",
        task=Task(says=("hello",), hears=(b"half of it", "hello")),
        normalize=_BROKEN_OFF,
        voice=preceded_by(frame(BINARY, b"half of it", fin=False)),
    ),
    device(
        "close-inside-a-message-of-its-own",
        "frames G01",
        "RFC 6455 section 5.4",
        task=WAITS,
        normalize="[options.client]\nwhole_messages = true",
        leaves_after=1,
        farewell=frame(TEXT, b"half of it", fin=False) + goodbye(key=None),
    ),
)
