"""`wsproxy explain` through the installed entry point."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.run import check_error, wsproxy, wsproxy_here
from tests.protocol.strategies import streams
from wsproxy.cli.explain_view import part_lines, part_object
from wsproxy.conformance.dissect import dissect
from wsproxy.demo.device import status_document
from wsproxy.protocol.grammar import DIALECTS, build_frame

HELLO, MASKED_HELLO = "81 05 48 65 6c 6c 6f", "81 85 37 fa 21 3d 7f 9f 4d 51 58"
FRAME = build_frame(0x1, status_document()).serialize()


def explain(*arguments: str, stdin: bytes = b"") -> str:
    done = wsproxy_here("explain", *arguments, stdin=stdin)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_the_rfc_s_example_is_drawn() -> None:
    done = wsproxy("explain", HELLO)
    assert (done.code, done.err) == (0, "")
    assert done.out == explain(HELLO) == Path(__file__).with_name("hello.txt").read_text("utf-8")


def test_the_rfc_s_masked_example_is_drawn() -> None:
    assert explain(MASKED_HELLO) == Path(__file__).with_name("masked_hello.txt").read_text("utf-8")


@pytest.mark.parametrize(
    "given", [[HELLO], HELLO.split(), ["810548656c6c6f"], [r"\x81\x05Hello"], ["b'\\x81\\x05Hello'"]]
)
def test_arguments_may_be_cut_anywhere(given: list[str]) -> None:
    assert explain(*given).rstrip().endswith("Hello")


def test_a_file_may_hold_bytes_or_a_dump(tmp_path: Path) -> None:
    (tmp_path / "frames.bin").write_bytes(bytes.fromhex(MASKED_HELLO))
    (tmp_path / "frames.txt").write_text(MASKED_HELLO, "utf-8")
    (tmp_path / "windows.txt").write_text(MASKED_HELLO, "utf-16")
    drawn = [explain(str(path)).splitlines() for path in sorted(tmp_path.iterdir())]
    assert [lines[0] for lines in drawn] == [
        "11 bytes, read as raw bytes, sent by a client",
        "11 bytes, read as hex, sent by a client",
        "11 bytes, read as hex, sent by a client",
    ]
    assert drawn[0][1:] == drawn[1][1:] == drawn[2][1:]


@pytest.mark.parametrize("arguments", [["-"], []])
@pytest.mark.parametrize(
    "stdin", [bytes.fromhex(HELLO), HELLO.encode(), b"00000000: 8105 4865 6c6c 6f   ..Hello\n"]
)
def test_standard_input_may_hold_either(arguments: list[str], stdin: bytes) -> None:
    assert explain(*arguments, stdin=stdin).rstrip().endswith("Hello")


def test_raw_bytes_may_be_an_argument() -> None:
    assert wsproxy("explain", "\udc81\x05Hello").out.rstrip().endswith("Hello")


@pytest.mark.parametrize("swallowed", ["", "\x06"])
def test_what_a_terminal_made_of_a_frame_is_explained(swallowed: str) -> None:
    text = f"\ufffd~{swallowed}\ufffd".encode() + status_document()
    drawn = explain("-", stdin=text)
    assert "of the 1707 bytes do not show" in drawn
    assert "byte 0     81  shown as U+FFFD: FIN, text; 82 (FIN, binary)" in drawn
    assert ("byte 2     06  a control character, not shown" in drawn) is (swallowed == "")
    assert "byte 3     A7  shown as U+FFFD" in drawn
    assert "81 7E 06 A7 is FIN, text, 1703 bytes of payload data." in drawn
    assert "06 A7 = 1703" in drawn
    assert '"camessage": {"reason": "no message", "state": "unavailable"},' in drawn


@pytest.mark.parametrize(
    "text",
    [
        "efbfbd 05 48 65 6c 6c 6f",
        r"\xef\xbf\xbd\x05Hello",
        r"\357\277\275\005Hello",
        r"\u{fffd}\u{5}Hello",
        "&#65533;\x05Hello",
        "00000000  ef bf bd 05 48 65 6c 6c  6f                       |....Hello|",
        "\ufffd\u2405Hello",
    ],
)
def test_a_replacement_character_may_be_written_as_bytes(text: str) -> None:
    drawn = explain("-", stdin=text.encode())
    assert "1 of the 7 bytes do not show in it" in drawn
    assert "81 05 is FIN, text, 5 bytes of payload data" in drawn


def test_a_pasted_conversation_is_explained() -> None:
    head = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n"
    drawn = explain("-", stdin=f"{head}\ufffd~\ufffd".encode() + status_document())
    assert "Response head  bytes 0 to 55" in drawn
    assert "Frame 1: text, FIN, 1703 bytes of payload data  bytes 56 to 1762" in drawn
    assert "81 7E 06 A7 is FIN, text" in drawn


def test_a_pasted_beginning_is_explained_as_far_as_it_goes() -> None:
    drawn = explain(r"\ufffd~\ufffd{")
    assert (
        "?? 7E ?? ??                   payload data of 128 to 32767 bytes, which begins with '{'   likeliest"
        in drawn
    )
    assert "--payload-length" in drawn
    assert "06 A7 = 1703" in explain(r"\ufffd~\ufffd{", "--payload-length", "1703")


def test_what_is_odd_is_marked_in_its_place() -> None:
    drawn = explain("--side", "server", MASKED_HELLO)
    assert "┬!┬" in drawn
    assert "! 1.0       85                       MASK " in drawn
    assert (
        "  ! masked with 37 fa 21 3d, but sent by the server  (RFC 6455 5.1, frame.masked-by-server)" in drawn
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("88 02 03 ed", "close code 1005"),
        ("81 7e 00 05 48 65 6c 6c 6f", "frame.length-not-minimal"),
        ("09 00", "control.fragmented"),
        ("80 00", "message.orphan-continuation"),
        ("b1 00", "RSV2 and RSV3"),
        ("81 05 48 65", "2 of 5 bytes of payload data are here, 3 missing"),
        ("81 7e 01", "the input ends within the header, of which it has 81 7E 01"),
        ("82 7f 80 00 00 00 00 00 00 00", "frame.length-top-bit"),
        ("81 02 c3 28", "message.text-not-utf8"),
        ("81 00 48 54 54 50 2f 31 2e 31 20 35 30 30 0d 0a 0d 0a", "HTTP, not a frame: HTTP/1.1 500"),
        ("16 03 03 00 2a 01 00", "stream.tls-bytes"),
        ("35 0d 0a 81 03 31 3a 3a 0d 0a", "the size line of an HTTP chunk of 5 bytes"),
        ("0d 0a 81 00", "stream.stray-line-end"),
        ("00 81 05 48 65 6c 6c 6f", "stream.stray-zero"),
    ],
)
def test_odd_bytes_are_said(data: str, words: str) -> None:
    assert words in explain(data)


def test_compressed_messages_are_inflated() -> None:
    drawn = explain("--deflate", "c1 07 f2 48 cd c9 c9 07 00")
    assert "decompressed:\n  Hello" in drawn
    assert "  ! " not in drawn
    head = b"HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    assert "  ! " not in explain("-", stdin=head + bytes.fromhex("c107f248cdc9c90700"))
    assert "frame.rsv-bits" in explain("c1 07 f2 48 cd c9 c9 07 00")


def test_fragments_are_put_together() -> None:
    drawn = explain("01 03 48 65 6c 89 00 80 02 6c 6f")
    assert drawn.count("Frame ") == 3
    assert drawn.endswith("  The message, of 2 frames:\n  Hello\n")


def test_other_dialects_are_drawn(tmp_path: Path) -> None:
    assert "= 5" in explain("--dialect", "len32", "82 7f 00 00 00 05 01 02 03 04 05")
    assert "frame_type" in explain("--dialect", "hixie76", "00 48 65 6c 6c 6f ff")
    grammar = tmp_path / "own.py"
    grammar.write_text(
        "from construct import *\n"
        "HEADER = Struct('kind' / Int8ub, 'fin' / Computed(True), 'rsv' / Computed(0),\n"
        "    'opcode' / Computed(2), 'masked' / Computed(False), 'length' / Int8ub,\n"
        "    'masking_key' / Computed(None))\n",
        "utf-8",
    )
    assert "kind" in explain("--dialect", str(grammar), "07 02 41 42")


def test_every_byte_of_any_input_is_in_one_part() -> None:
    data = (
        FRAME
        + b"HTTP/1.1 500 x\r\n\r\n"
        + bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58 00 82 01 41 c1 7e")
    )
    done = wsproxy_here("explain", "--json", "-n", "0", "-", stdin=data)
    position = 0
    for part in done.objects:
        assert part["offset"] == position
        position += part["size"] if part["part"] == "frame" else len(part["data"]) // 2
    assert position == len(data)


def test_the_json_of_a_frame() -> None:
    (part,) = wsproxy_here("explain", "--json", MASKED_HELLO).objects
    assert (part["part"], part["side"], part["opcode_name"], part["fin"]) == ("frame", "client", "text", True)
    assert (part["text"], part["masking_key"], part["header"]) == ("Hello", "37fa213d", "818537fa213d")
    assert part["fields"][0] == {
        "name": "fin",
        "value": True,
        "offset": 0,
        "bit": 0,
        "width": 1,
        "complete": True,
    }
    (odd,) = wsproxy_here("explain", "--json", "--side", "server", MASKED_HELLO).objects
    assert [finding["rule"] for finding in odd["findings"]] == ["frame.masked-by-server"]


def test_long_inputs_are_cut_and_it_is_said() -> None:
    data = bytes.fromhex(HELLO) * 30
    drawn = explain("-", stdin=data)
    assert drawn.count("Frame ") == 20
    assert drawn.endswith("… there is more (-n 0 draws all)\n")
    assert explain("-n", "0", "-", stdin=data).count("Frame ") == 30
    assert "… 56 more lines" in explain("--lines", "4", "-", stdin=FRAME)


def test_no_more_is_looked_at_than_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "zeros.bin"
    file.write_bytes(bytes(4 << 20))
    started = time.process_time()
    assert explain(str(file)).endswith("… there is more (-n 0 draws all)\n")
    # All of it would take minutes.
    assert time.process_time() - started < 10


def test_output_is_plain_ascii_where_nothing_else_can_be_printed() -> None:
    drawn = wsproxy("explain", MASKED_HELLO, PYTHONIOENCODING="ascii").out
    assert drawn.isascii()
    assert "7F -> 48" in drawn
    assert "+-+-+-+-+-------+-+" in drawn


def test_bytes_of_a_peer_cannot_reach_the_terminal() -> None:
    drawn = explain("81 0a 1b 5b 33 31 6d e2 80 ae 9b 07")
    assert not any(ord(character) < 0x20 and character != "\n" for character in drawn)
    assert "\u202e" not in drawn


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "no bytes to explain"),
        ([" "], "no bytes to explain"),
        (["-"], "no bytes to explain"),
        ([], "no bytes to explain"),
        (["810"], "odd number of hex digits"),
        (["no/such/file.bin"], "neither hex nor a file"),
        (["Hello there"], "neither hex nor a file"),
        (["--dialect", "nosuch", "81"], "there is no dialect"),
        (["."], "cannot be read"),
    ],
)
def test_unusable_input_is_one_line(arguments: list[str], words: str) -> None:
    check_error(wsproxy_here("explain", *arguments), 2, words)


@pytest.mark.parametrize(
    "arguments",
    [["--side", "both", "81"], ["--nosuch"], ["-n", "x", "81"], ["-n", "-1", "81"], ["--lines", "-1", "81"]],
)
def test_wrong_usage_is_explained(arguments: list[str]) -> None:
    done = wsproxy_here("explain", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert "wsproxy explain --help" in done.err


@given(st.lists(streams | st.binary(max_size=8), max_size=3).map(b"".join), st.sampled_from(sorted(DIALECTS)))
def test_any_bytes_can_be_drawn(data: bytes, dialect: str) -> None:
    side, parts = dissect(data, DIALECTS[dialect])
    for number, part in enumerate(parts):
        for line in part_lines(part, number, 5):
            text = line if isinstance(line, str) else "".join(span.text for span in line)
            assert text.isprintable()
        assert json.dumps(part_object(part, side))
