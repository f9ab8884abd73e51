import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.messages import message
from wsproxy.replay.near import MOST_CANDIDATES, describe_difference, nearest, similarity
from wsproxy.store.pointers import Pointers


def difference(recorded: bytes | str, live: bytes | str) -> list[str]:
    return describe_difference(message(recorded), message(live))


def test_the_nearest_is_found() -> None:
    recorded = [
        message(text, number=number)
        for number, text in enumerate(
            ['{"get":"volume","id":1}', '{"get":"status","id":2}', "hello there", "bye"], 1
        )
    ]
    for live, number in (('{"get":"status","id":9}', 2), ("hello", 3), ('{"get":"volume","id":1}', 1)):
        near = nearest(recorded, message(live))
        assert near is not None
        assert near.message.number == number
    assert nearest([], message("x")) is None


def test_of_equals_the_first_is_nearest() -> None:
    near = nearest([message("a", number=1), message("a", number=2)], message("a"))
    assert near is not None
    assert (near.message.number, near.similarity, near.diff) == (1, 1.0, [])


def test_json_is_compared_member_by_member() -> None:
    assert difference('{"get":"status","id":1,"x":{}}', '{"x":{},"id":1.0,"get":"volume"}') == [
        "  {",
        '-   "get": "status",',
        '+   "get": "volume",',
        '    "id": 1,',
        '    "x": {}',
        "  }",
    ]


def test_json_that_says_the_same_is_said_to() -> None:
    assert difference('{"a":1}', '{"a": 1}') == [
        "the same JSON, written differently:",
        '- {"a":1}',
        '+ {"a": 1}',
    ]


@pytest.mark.parametrize(
    ("pointers", "recorded", "live", "wanted"),
    [
        (["/id"], '{"id":1,"ask":1}', '{"ask":2,"id":"x"}', ['-   "ask": 1,', '+   "ask": 2,']),
        (["/id"], '{"id":1,"ask":1}', '{"ask":2}', ['-   "ask": 1', '+   "ask": 2']),
        (["/id"], '{"ask":1}', '{"ask":2,"id":[1,{}]}', ['-   "ask": 1,', '+   "ask": 2,']),
        (["/id"], '{"id":1,"re":1}', '{"id":2,"re":2}', ['-   "re": 1', '+   "re": 2']),
        (["/id"], '{"id":1}', '{ "id": 2 }', []),
        (["/id"], '{"id":1}', '["id"]', ["- {", '-   "id": 1', "- }", "+ [", '+   "id"', "+ ]"]),
        (["/a/id"], '{"a":{"id":1}}', '{"a":5}', ['-   "a": {', '-     "id": 1', "-   }", '+   "a": 5']),
        (["/*/id"], '[{"id":1,"n":1}]', '[{"id":2,"n":2}]', ['-     "n": 1', '+     "n": 2']),
        (["/*/id"], '[{"id":1}]', '[{"id":2},3]', ["-   }", "+   },", "+   3"]),
        (["/0", "/2"], "[1,2,3]", "[4,5]", ["-   2", "+   5"]),
        (["/0", "/2"], "[1,2]", "[4,5,6]", ["-   2,", "+   5,"]),
    ],
)
def test_values_that_do_not_count_are_left_out(
    pointers: list[str], recorded: str, live: str, wanted: list[str]
) -> None:
    lines = describe_difference(message(recorded), message(live), exempt=Pointers.of(pointers))
    assert [line for line in lines if line[0] in "+-"] == wanted


def test_text_is_compared_line_by_line() -> None:
    recorded = "\n".join(f"line {n}" for n in range(100))
    assert difference(recorded, recorded.replace("line 50", "line fifty")) == [
        *(f"  line {n}" for n in (47, 48, 49)),
        "- line 50",
        "+ line fifty",
        *(f"  line {n}" for n in (51, 52, 53)),
    ]


def test_a_long_line_is_shown_where_it_differs() -> None:
    lines = difference("a" * 5000 + "<1>" + "b" * 500, "a" * 5000 + "<2>" + "b" * 500)
    assert [line[:60] for line in lines] == [
        "- …" + "a" * 39 + "<1>" + "b" * 15,
        "+ …" + "a" * 39 + "<2>" + "b" * 15,
    ]
    assert max(map(len, lines)) < 160


def test_bytes_are_compared_side_by_side() -> None:
    assert difference(bytes(range(32)), bytes(range(16)) + b"\xff" + bytes(range(17, 30))) == [
        "offset    recorded                            live",
        "00000010  10 11 12 13 14 15 16 17  ........   ff 11 12 13 14 15 16 17  ........",
        "00000018  18 19 1a 1b 1c 1d 1e 1f  ........   18 19 1a 1b 1c 1d        ......",
        "32 bytes recorded, 30 live",
    ]


def test_opcodes_are_compared() -> None:
    assert difference("a", b"a") == ["- text", "+ binary"]
    assert describe_difference(message(b"a", 9), message(b"b", 9))[1].startswith("00000000  61 ")
    assert describe_difference(message("a"), message("a")._replace(length=9)) == ["- 1 bytes", "+ 9 bytes"]


def test_similarity_is_that_of_the_kind() -> None:
    assert similarity(message("a b c"), message("a b c")) == 1
    assert similarity(message(b""), message(b"", 9)) == 0
    assert 0 < similarity(message("a b c d"), message("a b c e")) < 1
    assert similarity(message("a b"), message("b a")) < 1
    assert similarity(message("x"), message("y")) == 0


def test_work_is_bounded() -> None:
    one = ["".join(chr(97 + (i * 7 + j) % 26) for j in range(20)) for i in range(50_000)]
    large, other = "\n".join(one), "\n".join(reversed(one))
    began = time.process_time()
    lines = difference(large, other)
    difference(large.encode(), other.encode())
    difference(
        "[" + ",".join(map(str, range(100_000))) + "]", "[" + ",".join(map(str, range(100_000, 0, -1))) + "]"
    )
    nearest((message(large, number=n) for n in range(10**9)), message(other))
    assert time.process_time() - began < 10
    assert len(lines) <= 60
    assert nearest((message("a", number=n) for n in range(MOST_CANDIDATES * 2)), message("a")) is not None


@given(st.binary(max_size=80) | st.text(max_size=80), st.binary(max_size=80) | st.text(max_size=80))
def test_every_difference_is_described_and_printable(one: bytes | str, other: bytes | str) -> None:
    lines = difference(one, other)
    assert bool(lines) == (message(one) != message(other))
    assert all(line.isprintable() for line in lines)


@given(st.binary(max_size=80))
def test_text_may_be_anything(payload: bytes) -> None:
    recorded, live = message(b"\xff" + payload, 1), message(payload, 1)
    assert describe_difference(recorded, live)
    assert nearest([recorded], live) is not None
