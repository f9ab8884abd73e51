"""The opening handshake most cases use, and the conversation around it."""

from tests.wire.build import CLOSE, TEXT, client_frame, close, frame, lines, words
from tests.wire.conversation import Step, client, device

HOST = b"Host: skyq:9006"
UPGRADE = b"Upgrade: websocket"
CONNECTION = b"Connection: Upgrade"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = b"Sec-WebSocket-Version: 13"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GET = b"GET /as/system/status HTTP/1.1"
SWITCHING = b"HTTP/1.1 101 Switching Protocols"

REQUEST = lines(GET, HOST, UPGRADE, CONNECTION, KEY, VERSION)
RESPONSE = lines(SWITCHING, UPGRADE, CONNECTION, ACCEPT)

SKYQ_FRAME = bytes.fromhex("817e06a7") + words(1703)
HELLO = frame(TEXT, b'{"hello":"client"}')
ANSWER = client_frame(TEXT, b'{"hello":"device"}')
CLIENT_CLOSE = client_frame(CLOSE, close(1000, b"done"))
DEVICE_CLOSE = frame(CLOSE, close(1000, b"done"))

OPENED = (client(REQUEST), device(RESPONSE))
CLOSED = (client(CLIENT_CLOSE), device(DEVICE_CLOSE))
TALK = (device(HELLO), client(ANSWER), *CLOSED)


def request(*more: bytes, start: bytes = GET) -> bytes:
    """The usual request with more fields."""
    return lines(start, HOST, UPGRADE, CONNECTION, KEY, VERSION, *more)


def response(*more: bytes, start: bytes = SWITCHING) -> bytes:
    """The usual response with more fields."""
    return lines(start, UPGRADE, CONNECTION, ACCEPT, *more)


def asks(head: bytes) -> tuple[Step, ...]:
    """A client with this request, a device that is content with it."""
    return (client(head), device(RESPONSE), *TALK)


def answers(head: bytes) -> tuple[Step, ...]:
    """A device with this response, its first frame in a segment of its own."""
    return (client(REQUEST), device(head), *TALK)


def meets(asked: bytes, answered: bytes) -> tuple[Step, ...]:
    """A client with this request, a device with this response."""
    return (client(asked), device(answered), *TALK)


def device_says(*data: bytes) -> tuple[Step, ...]:
    """After the usual opening handshake the device sends these, one write each; no closing handshake."""
    return (*OPENED, *(device(each) for each in data))


def client_says(*data: bytes) -> tuple[Step, ...]:
    """After the usual opening handshake the client sends these, one write each; no closing handshake."""
    return (*OPENED, *(client(each) for each in data))
