import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.messages import message
from wsproxy.errors import UsageError
from wsproxy.replay.json_values import DEEPEST, Number
from wsproxy.replay.matchers import make_matcher, redacting

DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def match(spec: str, recorded: bytes | str, live: bytes | str, *, ignoring: tuple[str, ...] = ()) -> bool:
    return make_matcher(spec, ignoring=ignoring).matches(message(recorded), message(live))


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(DOCUMENTS)
def test_json_in_any_dress_is_the_same(document: Any) -> None:
    one = json.dumps(document, ensure_ascii=False)
    other = json.dumps(shuffled(document), indent=3, ensure_ascii=True)
    assert match("json", one, other)


@given(DOCUMENTS, DOCUMENTS)
def test_json_matches_what_python_holds_equal(one: Any, other: Any) -> None:
    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: typed(each) for name, each in value.items()}
        if isinstance(value, list):
            return [typed(each) for each in value]
        return (bool, value) if isinstance(value, bool) else value

    assert match("json", json.dumps(one), json.dumps(other)) == (typed(one) == typed(other))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_are_compared_exactly(number: Decimal) -> None:
    spellings = [format(number, "e"), format(number, "f")] if abs(number.adjusted()) < 500 else [str(number)]
    exact = {Number(spelling.replace("E", "e")).exact for spelling in spellings}
    assert len(exact) == 1
    assert all(Decimal(plain) == number for plain in (Number(spelling).plain for spelling in spellings))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", "1.0", True),
        ("[1]", "[true]", False),
        ("0", "-0.0", True),
        ("0", "false", False),
        ("100", "1e2", True),
        ("0.1", "1e-1", True),
        ("9007199254740993", "9007199254740992", False),
        ("9007199254740993", "9007199254740993.000", True),
        ("1" + "0" * 5000, "1e5000", True),
        ("1e400", "1e401", False),
        ("1e99999999999999999999", "1e99999999999999999999", True),
        ("1e99999999999999999999", "1e99999999999999999998", False),
        ('"\\u0041"', '"A"', True),
        ('"1"', "1", False),
        ('{"a":1,"a":2}', '{"a":2}', False),
        ('{"a":1,"a":2}', '{"a":2,"a":1}', False),
        ('{"a":1,"b":0,"a":2}', '{"a":1,"a":2,"b":0}', True),
        ("[NaN]", "[ NaN ]", True),
        ("[NaN]", "[Infinity]", False),
        ('["NaN"]', "[NaN]", False),
        ("[1,2]", "[2,1]", False),
        ("[[1],2]", "[1,[2]]", False),
        ("{}", "[]", False),
        ("null", '"null"', False),
        ('"\\ud800"', '"\\uD800"', True),
        ("not json", "not  json", False),
        ("not json", "not json", True),
        ("", "", True),
        ("", "null", False),
    ],
)
def test_json_says_the_same_or_not(one: str, other: str, same: bool) -> None:
    assert match("json", one, other) is same
    assert match("json", other, one) is same


def test_a_deep_document_is_compared_as_text() -> None:
    for depth in (DEEPEST, DEEPEST + 1, 900, 5000, 200_000):
        one, other = "[" * depth + "]" * depth, "[" * depth + " " + "]" * depth
        assert match("json", one, one)
        assert match("json", one, other) is (depth <= DEEPEST)
        assert match("json", '{"a":' * depth + "1" + "}" * depth, "1") is False
        assert match("json:/0/0", one, other) is (depth <= DEEPEST)


def test_what_is_no_text_is_compared_by_its_bytes() -> None:
    assert match("json", b"\xff{}", b"\xff{}")
    assert not match("json", b"\xff{}", b"\xff{ }")
    assert match("json", b'{"a": 1}', b'{"a":1}')


def test_the_opcode_counts() -> None:
    for spec in ("exact", "json", "json:/id", "regex:."):
        assert not match(spec, '{"a":1}', b'{"a":1}')
    assert match("any", "text", b"binary")
    matcher = make_matcher("any")
    assert not matcher.matches(message(b"", 9), message(b""))
    assert matcher.matches(message(b"a", 9), message(b"b", 9))
    assert not matcher.matches(message(b"a", 9), message(b"a", 8))


def test_control_frames_are_compared_exactly() -> None:
    for spec in ("exact", "json", "json:/id", "regex:."):
        matcher = make_matcher(spec)
        assert matcher.matches(message(b"{}", 9), message(b"{}", 9))
        assert not matcher.matches(message(b"{}", 9), message(b"{ }", 9))


