"""A head being mended: what is not touched keeps its bytes."""

from collections.abc import Callable
from dataclasses import dataclass

from wsproxy.protocol.handshake import Head, HeaderField, field_key

CRLF = b"\r\n"


def new_field(name: bytes, value: bytes) -> HeaderField:
    """A field as the RFCs spell it: one space behind the colon, CR LF."""
    return HeaderField(name + b": " + value + CRLF if value else name + b":" + CRLF, name, value)


@dataclass(slots=True)
class HeadDraft:
    """The parts of a head, to be changed in place."""

    preamble: bytes
    start_line: bytes
    fields: list[HeaderField]
    end: bytes

    @classmethod
    def of(cls, head: Head) -> "HeadDraft":
        """A draft of that head."""
        return cls(head.preamble, head.start_line, list(head.fields), head.end)

    def serialize(self) -> bytes:
        """The head as it stands."""
        return b"".join((self.preamble, self.start_line, *(field.raw for field in self.fields), self.end))

    def get_all(self, name: bytes) -> list[bytes]:
        """The values of the fields of that name."""
        key = field_key(name)
        return [field.value for field in self.fields if field.key == key]

    def set(self, name: bytes, value: bytes) -> None:
        """Have one field of that name, with this value, where the first stood; else behind all others."""
        key = field_key(name)
        places = [place for place, field in enumerate(self.fields) if field.key == key]
        if not places:
            self.fields.append(new_field(name, value))
            return
        self.fields[places[0]] = new_field(name, value)
        for place in reversed(places[1:]):
            del self.fields[place]

    def insert(self, place: int, name: bytes, value: bytes) -> None:
        """Put a field there."""
        self.fields.insert(place, new_field(name, value))

    def drop(self, name: bytes) -> None:
        """Have no field of that name."""
        key = field_key(name)
        self.keep(lambda field: field.key != key)

    def keep(self, wanted: Callable[[HeaderField], bool]) -> None:
        """Drop the fields that are not wanted."""
        self.fields = [field for field in self.fields if wanted(field)]

    def rewrite(self, change: Callable[[HeaderField], HeaderField]) -> None:
        """Put something in place of each field."""
        self.fields = [change(field) for field in self.fields]
