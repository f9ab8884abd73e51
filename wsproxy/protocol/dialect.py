"""A dialect: how one side writes its frame headers, by a construct grammar."""

from dataclasses import dataclass, field
from typing import Any

from wsproxy.errors import UsageError
from wsproxy.protocol.header import Header, LayoutCache, Unreadable, one_line, read_header


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one side writes its frames.

    `header` is a construct that yields `fin`, `rsv`, `opcode`, `length` (bytes of payload data) and
    `masking_key` (four bytes, or None). Where `length` is None the payload data runs to the byte
    `terminator`. `layouts` makes decoding fast where the first two bytes of a header fix its layout.
    """

    name: str
    description: str
    header: Any = field(repr=False, compare=False)
    terminator: bytes | None = None
    layouts: LayoutCache | None = field(default=None, repr=False, compare=False)

    def read_header(self, data: bytes) -> Header | Unreadable | None:
        """The header that `data` begins with; None while bytes of it are missing; never raises."""
        if self.layouts is not None:
            return self.layouts.read_header(data)
        header = read_header(self.header, data)
        if isinstance(header, Header) and header.length is None and self.terminator is None:
            return Unreadable("the header announces no payload length, and the dialect has no terminator")
        return header

    def build_header(
        self, opcode: int, length: int, *, fin: bool = True, rsv: int = 0, masking_key: bytes | None = None
    ) -> bytes:
        """The shortest header that says this, `length` in bytes.

        Raises UsageError where the dialect cannot say it, or its grammar is for reading only.
        """
        masked = masking_key is not None
        fields = {"fin": fin, "rsv": rsv, "opcode": opcode, "length": length, "masked": masked}
        try:
            return bytes(self.header.build({**fields, "masking_key": masking_key}))
        except (Exception, SystemExit) as error:
            # construct's own errors, and whatever a user's grammar raises.
            raise UsageError(
                f"dialect {self.name} cannot write a header with {fields}: {one_line(error)}"
            ) from error
