"""Sessions, frames and messages as lines of text: what `record` shows live and `show` shows later."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from wsproxy.cli.explain_view import finding_line
from wsproxy.cli.mended import reason_lines
from wsproxy.cli.paint import Line, Span, printable
from wsproxy.cli.payload import hex_dump, payload_lines

if TYPE_CHECKING:
    from wsproxy.cli.seen import Seen
    from wsproxy.protocol.frame import Frame, FramePiece, OpaqueData
    from wsproxy.protocol.message import Message
    from wsproxy.store.model import SessionEnd, SessionStart, StoredChange

_INDENT = " " * 6
_INLINE_WIDTH = 40
_PREVIEW_WIDTH = 40
_TEXT, _BINARY, _FIRST_CONTROL = 0x1, 0x2, 0x8
_SIDES = {"client": "▶ client", "server": "◀ server"}


def clock(at_ns: int) -> str:
    """The local time of day, to the millisecond."""
    return f"{datetime.fromtimestamp(at_ns // 1_000_000 / 1000):%H:%M:%S.%f}"[:-3]


def date_and_time(at_ns: int) -> str:
    """The local date and time, to the second."""
    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000):%Y-%m-%d %H:%M:%S}"


def started_line(number: int, start: "SessionStart") -> Line:
    """A session's first line: its number, who talks to whom, what was agreed."""
    agreed = "; ".join(text for text in (start.subprotocol, start.extensions) if text)
    return [
        Span(f"{clock(start.started_at_ns)}  ", "dim"),
        Span(f"session {number}", "title"),
        Span(f"  {printable(start.client_address)} → {printable(start.target)}"),
        Span(f"  {printable(agreed)}" if agreed else "", "dim"),
    ]


def ended_line(number: int, end: "SessionEnd") -> Line:
    """A session's last line: how it ended."""
    time = Span(f"{clock(end.ended_at_ns)}  ", "dim")
    return [time, Span(f"session {number}", "title"), Span(f"  {end_text(end)}")]


def end_text(end: "SessionEnd") -> str:
    """How a session ended: the first Close frame if there was one, else how TCP did."""
    from wsproxy.protocol.opcodes import close_code_name

    if end.closed_by is None:
        return _tcp_end(end) or "ended without a Close frame"
    code = end.close_code
    said = "without a code" if code is None else f"{code} ({close_code_name(code)})"
    reason = f": {printable(end.close_reason)}" if end.close_reason else ""
    return f"closed by the {end.closed_by}, {said}{reason}"


def short_end_text(end: "SessionEnd") -> str:
    """The same in a few words."""
    if end.closed_by is None:
        return _tcp_end(end) or "no Close frame"
    code = "no code" if end.close_code is None else str(end.close_code)
    return f"{code} by the {end.closed_by}"


def _tcp_end(end: "SessionEnd") -> str:
    """Which side ended TCP where only one did, or did by a reset."""
    for side, own, other in (
        ("client", end.client_end, end.server_end),
        ("server", end.server_end, end.client_end),
    ):
        if own == "rst":
            return f"reset by the {side}"
        if own == "fin" and other != "fin":
            return f"ended by the {side}, without a Close frame"
    return ""


def seen_lines(
    seen: "Seen", number: int | None, *, limit: int = 0, show_hex: bool = False, messages_only: bool = False
) -> Iterator[Line | str]:
    """The lines of one thing seen, in session `number` if that is to be said; `limit` bounds those of
    each payload (0: all).
    """
    from wsproxy.protocol.frame import FramePiece, OpaqueData

    event = seen.event
    if messages_only:
        if seen.message is not None:
            yield from _message_lines(seen, seen.message, number, limit)
    elif isinstance(event, OpaqueData):
        yield from _opaque_lines(seen, event, number, limit)
    elif not isinstance(event, FramePiece):
        yield from _frame_lines(seen, event, number, limit, show_hex)
    elif show_hex:
        yield from _piece_lines(seen, event, number, limit)
    hidden = messages_only or (show_hex and isinstance(event, FramePiece))
    if seen.assembled is not None and not hidden:
        yield from _message_lines(seen, seen.assembled, number, limit)
    for finding in seen.findings:
        yield [Span(_INDENT[:-4]), *finding_line(finding)]


def changed_lines(change: "StoredChange", number: int | None, *, limit: int = 0) -> Iterator[Line | str]:
    """What was sent on in place of something, below what it was."""
    size = change.end_offset - change.start_offset
    yield _prefix(change, number, str(change.kind), size or None, "on the way on")
    for opcode, flags, payload in _sent_frames(change):
        name = _opcode_text(opcode) if flags is not None else "opaque"
        line = [Span(f"{_INDENT}sent on  "), Span(f"{name:<7}"), Span(f"  {flags or '':<8}  ", "dim")]
        yield from _with_payload(line, payload_lines(opcode, payload, limit))
    yield from reason_lines(change.rules, _INDENT)


