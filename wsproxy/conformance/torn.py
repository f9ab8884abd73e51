"""A frame of which only the beginning has come: how long it waits for the rest of its payload data.

What is cut by the network, or by a sender that writes header and payload data apart, is whole again a moment
later, and weak receivers take it better so (cases W01 W02 W03 W05). A sender that takes its time is not
waited for: no repair needs that.

Source: RFC 6455 section 5.2.
"""

from wsproxy.conformance.checks_foreign import BARE_TEXT, begins_text
from wsproxy.conformance.conditions import Conditions
from wsproxy.conformance.data_frames import DataFrames
from wsproxy.conformance.keepalive import SECOND
from wsproxy.conformance.outlet import Outlet
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.frame import RSV1
from wsproxy.protocol.header import Header
from wsproxy.protocol.opcodes import Opcode

_SOON_NS = SECOND // 20


class Torn:
    """The torn frame of one side, if there is one; with `apart`, its receiver takes a frame a read."""

    __slots__ = ("_apart", "_conditions", "_data", "_mends_text", "_offset", "_outlet", "due_ns")

    def __init__(self, conditions: Conditions, data: DataFrames, outlet: Outlet, *, apart: bool) -> None:
        self._conditions = conditions
        self._data = data
        self._outlet = outlet
        self._apart = apart or conditions.other_dialect
        self._mends_text = conditions.repairs(BARE_TEXT) and conditions.sent_by("bare_text") == "mend"
        self._offset = -1
        self.due_ns: int | None = None

    def look(self, decoder: FrameDecoder, at_ns: int) -> None:
        """See what `decoder` waits for; `due_ns` is when it is to be waited for no longer, None: never."""
        if decoder.at_boundary:
            self.due_ns = None
            return
        offset, header = decoder.begun
        if offset == self._offset and header is not None:
            return
        self._offset = -1 if header is None else offset
        self.due_ns = None
        if self._mends_text and begins_text(decoder.pending) and not self._data.under_way:
            self.due_ns = at_ns + _SOON_NS
        elif (
            header is not None and header.opcode < 0x8 and header.length is not None and self._certain(header)
        ):
            patience_ns = int(self._conditions.sent_by("hold_time") * SECOND)
            self.due_ns = at_ns + (min(_SOON_NS, patience_ns) if self._is_plain(header) else patience_ns)

    def _certain(self, header: Header) -> bool:
        """Whether these bytes are a frame, and no text that looks like one."""
        if header.fin:
            return True
        begins = header.opcode in (Opcode.TEXT, Opcode.BINARY) or self._data.under_way
        return begins and not header.rsv & ~RSV1

    def _is_plain(self, header: Header) -> bool:
        """Whether no repair needs its payload data."""
        if self._apart or header.rsv or self._data.messages.compression.follows:
            return False
        return header.opcode == Opcode.BINARY or (not header.opcode and self._outlet.open == Opcode.BINARY)
