"""Bytes into the parts they are made of: heads, frames, what is no frame, what breaks off. Pure, no I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from wsproxy.conformance.checks_foreign import foreign_bytes
from wsproxy.conformance.checks_frames import FrameContext, check_frame, check_opaque
from wsproxy.conformance.checks_messages import check_payload
from wsproxy.conformance.finding import Finding
from wsproxy.protocol.decoder import FrameDecoder
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.describe import FieldSpan
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import RSV1, Frame, FramePiece, OpaqueData, Side, WireEvent
from wsproxy.protocol.grammar import describe_header
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.header import MAX_HEADER_SIZE
from wsproxy.protocol.masking import apply_mask
from wsproxy.protocol.message import Message, MessageAssembler

_FOREIGN_WINDOW = 1 << 16
_FIRST_STRETCH = 64 << 10


@dataclass(frozen=True, slots=True)
class FramePart:
    """One frame, or what there is of it. `frame.payload` is what is there, `missing` bytes of the header
    or payload data are not (None: nobody can say how many). `offset`s count from the start of the input,
    in bytes.
    """

    frame: Frame
    fields: tuple[FieldSpan, ...]
    findings: tuple[Finding, ...]
    message: Message | None = None
    missing: int | None = 0

    @property
    def offset(self) -> int:
        """Where the frame starts."""
        return self.frame.offset

    @property
    def size(self) -> int:
        """How many bytes of it there are."""
        return len(self.frame.header) + len(self.frame.payload) + len(self.frame.trailer)


@dataclass(frozen=True, slots=True)
class BytesPart:
    """Bytes that are no frame: an opening handshake's `head` (no finding), or what one finding says."""

    offset: int
    data: bytes
    findings: tuple[Finding, ...] = ()

    @property
    def is_head(self) -> bool:
        """Whether this is the head of a request or a response, where one belongs."""
        return not self.findings


_HTTP = ("stream.http-bytes", "stream.handshake-bytes")

type Part = FramePart | BytesPart


@dataclass(slots=True)
class _State:
    """What is known at a point of the input."""

    context: FrameContext
    assembler: MessageAssembler
    parts: list[Part] = field(default_factory=list)


def dissect(
    data: bytes,
    dialect: Dialect,
    side: Side | None = None,
    *,
    deflate: bool = False,
    heads: bool = True,
    most: int | None = None,
) -> tuple[Side, list[Part]]:
    """Who sent `data`, and its parts, which together are all of it.

    Without `side` it is told by a head, else by whether the first frame is masked. `deflate` says that
    permessage-deflate was negotiated, where no head says so. Without `heads`, HTTP at the beginning is no
    opening handshake. Nothing is looked at behind the first `most` parts, if that is given.
    """
    found, position = _heads(data) if heads else ([], 0)
    parameters = DeflateParameters() if deflate else None
    for head in found:
        parameters = negotiate(parse_response_head(head.data)).deflate or parameters
    known = side or _side(found, data[position : position + MAX_HEADER_SIZE], dialect)
    context = FrameContext(known)
    if parameters:
        context = FrameContext(known, rsv_defined=RSV1, per_frame=parameters.per_frame)
    assembler = MessageAssembler((parameters or DeflateParameters()).inflater(known))
    state = _State(context, assembler, list(found))
    while position < len(data) and not _enough(state, most):
        position = _run(data, position, dialect, state, most)
    return known, state.parts[:most]


def _enough(state: "_State", most: int | None) -> bool:
    return most is not None and len(state.parts) >= most


def _heads(data: bytes) -> tuple[list[BytesPart], int]:
    heads: list[BytesPart] = []
    position = 0
    while (found := foreign_bytes(data[position : position + _FOREIGN_WINDOW])) is not None:
        if found.rule_id not in _HTTP:
            break
        heads.append(BytesPart(position, data[position : position + found.length]))
        position += found.length
    return heads, position


def _side(heads: list[BytesPart], header: bytes, dialect: Dialect) -> Side:
    """A head names its side; so does the mask of the first frame, where there is no head or there are
    both.
    """
    sides = {Side.SERVER if head.data.lstrip().startswith(b"HTTP/") else Side.CLIENT for head in heads}
    if len(sides) == 1:
        return sides.pop()
    masked = any(span.name == "masked" and span.value for span in describe_header(dialect, header))
    return Side.CLIENT if masked else Side.SERVER


