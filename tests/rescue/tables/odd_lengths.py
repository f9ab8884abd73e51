"""Lengths written in ways of their own, on either side; each is guessed, which has to be asked for."""

from collections.abc import Callable

from tests.devices.habits import Message, Voice, octets, opcode_of, spoken
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import LONG, client, device
from tests.wire.build import KEY, mask

_GUESS = '[rules]\n"frame.length-encoding" = true\n[options]\nhold_time = 0.5'
_SHORT, _LARGE = "s" * 200, "z" * 123_456


def _with_length(
    least: int, form: int, written: Callable[[int], bytes], key: bytes = b""
) -> Callable[[], Voice]:
    """A message of at least that many bytes has its length written so, behind the 126 or the 127."""
    plain = spoken(key or None)()

    def voice(message: Message) -> bytes:
        payload = octets(message)
        if len(payload) < least:
            return plain(message)
        header = bytes((0x80 | opcode_of(message), form | (0x80 if key else 0))) + written(len(payload))
        return header + key + (mask(payload, key) if key else payload)

    return lambda: voice


def _twice(size: int) -> bytes:
    return size.to_bytes(4) * 2


def _counting(header: int) -> Callable[[int], bytes]:
    return lambda size: (size + header).to_bytes(2)


def _signed(size: int) -> bytes:
    return b"\xff" + size.to_bytes(1)


def _echo(*messages: str) -> Task:
    return Task(messages, messages)


DEVICE_CASES: tuple[Case, ...] = (
    device(
        "length-whose-halves-repeat",
        "relay",
        "chronoxor/NetCoreServer#229, SWI-Prolog/packages-http#104",
        quick=True,
        task=_echo("hello", _LARGE, "hello"),
        normalize=_GUESS,
        voice=_with_length(1 << 16, 127, _twice),
    ),
    device(
        "length-of-four-bytes-little-endian",
        "relay",
        "RFC 6455 section 5.2",
        task=_echo(LONG, "hello"),
        normalize=_GUESS,
        voice=_with_length(126, 126, lambda size: size.to_bytes(4, "little")),
    ),
    device(
        "length-with-a-sign",
        "relay",
        "RFC 6455 section 5.2",
        task=_echo(_SHORT, "hello"),
        normalize=_GUESS,
        voice=_with_length(126, 126, _signed),
    ),
    device(
        "length-in-characters",
        "frames U03",
        "radu-matei/websocket-manager#40",
        quick=True,
        task=_echo("på gården", "hello", "grün"),
        normalize=_GUESS,
        voice=lambda: lambda m: bytes((0x80 | opcode_of(m), len(m))) + octets(m),
    ),
    device(
        "length-that-counts-the-header",
        "relay",
        "RFC 6455 section 5.2",
        task=_echo(LONG, "hello"),
        normalize=_GUESS,
        voice=_with_length(126, 126, _counting(4)),
    ),
)
CLIENT_CASES: tuple[Case, ...] = (
    client(
        "length-whose-halves-repeat-from-client",
        "relay",
        "chronoxor/NetCoreServer#229",
        says=("hello", _LARGE, "and more"),
        normalize=_GUESS,
        voice=_with_length(1 << 16, 127, _twice, KEY),
    ),
    client(
        "length-in-characters-from-client",
        "frames U03",
        "ghedipunk/PHP-Websockets#53",
        says=("på gården", "hello", "grün"),
        normalize=_GUESS,
        voice=lambda: lambda m: bytes((0x80 | opcode_of(m), 0x80 | len(m))) + KEY + mask(octets(m), KEY),
    ),
)
