"""The opening handshake of a replayed client: the recorded request, made to fit the device; its answer."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from dataclasses import dataclass, replace

from wsproxy.conformance.checks_accept import answer_as
from wsproxy.conformance.hixie76 import ANSWER_BYTES, is_hixie76_request, is_hixie76_response
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeadReader, is_upgrade_response
from wsproxy.protocol.heads import HeaderField, RequestHead, parse_request_head, parse_response_head

_KEY, _ACCEPT = "sec-websocket-key", "sec-websocket-accept"
_KEY_SIZE = 16
_HAS_PORT = re.compile(r":(?!(?:80|443)$)\d+$")
"""A port that a Host must name."""
_EXCERPT = 100


@dataclass(frozen=True, slots=True)
class Address:
    """Where the device is: `path` is what to ask for, empty for what was recorded."""

    host: str
    port: int
    tls: bool = False
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Its URL, with what is asked for."""
        return f"{'wss' if self.tls else 'ws'}://{self}{self.path or '/'}"


def request_for(
    recorded: bytes, address: Address, token: Callable[[int], bytes], *, asked: str = ""
) -> bytes:
    """The recorded request with the path and the Host of `address`, and a fresh key; everything else keeps
    its bytes. A key that is none (16 bytes in Base64) stays as it is, and a Host without the port stays
    without one: `asked` is the address of the recorded device. `token` gives random bytes.
    """
    head = parse_request_head(recorded)
    host = str(replace(address, host=_ascii(address.host)))
    if _HAS_PORT.search(asked) and not _HAS_PORT.search((head.get("host") or b"").decode("latin-1")):
        host = _HAS_PORT.sub("", host)
    new = {b"host": host.encode()}
    if _is_key(head.get(_KEY)):
        new[_KEY.encode()] = b64encode(token(_KEY_SIZE))
    fields = (_with_value(field, new[field.key]) if field.key in new else field.raw for field in head.fields)
    return b"".join((head.preamble, _start_line(head, address.path), *fields, head.end))


class AnswerReader:
    """Reads the response to an opening request: its head, and the 16 bytes behind it that answer a hixie-76
    challenge. `rest` is what came after that.
    """

    def __init__(self, request: bytes) -> None:
        self._asked = is_hixie76_request(parse_request_head(request))
        self._reader = HeadReader(Side.SERVER)
        self._answer: int | None = None
        self._received = bytearray()
        self.rest = b""

    @property
    def pending(self) -> bytes:
        """What came so far, while it is not complete."""
        return bytes(self._received)

    def receive_data(self, data: bytes) -> bytes | None:
        """The response once it is complete; empty if the device begins with something else."""
        self._received += data
        if self._answer is None:
            head = self._reader.receive_data(data)
            if head is None:
                return None
            challenged = self._asked and is_hixie76_response(parse_response_head(head))
            self._answer = len(head) + (ANSWER_BYTES if challenged else 0)
        if len(self._received) < self._answer:
            return None
        self.rest = bytes(self._received[self._answer :])
        return bytes(self._received[: self._answer])


def answer_difference(recorded: tuple[bytes, bytes], live: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """The Sec-WebSocket-Accept that was to be expected, and the one that came, if they differ. Both arguments
    are the heads of a request and its response. A device that computed it in a wrong way is to do so again.
    """
    recorded_key, key = (parse_request_head(heads[0]).get(_KEY) for heads in (recorded, live))
    old, new = (parse_response_head(heads[1]).get(_ACCEPT) for heads in (recorded, live))
    if recorded_key is None or key is None or old is None or new is None:
        return None
    wanted = old if key == recorded_key else answer_as(old, recorded_key, key)
    return None if wanted is None or wanted == new else (wanted, new)


def agreed(request: bytes, response: bytes) -> bool:
    """Whether these heads agree to speak WebSocket."""
    return is_upgrade_response(parse_request_head(request), parse_response_head(response))


def refusal(response: bytes) -> str:
    """What to tell about a response that does not agree to it."""
    if not response:
        return "the device did not agree to speak WebSocket: its answer is no HTTP response"
    line = response.lstrip(b"\r\n")[:_EXCERPT].splitlines()[0].decode("latin-1")
    return f"the device did not agree to speak WebSocket: {line}"


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise UsageError(f"{host!r} is not a host name: {error}") from error


def _is_key(value: bytes | None) -> bool:
    try:
        return value is not None and len(b64decode(value, validate=True)) == _KEY_SIZE
    except (Error, ValueError):
        return False


def _with_value(field: HeaderField, value: bytes) -> bytes:
    name, colon, rest = field.raw.partition(b":")
    return name + colon + rest.replace(field.value, value, 1) if field.value else field.raw


def _start_line(head: RequestHead, path: str) -> bytes:
    if not path or not head.target:
        return head.start_line
    return head.start_line.replace(head.target, path.encode(), 1)
