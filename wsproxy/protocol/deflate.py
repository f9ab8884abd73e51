"""permessage-deflate: what was agreed on, and inflating messages of peers that keep to it or do not.

Source: RFC 7692; draft-tyoshino-hybi-websocket-perframe-deflate-06 for `x-webkit-deflate-frame`.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side
from wsproxy.protocol.inflate import (
    EMPTY_BLOCK,
    TAIL,
    Attempt,
    Decompressor,
    DeflateFault,
    Fragment,
    TooLargeError,
    UnfinishedError,
    Window,
    allowed_work,
    is_text,
)
from wsproxy.protocol.partial_flush import PartialFlush
from wsproxy.protocol.readings import readings

OUTPUT_LIMIT = 1 << 20

_EXTENSION = re.compile(r'(?:[^,"]+|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_PARAMETER = re.compile(r'(?:[^;"]+|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_PER_FRAME_EXTENSIONS = frozenset({"deflate-frame", "x-webkit-deflate-frame"})


@dataclass(frozen=True, slots=True)
class DeflateParameters:
    """The compression a response granted. Windows are in bits, 15 where no valid size is given.

    `per_frame` means the older extension that compresses each frame by itself.
    """

    extension: str = "permessage-deflate"
    per_frame: bool = False
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15

    @classmethod
    def from_extension_header(cls, value: str) -> "DeflateParameters | None":
        """What the first compression in a Sec-WebSocket-Extensions value says, or None; never raises.

        Quotes, white space, case, unknown parameters, missing and impossible values do not disturb it.
        Source: RFC 6455 section 9.1, RFC 7692 section 7.1.
        """
        for name, parameters in _parse_extensions(value):
            if name in _PER_FRAME_EXTENSIONS:
                alone, bits = "no_context_takeover" in parameters, _window_bits(parameters, "max_window_bits")
                return cls(name, True, alone, alone, bits, bits)
            if name == "permessage-deflate":
                return cls(
                    name,
                    False,
                    "server_no_context_takeover" in parameters,
                    "client_no_context_takeover" in parameters,
                    _window_bits(parameters, "server_max_window_bits"),
                    _window_bits(parameters, "client_max_window_bits"),
                )
        return None

    def inflater(self, side: Side, *, output_limit: int = OUTPUT_LIMIT) -> "Inflater":
        """What inflates the messages of that side."""
        alone = self.client_no_context_takeover if side is Side.CLIENT else self.server_no_context_takeover
        return Inflater(no_context_takeover=alone, per_frame=self.per_frame, output_limit=output_limit)


class Inflated(NamedTuple):
    """A message's payload, cut at the output limit; its whole length in bytes; what was wrong, or None.

    `failed` says that it could not be inflated, or only in part. Else `error` is made of `DeflateFault`s,
    with "; " between them.
    """

    payload: bytes
    length: int
    error: str | None = None
    failed: bool = False


class Inflater:
    """Inflates the messages of one side, in order; no message makes it raise or poisons those after it.

    The window is the largest there is, whatever was agreed. With `no_context_takeover` messages are taken to
    stand alone, but one that does not is inflated all the same. A message that is not what was agreed is
    tried in every way real peers are known to mean it; the way taken, or why there was none, is in
    `Inflated.error`. `per_frame` says the frames of a message are compressed one by one. `output_limit` is in
    bytes and cuts what is given out; far beyond it (see `Attempt`) inflating ends.

    Raises UsageError for a negative `output_limit`.
    """

    __slots__ = (
        "_decompressor",
        "_doubtful",
        "_limit",
        "_partial",
        "_per_frame",
        "_plain",
        "_shared",
        "_standalone",
        "_windows",
    )

    def __init__(
        self, *, no_context_takeover: bool = False, per_frame: bool = False, output_limit: int = OUTPUT_LIMIT
    ) -> None:
        if output_limit < 0:
            raise UsageError(f"output_limit is {output_limit}; it cannot be negative")
        self._limit = output_limit
        self._per_frame = per_frame
        self._standalone = no_context_takeover
        self._restart(None)

    def _restart(self, doubtful: Window | None) -> None:
        """Begin with nothing in the window; `doubtful` is what it was, where that may still be right."""
        alone = self._standalone
        self._shared = Window(lasting=not alone, note=DeflateFault.CONTEXT_KEPT if alone else None)
        self._plain: Window | None = None
        self._doubtful = doubtful
        self._windows = [Window(keeps=False)] if alone else []
        self._windows += [self._shared] if doubtful is None else [self._shared, doubtful]
        self._decompressor: Decompressor | None = None
        self._partial = PartialFlush()

    @property
    def _known(self) -> Window:
        """The window to take when there is only one attempt."""
        return self._windows[0] if self._windows[0].keeps else self._shared

    def inflate(self, data: bytes) -> Inflated:
        """Inflate a message that came in one frame."""
        if self._partial.known:
            return self.inflate_fragments([Fragment(True, data)])
        decompressor = self._decompressor or self._windows[0].decompressor()
        self._decompressor = None
        try:
            output = decompressor.decompress(data + TAIL, self._limit + 1)
            usual = data and len(output) <= self._limit and data[-4:] != TAIL and not decompressor.eof
            usual = usual and not decompressor.decompress(EMPTY_BLOCK, 1)
        except zlib.error:
            usual = False
        if not usual:
            return self.inflate_fragments([Fragment(True, data)])
        if self._windows[0].keeps:
            self._decompressor = decompressor
        for window in self._windows:
            window.add(output)
        return Inflated(output, len(output))

    def inflate_fragments(self, fragments: Sequence[Fragment]) -> Inflated:
        """Inflate a message from the payload data of its frames, at least one of which has RSV1 set."""
        data = b"".join(fragment.data for fragment in fragments)
        work = allowed_work(len(data), self._limit)
        failure: list[tuple[Attempt, zlib.error]] = []
        if self._partial.known and (partial := self._read_partial(fragments, data, work)):
            return self._accept(partial, None)
        for reading, note in readings(fragments, data, self._limit, per_frame=self._per_frame):
            for window in self._windows:
                attempt = Attempt(window, self._limit, work)
                try:
                    attempt.read(reading)
                except zlib.error as error:
                    failure = failure or [(attempt, error)]
                    work = attempt.work
                else:
                    return self._accept(attempt, note)
        partial = self._read_partial(fragments, data, work)
        return self._accept(partial, None) if partial else self._give_up(*failure[0], data)

    def _read_partial(self, fragments: Sequence[Fragment], data: bytes, work: int) -> Attempt | None:
        marked = fragments[0].rsv1 and not self._per_frame
        return self._partial.read(data, self._windows[0], self._limit, work) if marked else None

    def stream(self) -> "InflateStream":
        """For a compressed message too large to be kept: inflate it as it comes, in one attempt."""
        window = Window(bytes(self._known.data))
        return InflateStream(self, Attempt(window, self._limit, allowed_work(0, self._limit)))

    def makes_text(self, data: bytes) -> bool:
        """Whether a message that is not marked as compressed is, and is text; takes no note of it."""
        for window in self._windows:
            attempt = Attempt(window, self._limit, allowed_work(len(data), self._limit))
            try:
                attempt.read([Fragment(True, data)])
            except zlib.error:
                continue
            if not attempt.notes and attempt.length == len(attempt.payload) and is_text(attempt.payload):
                return True
        return False

    def pass_plain(self, payload: bytes, *, whole: bool = True) -> None:
        """Take note of an uncompressed message, which some peers feed to their compressor, too.

        `whole` is False where `payload` lacks the end of the message.
        """
        if self._plain is None:
            self._plain = Window(bytes(self._shared.data), lasting=True, note=DeflateFault.PLAIN_IN_WINDOW)
            self._windows.append(self._plain)
        if whole:
            self._plain.add(payload)
        else:
            self._plain.data.clear()
        if self._windows[0] is self._plain:
            self._decompressor = None

    def _accept(self, attempt: Attempt, note: str | None) -> Inflated:
        used, usual = attempt.window, self._windows[0]
        for window in self._windows:
            window.add(attempt.recent)
        assumed = used.note if used is not usual else None
        error = "; ".join(filter(None, (*attempt.notes, note, assumed))) or None
        if used.lasting:
            self._windows.remove(used)
            self._windows.insert(0, used)
        goes_on = error is None and used.keeps and self._windows[0].keeps
        self._decompressor = attempt.decompressor if goes_on else None
        self._partial.keep(attempt)
        return Inflated(bytes(attempt.payload), attempt.length, error)

    def _give_up(self, attempt: Attempt, error: zlib.error, data: bytes | None) -> Inflated:
        """Report what cannot be inflated. Whether the peer has it in its window is open: both get tried.

        `data` is what was received, if it was kept.
        """
        if data is not None and not isinstance(error, TooLargeError) and is_text(data):
            self.pass_plain(data)
            return Inflated(data[: self._limit], len(data), DeflateFault.NOT_COMPRESSED)
        known = bytes(self._known.data)
        doubtful = Window(known, note=DeflateFault.DOUBTFUL) if known else self._doubtful
        self._restart(None if isinstance(error, TooLargeError) else doubtful)
        reason = str(error).rpartition(": ")[2]
        if data is None or isinstance(error, UnfinishedError | TooLargeError):
            error_text = f"{reason}; the payload is what could be inflated"
            return Inflated(bytes(attempt.payload), attempt.length, error_text, failed=True)
        error_text = f"it cannot be inflated ({reason}); the payload is as received"
        return Inflated(data[: self._limit], len(data), error_text, failed=True)


class InflateStream:
    """Inflates one message as it comes, with no second attempt; made by `Inflater.stream`."""

    __slots__ = ("_attempt", "_error", "_inflater")

    def __init__(self, inflater: Inflater, attempt: Attempt) -> None:
        self._inflater = inflater
        self._attempt = attempt
        self._error: zlib.error | None = None

    def receive_data(self, data: bytes) -> None:
        """Inflate more of the message; after the first fault, nothing more."""
        if self._error is None:
            self._attempt.work += allowed_work(len(data), 0) - allowed_work(0, 0)
            try:
                self._attempt.receive_data(data)
            except zlib.error as error:
                self._error = error

    def finish(self) -> Inflated:
        """The message."""
        if self._error is None:
            try:
                self._attempt.end()
            except zlib.error as error:
                self._error = error
        if self._error is None:
            return self._inflater._accept(self._attempt, None)
        return self._inflater._give_up(self._attempt, self._error, None)


def _parse_extensions(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each extension's name and parameters, in lower case, unquoted; a missing value is an empty one."""
    for extension in _EXTENSION.findall(value):
        name, *parameters = [part.strip().lower() for part in _PARAMETER.findall(extension)] or [""]
        pairs = (parameter.partition("=") for parameter in parameters)
        yield name.strip('"'), {key.strip(): text.strip(' \t"') for key, _, text in pairs}


def _window_bits(parameters: dict[str, str], name: str) -> int:
    text = parameters.get(name, "")
    return int(text[-2:]) if re.fullmatch("0*([89]|1[0-5])", text) else 15
