"""Frames, messages and findings as JSON objects: the same names wherever a command prints them."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsproxy.conformance.finding import Finding
    from wsproxy.protocol.frame import Frame
    from wsproxy.protocol.message import Message

_TEXT = 0x1


def json_line(value: dict[str, Any]) -> str:
    """One object in one line, whatever takes it for a line end, and printable."""
    return _printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def json_string(value: str) -> str:
    """A JSON string in which everything is printable, and means what it did."""
    return _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def frame_object(frame: "Frame") -> dict[str, Any]:
    """Every fact of a frame; bytes as hex, and the payload as `text` too where it is some."""
    from wsproxy.protocol.opcodes import opcode_name

    return {
        "offset": frame.offset,
        "fin": frame.fin,
        "rsv": frame.rsv,
        "opcode": frame.opcode,
        "opcode_name": opcode_name(frame.opcode),
        "masking_key": frame.masking_key and frame.masking_key.hex(),
        "length": frame.length,
        "header": frame.header.hex(),
        **payload_object(frame.opcode, frame.payload),
    }


def message_object(message: "Message") -> dict[str, Any]:
    """Every fact of an assembled message."""
    from wsproxy.protocol.opcodes import opcode_name

    return {
        "opcode": message.opcode,
        "opcode_name": opcode_name(message.opcode),
        "length": message.length,
        "frames": message.frames,
        "compressed": message.compressed,
        "start_offset": message.start_offset,
        "end_offset": message.end_offset,
        "truncated": message.truncated,
        "error": message.error,
        **payload_object(message.opcode, message.payload),
    }


def payload_object(opcode: int, payload: bytes) -> dict[str, Any]:
    """`text` where the payload data is text, `payload` (hex) where it is not."""
    if opcode == _TEXT:
        try:
            return {"text": payload.decode()}
        except UnicodeDecodeError:
            pass
    return {"payload": payload.hex()}


def finding_object(finding: "Finding") -> dict[str, Any]:
    """A finding with what its rule says."""
    rule = finding.rule
    return {
        "rule": rule.id,
        "section": rule.section,
        "severity": rule.severity.value,
        "detail": finding.detail,
        "side": finding.side.value,
        "offset": finding.offset,
    }
