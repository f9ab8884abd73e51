"""Every opcode and every close code has a name."""

import pytest

from wsproxy.protocol.opcodes import LOCAL_CLOSE_CODES, Opcode, close_code_name, opcode_name


@pytest.mark.parametrize(
    ("opcode", "name"),
    [
        (0x0, "continuation"),
        (0x1, "text"),
        (0x2, "binary"),
        (0x3, "reserved data 0x3"),
        (0x7, "reserved data 0x7"),
        (0x8, "close"),
        (0x9, "ping"),
        (0xA, "pong"),
        (0xB, "reserved control 0xb"),
        (0xF, "reserved control 0xf"),
        (Opcode.PING, "ping"),
    ],
)
def test_opcode_name(opcode: int, name: str) -> None:
    assert opcode_name(opcode) == name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, "out of range"),
        (999, "out of range"),
        (1000, "normal closure"),
        (1006, "abnormal closure"),
        (1014, "bad gateway"),
        (1016, "unassigned"),
        (2999, "unassigned"),
        (3000, "unauthorized"),
        (3001, "registered by a library or framework"),
        (4000, "private use"),
        (4999, "private use"),
        (5000, "out of range"),
        (65535, "out of range"),
    ],
)
def test_close_code_name(code: int, name: str) -> None:
    assert close_code_name(code) == name


def test_local_close_codes_have_names_of_their_own() -> None:
    assert {close_code_name(code) for code in LOCAL_CLOSE_CODES} == {
        "no status received",
        "abnormal closure",
        "TLS handshake failed",
    }