def _run(data: bytes, start: int, dialect: Dialect, state: _State, most: int | None) -> int:
    """Take frames from `start` until the end, or until something that is no frame; returns the position
    after.
    """
    decoder = FrameDecoder(dialect, piece_limit=len(data))
    for event in _whole(_decoded(decoder, data, start)):
        position = start + event.offset
        foreign = _foreign(data, position, dialect, state)
        if foreign is not None:
            return position + foreign
        if isinstance(event, OpaqueData):
            event = event._replace(offset=position)
            state.parts.append(
                BytesPart(position, event.data, tuple(check_opaque(event, state.context.side)))
            )
        else:
            _take_frame(event._replace(offset=position), dialect, state)
        if _enough(state, most):
            return len(data)
    if not decoder.pending:
        return len(data)
    position = len(data) - len(decoder.pending)
    foreign = _foreign(data, position, dialect, state)
    if foreign is not None:
        return position + foreign
    _take_frame(_begun(decoder.pending, position, dialect), dialect, state)
    return len(data)


def _decoded(decoder: FrameDecoder, data: bytes, position: int) -> Iterator[WireEvent]:
    """What is in `data`, decoded no further than it is asked for: there may be millions of frames."""
    size = _FIRST_STRETCH
    while position < len(data):
        yield from decoder.receive_data(data[position : position + size])
        position += size
        size *= 2


def _whole(events: Iterable[WireEvent]) -> Iterator[Frame | OpaqueData]:
    """Frames with all the payload data there is of them, and all that is opaque in one."""
    waiting: Frame | OpaqueData | None = None
    for event in events:
        if isinstance(event, FramePiece):
            if isinstance(waiting, Frame):
                waiting = waiting._replace(payload=waiting.payload + event.payload, trailer=event.trailer)
            continue
        if isinstance(event, OpaqueData) and isinstance(waiting, OpaqueData):
            waiting = waiting._replace(data=waiting.data + event.data)
            continue
        if waiting is not None:
            yield waiting
        waiting = event
    if waiting is not None:
        yield waiting


def _foreign(data: bytes, position: int, dialect: Dialect, state: _State) -> int | None:
    if dialect.terminator is not None:
        return None
    window = data[position : position + _FOREIGN_WINDOW]
    found = foreign_bytes(window, message_open=state.context.message_open, side=state.context.side)
    if found is None:
        return None
    finding = Finding(found.rule_id, found.detail, state.context.side, position)
    state.parts.append(BytesPart(position, data[position : position + found.length], (finding,)))
    return found.length


def _begun(data: bytes, offset: int, dialect: Dialect) -> Frame:
    """The beginning of a frame as a frame: what its header says so far, and the payload data that is
    there.
    """
    spans = describe_header(dialect, data)
    values = {span.name: span.value for span in spans if span.value is not None}
    whole = all(span.complete for span in spans)
    size = max((span.offset * 8 + span.bit + (span.width or 0) for span in spans), default=0) // 8
    header = data[:size] if whole else data
    key = values.get("masking_key") if whole else None
    payload = data[len(header) :]
    length = values.get("length", values.get("length7")) if whole else None
    return Frame(
        offset,
        header,
        bool(values.get("fin")),
        int(values.get("rsv", 0)),
        int(values.get("opcode", 0)),
        key,
        length,
        apply_mask(payload, key) if key else payload,
    )


def _take_frame(frame: Frame, dialect: Dialect, state: _State) -> None:
    context = state.context
    fields = tuple(describe_header(dialect, frame.header))
    cut = not frame.complete and not frame.trailer
    findings = check_frame(frame, context)
    message = None
    missing: int | None = 0
    if cut:
        missing = None if frame.length is None else frame.length - len(frame.payload)
        findings.append(Finding("stream.cut-short", _cut_detail(frame, missing), context.side, frame.offset))
    else:
        message = state.assembler.receive(frame)
        if message is not None:
            findings += [
                replace(found, offset=frame.offset) for found in check_payload(message, context.side, frame)
            ]
    state.parts.append(FramePart(frame, fields, tuple(findings), message, missing))
    state.context = context.after(frame)


def _cut_detail(frame: Frame, missing: int | None) -> str:
    if missing is None:
        return f"the input ends within the header, of which it has {frame.header.hex(' ').upper()}"
    return f"{len(frame.payload)} of {frame.length} bytes of payload data are here, {missing} missing"