def test_a_message_of_which_only_the_beginning_is_kept_has_its_length() -> None:
    whole, longer = message("12"), message("12")._replace(length=70)
    for spec in ("exact", "json", "regex:(.*)"):
        assert make_matcher(spec).matches(longer, longer)
    assert not make_matcher("exact").matches(whole, longer)
    assert not make_matcher("json").matches(whole, longer)


@pytest.mark.parametrize(
    ("pointers", "one", "other", "same"),
    [
        ("/id", '{"id":1,"a":2}', '{"id":"x","a":2}', True),
        ("/id", '{"id":1,"a":2}', '{"a":2}', True),
        ("/id", '{"id":1,"a":2}', '{"id":1,"a":3}', False),
        ("/id", '{"x":{"id":1}}', '{"x":{"id":2}}', False),
        ("/id,/params/ts", '{"id":1,"params":{"ts":1,"v":0}}', '{"id":2,"params":{"ts":2,"v":0}}', True),
        ("/*/ts", '{"a":{"ts":1},"b":{"ts":2}}', '{"a":{"ts":3},"b":{"ts":4}}', True),
        ("/*/ts", '[{"ts":1},{"ts":2}]', '[{"ts":3},{"ts":4}]', True),
        ("/1", "[1,2,3]", "[1,9,3]", True),
        ("/1", "[1,2,3]", "[1,3]", False),
        ("/1", "[1,2]", "[1]", True),
        ("/0", "[1,2]", "[2]", False),
        ("/a~1b/c~0d", '{"a/b":{"c~d":1}}', '{"a/b":{"c~d":2}}', True),
        ("/a,b", '{"a,b":1}', '{"a,b":2}', True),
        ("/", '{"":1}', '{"":2}', True),
        ("/*", '{"a":1}', '{"b":[2]}', True),
        ("/*/x,/a/y", '{"a":{"x":1,"y":2}}', '{"a":{"x":3,"y":4}}', True),
        ("/id", '{"id":1,"id":2}', "{}", True),
        ("/a", "7", "7.0", True),
        ("/a/b", '{"a":7}', '{"a":8}', False),
    ],
)
def test_values_at_pointers_do_not_count(pointers: str, one: str, other: str, same: bool) -> None:
    assert match(f"json:{pointers}", one, other) is same
    assert match(f"json:{pointers}", other, one) is same


def test_varying_values_do_not_count_whatever_is_matched() -> None:
    one, other = '{"id":1,"t":1}', '{"id":2,"t":1}'
    assert match("exact", one, other, ignoring=("/id",))
    assert match("json", one, other, ignoring=("/id",))
    assert match("json:/t", one, '{"id":2,"t":3}', ignoring=("/id",))
    assert not match("exact", one, other)


@pytest.mark.parametrize(
    ("pattern", "one", "other", "same"),
    [
        (r"^get (\w+)", "get status at 1", "get status at 2", True),
        (r"^get (\w+)", "get status", "get volume", False),
        (r"^get", "get a", "get b", True),
        (r"^get", "get a", "put a", False),
        (r"^get", "put a", "put a", True),
        (r"^get", "put a", "put b", False),
        (r"(a)|(b)", "a", "b", False),
        (r"a:b", "a:b1", "a:b2", True),
    ],
)
def test_a_pattern_matches_by_its_groups(pattern: str, one: str, other: str, same: bool) -> None:
    assert match(f"regex:{pattern}", one, other) is same


def test_a_pattern_is_not_tried_on_absurd_sizes() -> None:
    long = "a" * (1 << 20)
    began = time.process_time()
    assert not match(r"regex:^(a+)+$", long + "b", long + "c")
    assert time.process_time() - began < 1
    with pytest.raises(UsageError, match="1000"):
        make_matcher("regex:" + "a" * 1001)


@pytest.mark.parametrize(
    "spec", ["", "exakt", "json:", "regex", "regex:", "regex:(", "any:x", "json:id", "json:/a~2", "exact:/id"]
)
def test_what_is_no_way_to_match_is_said_so(spec: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_matcher(spec)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_keys_are_equal_just_where_messages_match(one: bytes, other: bytes) -> None:
    for spec in ("exact", "json", "json:/0", "regex:a(.)", "any"):
        matcher = make_matcher(spec)
        recorded, live = message(one, 1), message(other, 1)
        assert matcher.matches(recorded, live) == (matcher.key(recorded) == matcher.key(live))
        assert matcher.matches(recorded, recorded)


def test_a_redacted_recording_is_compared_with_what_redacting_leaves() -> None:
    matcher = redacting(
        make_matcher("exact"), lambda m: m._replace(payload=m.payload.replace(b"key", b"***"))
    )
    assert matcher.matches(message("the ***"), message("the key"))
    assert not matcher.matches(message("the ***"), message("a key"))
