"""Opcodes and close codes, with the names the registries give them.

Source: RFC 6455 sections 5.2, 7.4, 11.7 and 11.8; the IANA WebSocket registries.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Opcode(IntEnum):
    """The registered opcodes."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


OPCODE_NAMES: Mapping[int, str] = MappingProxyType({opcode.value: opcode.name.lower() for opcode in Opcode})

CLOSE_CODE_NAMES: Mapping[int, str] = MappingProxyType(
    {
        1000: "normal closure",
        1001: "going away",
        1002: "protocol error",
        1003: "unsupported data",
        1004: "reserved",
        1005: "no status received",
        1006: "abnormal closure",
        1007: "invalid payload data",
        1008: "policy violation",
        1009: "message too big",
        1010: "mandatory extension",
        1011: "internal error",
        1012: "service restart",
        1013: "try again later",
        1014: "bad gateway",
        1015: "TLS handshake failed",
        3000: "unauthorized",
        3003: "forbidden",
        3008: "timeout",
    }
)

ASSIGNED_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""The codes below 3000 that may go on the wire (the IANA registry)."""

LOCAL_CLOSE_CODES = frozenset({1005, 1006, 1015})
"""Codes for an endpoint's own use, never for the wire (RFC 6455 section 7.4.1)."""


def opcode_name(opcode: int) -> str:
    """The opcode's name, or what its number is reserved for (RFC 6455 section 5.2)."""
    return OPCODE_NAMES.get(opcode) or f"reserved {'control' if opcode >= 0x8 else 'data'} {opcode:#x}"


def close_code_name(code: int) -> str:
    """The close code's registered name, or whom its range belongs to (RFC 6455 section 7.4.2)."""
    if code in CLOSE_CODE_NAMES:
        return CLOSE_CODE_NAMES[code]
    if 1000 <= code < 3000:
        return "unassigned"
    if 3000 <= code < 4000:
        return "registered by a library or framework"
    if 4000 <= code < 5000:
        return "private use"
    return "out of range"
