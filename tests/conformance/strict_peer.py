"""A strict receiver: the Sans-I/O protocol of `websockets`, which also looks at text."""

from dataclasses import dataclass, field

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side

_CLOSE_INSIDE = "incomplete fragmented message"


@dataclass
class StrictPeer:
    """`side` is which peer it is; `deflate` what was agreed on its leg."""

    side: Side
    deflate: DeflateParameters | None = None
    received: bytes = b""
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.protocol: Protocol
        if self.side is Side.CLIENT:
            self.protocol = ClientProtocol(parse_uri("ws://device/"), state=OPEN, max_size=None)
        else:
            self.protocol = ServerProtocol(state=OPEN, max_size=None)
        if self.deflate is not None and not self.deflate.per_frame:
            self.protocol.extensions = [self._extension(self.deflate)]

    def _extension(self, agreed: DeflateParameters) -> PerMessageDeflate:
        alone = (agreed.server_no_context_takeover, agreed.client_no_context_takeover)
        bits = (agreed.server_max_window_bits, agreed.client_max_window_bits)
        client = self.side is Side.CLIENT
        remote, local = (0, 1) if client else (1, 0)
        return PerMessageDeflate(alone[remote], alone[local], bits[remote], max(9, bits[local]))

    def receive(self, data: bytes) -> None:
        """Take bytes from the proxy."""
        self.received += data
        self.protocol.receive_data(data)
        self._collect()

    def receive_eof(self) -> None:
        """The proxy ended the connection."""
        self.protocol.receive_eof()
        self._collect()

    def _collect(self) -> None:
        self.frames += [event for event in self.protocol.events_received() if isinstance(event, Frame)]

    @property
    def complaint(self) -> Exception | None:
        """What it complains about, if anything."""
        return self.protocol.parser_exc

    @property
    def error(self) -> Exception | None:
        """The same, but for a Close inside a fragmented message: RFC 6455 section 5.4 allows that."""
        closed = self.protocol.close_rcvd is not None
        return None if closed and str(self.complaint) == _CLOSE_INSIDE else self.complaint

    def messages(self) -> list[tuple[Opcode, bytes]]:
        """The messages it was sent; raises UnicodeDecodeError for text that is none."""
        messages: list[tuple[Opcode, bytes]] = []
        opcode, parts = Opcode.BINARY, b""
        for frame in self.frames:
            if frame.opcode >= 8:
                continue
            if frame.opcode is not Opcode.CONT:
                opcode, parts = frame.opcode, b""
            parts += bytes(frame.data)
            if frame.fin:
                messages.append((opcode, parts))
                if opcode is Opcode.TEXT:
                    parts.decode()
        return messages