def _sent_frames(change: "StoredChange") -> Iterator[tuple[int, str | None, bytes]]:
    """Opcode, flags and payload of what was sent on; no flags for bytes that are no frame."""
    from wsproxy.protocol.decoder import FrameDecoder
    from wsproxy.protocol.frame import Frame

    decoder = FrameDecoder(piece_limit=max(1, len(change.sent)))
    for event in decoder.receive_data(change.sent):
        if isinstance(event, Frame):
            yield event.opcode, _flags(event), event.payload
        else:
            yield _BINARY, None, event.serialize()
    if decoder.pending:
        yield _BINARY, None, decoder.pending


def _prefix(seen: "Seen | StoredChange", number: int | None, what: str, size: int | None, about: str) -> Line:
    """Time, session, side, what, how long, and flags."""
    side = str(seen.side)
    length = "" if size is None else f"{size:,} B"
    session = "" if number is None else f"#{number:<3} "
    return [
        Span(f"{clock(seen.at_ns)}  {session}", "dim"),
        Span(_SIDES[side], side),
        Span(f"  {what:<8}"),
        Span(f"{length:>10}", "value"),
        Span(f"  {about:<8}  ", "dim"),
    ]


def _frame_lines(
    seen: "Seen", frame: "Frame", number: int | None, limit: int, show_hex: bool
) -> Iterator[Line | str]:
    line = _prefix(seen, number, _opcode_text(frame.opcode), _length(frame), _flags(frame))
    whole = frame.opcode >= _FIRST_CONTROL or (frame.fin and frame.opcode and frame.complete)
    if show_hex:
        yield line
        yield from _below(hex_dump(frame.serialize(), limit))
    elif seen.assembled is not None and seen.assembled.compressed:
        yield line
    elif whole or frame.trailer:
        yield from _with_payload(line, payload_lines(frame.opcode, frame.payload, limit))
    else:
        yield [*line, Span(_preview(frame.payload))]


def _message_lines(seen: "Seen", message: "Message", number: int | None, limit: int) -> Iterator[Line | str]:
    frames = f"{message.frames} frames" if message.frames > 1 else ""
    how = "inflated" if message.compressed and not message.error else ""
    about = ", ".join(filter(None, (_opcode_text(message.opcode), frames, how)))
    line = _prefix(seen, number, "message", message.length, about)
    yield from _with_payload(line, payload_lines(message.opcode, message.payload, limit))
    if message.truncated:
        yield f"{_INDENT}… only the first {len(message.payload):,} bytes of it are kept"


def _opaque_lines(seen: "Seen", data: "OpaqueData", number: int | None, limit: int) -> Iterator[Line | str]:
    line = _prefix(seen, number, "opaque", len(data.data), "")
    yield from _with_payload(line, payload_lines(_BINARY, data.data, limit))


def _piece_lines(seen: "Seen", piece: "FramePiece", number: int | None, limit: int) -> Iterator[Line | str]:
    yield _prefix(seen, number, "piece", len(piece.payload), "")
    yield from _below(hex_dump(piece.serialize(), limit))


def _with_payload(line: Line, payload: list[str]) -> Iterator[Line | str]:
    """The payload behind the line if it is one short line itself, else below."""
    if len(payload) == 1 and len(payload[0]) <= _INLINE_WIDTH:
        yield [*line, Span(payload[0])]
        return
    yield line
    yield from _below(payload)


def _below(lines: list[str]) -> Iterator[str]:
    return (_INDENT + line for line in lines)


def _length(frame: "Frame") -> int:
    return len(frame.payload) if frame.length is None else frame.length


def _opcode_text(opcode: int) -> str:
    from wsproxy.protocol.opcodes import OPCODE_NAMES

    return {0: "cont."}.get(opcode) or OPCODE_NAMES.get(opcode) or f"op 0x{opcode:X}"


def _flags(frame: "Frame") -> str:
    flags = [f"RSV{bit}" for bit in (1, 2, 3) if frame.rsv & 8 >> bit]
    if frame.fin:
        flags.insert(0, "FIN")
    if frame.masked:
        flags.append("MASK")
    return " ".join(flags)


def _preview(payload: bytes) -> str:
    """The beginning of a fragment, in one line."""
    text = printable(payload[:_PREVIEW_WIDTH].decode(errors="replace")).replace("\ufffd", ".")
    return text[:_PREVIEW_WIDTH] + ("…" if len(payload) > _PREVIEW_WIDTH else "")
