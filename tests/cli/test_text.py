"""Payloads, styles and targets as text: readable, bounded, and unable to do anything to a terminal."""

import contextlib
import io
import json
import subprocess
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cli.run import check_error, wsproxy, wsproxy_here
from wsproxy.cli.objects import json_line
from wsproxy.cli.paint import Output, Span, printable
from wsproxy.cli.payload import hex_dump, indented_json, payload_lines
from wsproxy.errors import UsageError
from wsproxy.mitm.target import parse_target

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@given(st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.integers(0, 4))
def test_indented_json_means_the_same(value: object, indent: int) -> None:
    lines = indented_json(json.dumps(value, indent=indent))
    assert json.loads("\n".join(lines)) == value
    assert all(line.isprintable() for line in lines)


def test_json_keeps_its_spelling() -> None:
    text = '{"a": 1.0e5, "a": 12345678901234567890, "b": {}, "c": [], "d": "\\u001b[31m\\u202e", "e": [true]}'
    assert indented_json(text) == [
        "{",
        '  "a": 1.0e5,',
        '  "a": 12345678901234567890,',
        '  "b": {},',
        '  "c": [],',
        r'  "d": "\u001b[31m\u202e",',
        '  "e": [true]',
        "}",
    ]


@pytest.mark.parametrize("text", ["[1", "", "hello", "1", '"a"', "{]", "[" * 100_000, "nan"])
def test_other_text_is_not_json(text: str) -> None:
    assert indented_json(text) == []


@pytest.mark.parametrize(
    "payload", [b"[" * 900 + b"1," * 200_000 + b"1" + b"]" * 900, b"[" + b"[]," * 300_000 + b"1]"]
)
def test_json_made_to_be_slow_is_not(payload: bytes) -> None:
    began = time.process_time()
    assert payload_lines(TEXT, payload, 10)
    payload_lines(TEXT, payload)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("opcode", "payload", "lines"),
    [
        (TEXT, b"", []),
        (TEXT, b"Hello", ["Hello"]),
        (TEXT, b"two\nlines", ["two", "lines"]),
        (TEXT, b"\x1b[31mred\x07", [r"\x1b[31mred\x07"]),
        (TEXT, b"\xff\xfe", [r"\xff\xfe"]),
        (TEXT, "\u202e\u00a0\u200b".encode(), [r"\u202e \u200b"]),
        (BINARY, b"Hello", ["48 65 6c 6c 6f"]),
        (PING, b"there?", ["there?"]),
        (PING, b"\xde\xad", ["de ad"]),
        (PING, b"a\n", ["61 0a"]),
        (CLOSE, b"", []),
        (CLOSE, b"\x03", ["03"]),
        (CLOSE, b"\x03\xe8", ["1000 (normal closure)"]),
        (CLOSE, b"\x0f\xa0bye\x1b", [r'4000 (private use): "bye\x1b"']),
    ],
)
def test_payloads_are_readable(opcode: int, payload: bytes, lines: list[str]) -> None:
    assert payload_lines(opcode, payload) == lines


def test_what_is_cut_is_said() -> None:
    assert payload_lines(TEXT, b"a\nb\nc\nd", 3) == ["a", "b", "… 2 more lines"]
    assert payload_lines(TEXT, b"x" * 300, 3) == ["x" * 200 + "… 100 more characters"]
    assert payload_lines(TEXT, b"x" * 300) == ["x" * 300]
    assert hex_dump(bytes(64), 3)[-1] == "… 2 more lines"
    assert len(payload_lines(BINARY, bytes(1000), 5)) == 5


@given(st.integers(0, 15), st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.integers(0, 5))
def test_no_payload_can_reach_the_terminal(opcode: int, payload: bytes, limit: int) -> None:
    lines = payload_lines(opcode, payload, limit)
    assert all(line.isprintable() for line in lines)
    assert not limit or len(lines) <= limit


@given(st.text(max_size=60))
@example("\x9b31m\x85\u2028\u2029\u202e\udc80")
def test_a_json_line_is_one_line_and_printable(text: str) -> None:
    line = json_line({"text": text})
    assert line.isprintable()
    assert line.splitlines() == [line]
    assert json.loads(line) == {"text": text}


@given(st.text(max_size=60))
def test_printable_text_is_printable_and_the_rest_is_as_it_was(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def painted(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **environment: str) -> str:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Output(stream).print([Span("odd", "odd"), Span(" plain")])
    return stream.getvalue()


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert painted(monkeypatch, Terminal()) == "\x1b[1;33modd\x1b[0m plain\n"
    assert painted(monkeypatch, Terminal(), NO_COLOR="1") == "odd plain\n"
    assert painted(monkeypatch, Terminal(), NO_COLOR="") == "\x1b[1;33modd\x1b[0m plain\n"
    assert painted(monkeypatch, Terminal(), TERM="dumb") == "odd plain\n"
    assert painted(monkeypatch, io.StringIO()) == "odd plain\n"


@pytest.mark.parametrize(
    ("text", "mode", "path"),
    [
        ("ws://skyq:9006", "reverse:http://skyq:9006", ""),
        ("ws://skyq", "reverse:http://skyq:80", ""),
        ("wss://skyq", "reverse:https://skyq:443", ""),
        ("wss://192.0.2.7:8443/a/b?c=d", "reverse:https://192.0.2.7:8443", "/a/b?c=d"),
        ("WS://SkyQ:9006/", "reverse:http://skyq:9006", "/"),
        ("ws://[2001:db8::1]:9006/a", "reverse:http://[2001:db8::1]:9006", "/a"),
    ],
)
def test_a_target_is_a_mode_and_a_path(text: str, mode: str, path: str) -> None:
    target = parse_target(text)
    assert (target.mode, target.path) == (mode, path)
    assert target.tls is text.lower().startswith("wss")


@given(st.text(max_size=30) | st.text("ws:/[]@#?.9", max_size=20).map("ws://".__add__))
def test_no_target_makes_it_fail_otherwise(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_target(text).mode.startswith("reverse:http")


def test_an_error_cannot_reach_the_terminal_either() -> None:
    check_error(wsproxy_here("record", "gopher://\x1b[31m\nred"), 2, r"\x1b[31m\nred")


def test_every_command_has_an_example() -> None:
    overview = wsproxy("--help").out
    for command in ("record", "ls", "show", "explain", "demo"):
        assert command in overview
        done = wsproxy_here(command, "--help")
        assert done.code == 0
        assert f"  wsproxy {command}" in done.out.split("Examples:")[1]


def test_no_command_is_wrong_usage() -> None:
    done = wsproxy()
    assert (done.code, done.out) == (2, "")
    assert "Usage: wsproxy" in done.err
    assert wsproxy("nosuch").code == 2
    assert wsproxy("--version").out.startswith("wsproxy, version ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(closed: str) -> None:
    command = f"'{sys.executable}' -m wsproxy explain 81 00 {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
