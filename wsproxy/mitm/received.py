"""What came of a plain HTTP message, as it came, and no more of it than a recording keeps."""

from dataclasses import dataclass, field

from mitmproxy import http

from wsproxy.protocol.request_body import RequestBody

BODY_LIMIT = 1 << 20
"""How many bytes of each body are kept."""

_ATTRIBUTE = "wsproxy_received"


@dataclass(slots=True)
class Received:
    """What came of a message: its head, if it is known to the byte, and the beginning of its body.

    `early` is how many bytes came behind a request before there was a response; `announced` tells
    which of the bytes behind a head of an opening handshake are the body that it announced.
    """

    head: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    length: int = 0
    early: int = 0
    announced: RequestBody | None = None

    def receive_data(self, data: bytes) -> None:
        """Take some of the body."""
        self.length += len(data)
        if len(self.body) < BODY_LIMIT:
            self.body += data[: BODY_LIMIT - len(self.body)]


def received(message: http.Message) -> Received:
    """What came of this message so far."""
    found: Received | None = getattr(message, _ATTRIBUTE, None)
    if found is None:
        found = Received()
        setattr(message, _ATTRIBUTE, found)
    return found
