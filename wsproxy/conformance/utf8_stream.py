"""Mend the text of one message as it passes, piece by piece; nothing of it is held but a cut character.

Source: RFC 6455 sections 5.6 and 8.1; RFC 3629.
"""

from codecs import utf_8_decode

_SURROGATE = 0xED
_BLANKS = str.maketrans("\t\r\n", "   ")
_SECOND_BYTE = {0xE0: 0xA0, 0xED: 0x80, 0xF0: 0x90, 0xF4: 0x80}


def is_utf8(text: bytes) -> bool:
    """Whether it is."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def begins_utf8(text: bytes) -> bool:
    """Whether it is, but for the end of its last character."""
    try:
        utf_8_decode(text, "strict", False)
    except UnicodeDecodeError:
        return False
    return not _ends_in_surrogate(text)


def is_readable(text: bytes, *, whole: bool = True) -> bool:
    """Whether it is UTF-8 and printable but for line ends and tabs; not `whole`: its end may be missing."""
    try:
        characters, _ = utf_8_decode(text, "strict", whole)
    except UnicodeDecodeError:
        return False
    return characters.translate(_BLANKS).isprintable()


def completion(begun: bytes) -> bytes:
    """The least bytes that make a character of one that has only begun."""
    lead = begun[0]
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    second = bytes([_SECOND_BYTE.get(lead, 0x80)]) if len(begun) == 1 else b""
    return second + b"\x80" * (size - len(begun) - len(second))


def _ends_in_surrogate(data: bytes | memoryview) -> bool:
    """Whether two bytes at the end begin a surrogate, which the decoder waits for and then refuses."""
    return len(data) > 1 and data[-2] == _SURROGATE and 0xA0 <= data[-1] <= 0xBF


def _whole_characters(data: bytes | memoryview, *, last: bool) -> int:
    """How many bytes are whole characters; all, if `last`. Raises UnicodeDecodeError."""
    _, used = utf_8_decode(data, "strict", last)
    if used < len(data) and _ends_in_surrogate(data):
        raise UnicodeDecodeError("utf-8", bytes(data), used, used + 1, "invalid continuation byte")
    return used


class Utf8Stream:
    """The text of one message, in the order it is sent on.

    `begun` is the character that what went on so far ends in the middle of: a fragment may end there. If it
    then does not go on, nothing can be taken back: it is completed, to some character or other.
    """

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = b""

    def whole(self, payload: bytes, *, last: bool) -> bytes | None:
        """The payload of a frame that may change its length, mended; None if there is nothing to mend.

        `last` says that the message ends with it.
        """
        data = self.begun + payload
        try:
            used = _whole_characters(data, last=last)
        except UnicodeDecodeError as error:
            crossing = completion(self.begun) if self.begun and error.start == 0 else b""
            rest = payload if crossing or not self.begun else data
            text, used = utf_8_decode(rest, "replace", last or _ends_in_surrogate(rest))
            mended = text.encode() + rest[used:]
            if not crossing and self.begun:
                mended = mended[len(self.begun) :]
            self.begun = rest[used:]
            return crossing + mended
        self.begun = data[used:]
        return None

    def crossing(self, data: bytes, *, last: bool) -> bytes:
        """What must go before `data`, the next three bytes at least or all there are, to complete `begun`."""
        if not self.begun:
            return b""
        try:
            _whole_characters(self.begun + data[:3], last=last and len(data) < 3)
        except UnicodeDecodeError as error:
            if error.start == 0:
                needed, self.begun = completion(self.begun), b""
                return needed
        return b""

    def piece(self, data: bytes, *, last: bool) -> tuple[bytes, int]:
        """Payload data that must keep its length, mended with a ? for each wrong byte.

        With it comes how many bytes at its end are a character cut off. They are to be given again in front
        of what follows, or else told of with `sent_begun`. `last`: the message ends here.
        """
        lead, self.begun = self.begun, b""
        view, out, position = memoryview(lead + data), bytearray(), 0
        while True:
            try:
                used = _whole_characters(view[position:], last=last)
            except UnicodeDecodeError as error:
                out += view[position : position + error.start]
                out += b"?" * (error.end - error.start)
                position += error.end
            else:
                out += view[position:]
                cut = len(view) - position - used
                if cut > len(data):
                    self.begun, cut = lead, len(data)
                return bytes(out[len(lead) :]), cut

    def sent_begun(self, cut: bytes) -> None:
        """The end of a frame went on although it is a character cut off."""
        self.begun += cut
