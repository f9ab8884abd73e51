import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.test_matchers import DOCUMENTS
from wsproxy.errors import UsageError
from wsproxy.replay.varying import MOST_VALUES, Varying


def carried(pointers: list[str], recorded: str, live: str, payload: str) -> str:
    varying = Varying(pointers)
    varying.capture(recorded.encode(), live.encode())
    return varying.carry(payload.encode()).decode()


@pytest.mark.parametrize(
    ("pointers", "recorded", "live", "payload", "wanted"),
    [
        (["/id"], '{"id":1}', '{"id":7}', '{"id": 1, "n": 1}', '{"id": 7, "n": 1}'),
        (["/id"], '{"id":1}', '{"id":7}', '{"re":[{"id":1.0}]}', '{"re":[{"id":7}]}'),
        (["/id"], '{"id":1}', '{"id":"x"}', '[{"id":1}]', '[{"id":"x"}]'),
        (["/id"], '{"id":1}', '{"id":7}', '{"id":"1"}', '{"id":"1"}'),
        (["/id"], '{"id":1}', '{"id":7}', '{"id":2}', '{"id":2}'),
        (["/id=/re"], '{"id":1}', '{"id":7}', '{"re":1,"n":1}', '{"re":7,"n":1}'),
        (["/id=/*/re"], '{"id":1}', '{"id":7}', '[{"re":1},1]', '[{"re":7},1]'),
        (["/token"], '{"token":"abcdefgh"}', '{"token":"new"}', '["abcdefgh","abc"]', '["new","abc"]'),
        (["/token"], '{"token":"abcdefg"}', '{"token":"new"}', '["abcdefg"]', '["abcdefg"]'),
        (["/ts"], '{"ts":12345}', '{"ts":67890}', " [12345,\t123456] ", " [67890,\t123456] "),
        (["/0"], "[1,2]", "[8,9]", "[1,1,2]", "[8,1,2]"),
        (["/*/id"], '[{"id":1},{"id":2}]', '[{"id":8},{"id":9}]', '{"id":[],"a":{"id":2}}', None),
        (["/id"], '{"id":"a\\"b"}', '{"id":"c\\\\"}', '{"id":"a\\u0022b"}', '{"id":"c\\\\"}'),
        (["/id"], '{"id":"ä"}', '{"id":"ö"}', '{"ü":"ä","id":"\\u00e4"}', '{"ü":"ä","id":"ö"}'),
        (["/a~1b"], '{"a/b":1}', '{"a/b":2}', '{"a/b":1}', '{"a/b":2}'),
        (["/id"], '{"id":null}', '{"id":true}', '{"id":null}', '{"id":null}'),
        (["/id"], '{"id":{"a":12345}}', '{"id":{"a":99999}}', '{"id":12345}', '{"id":12345}'),
        (["/id"], '{"id":"abcdefgh"}', '{"id":"x"}', '{"abcdefgh":"abcdefgh"}', '{"abcdefgh":"x"}'),
        (["/id"], '{"id":1}', '{"id":7}', 'id 1 {"id":1', 'id 1 {"id":1'),
        (["/id"], "no json", '{"id":7}', '{"id":1}', '{"id":1}'),
        (["/id"], '{"id":1}', "no json", '{"id":1}', '{"id":1}'),
        (["/id"], '{"id":1}', "{}", '{"id":1}', '{"id":1}'),
        ([], '{"id":1}', '{"id":7}', '{"id":1}', '{"id":1}'),
        (["/id", "/seq"], '{"id":1,"seq":1}', '{"id":7,"seq":8}', '{"seq":1,"id":1}', '{"seq":8,"id":7}'),
        (["/id", "/seq"], '{"id":1,"seq":1}', '{"id":1,"seq":8}', '{"id":1,"seq":1}', '{"id":1,"seq":8}'),
        (["/id=/re", "/seq"], '{"id":1,"seq":1}', '{"id":7,"seq":8}', '{"re":1,"n":[1]}', '{"re":7,"n":[1]}'),
    ],
)
def test_values_are_carried(
    pointers: list[str], recorded: str, live: str, payload: str, wanted: str | None
) -> None:
    if wanted is None:
        wanted = '{"id":[],"a":{"id":9}}'
    assert carried(pointers, recorded, live, payload) == wanted


def test_a_pointer_of_a_value_that_has_not_changed_counts_as_well() -> None:
    pointers = ["/a/id", "/b/id"]
    recorded, live = '{"a":{"id":1},"b":{"id":1}}', '{"a":{"id":1},"b":{"id":5}}'
    assert carried(pointers, recorded, live, recorded) == live


def test_the_latest_value_counts() -> None:
    varying = Varying(["/id"])
    for recorded, live in ((1, 7), (2, 8), (1, 9)):
        varying.capture(b'{"id":%d}' % recorded, b'{"id":%d}' % live)
    assert varying.carry(b'[{"id":1},{"id":2},{"id":7}]') == b'[{"id":9},{"id":8},{"id":7}]'
    varying.capture(b'{"id":1}', b'{"id":1}')
    varying.capture(b'{"id":2}', b'{"id": 2}')
    assert varying.carry(b'[{"id":1},{"id":2}]') == b'[{"id":1},{"id":2}]'


def test_what_does_not_change_is_the_same_object() -> None:
    varying = Varying(["/id"])
    payload = b'{"id":1}'
    assert varying.carry(payload) is payload
    varying.capture(b'{"id":2}', b'{"id":3}')
    assert varying.carry(payload) is payload


def test_what_is_kept_is_bounded() -> None:
    varying = Varying(["/id"])
    for number in range(MOST_VALUES + 10):
        varying.capture(b'{"id":%d}' % number, b'{"id":-1}')
    assert varying.carry(b'{"id":9}') == b'{"id":9}'
    assert varying.carry(b'{"id":10}') == b'{"id":-1}'


@pytest.mark.parametrize("pointer", ["", "id", "/a~", "/id=re", "x=/re"])
def test_what_is_no_pointer_is_said_so(pointer: str) -> None:
    if pointer == "/id=re":
        assert Varying([pointer]).pointers == ("/id=re",)
    else:
        with pytest.raises(UsageError, match="JSON pointer"):
            Varying([pointer])


@given(DOCUMENTS, st.booleans())
def test_other_bytes_stay(document: Any, ascii_only: bool) -> None:
    payload = json.dumps(document, indent=1, ensure_ascii=ascii_only).encode()
    old, new = "a value that no document has", "another value"
    around = b'["%b",' % old.encode() + payload + b"]"
    varying = Varying(["/token"])
    varying.capture(json.dumps({"token": old}).encode(), json.dumps({"token": new}).encode())
    assert varying.carry(around) == around.replace(old.encode(), new.encode(), 1)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_a_peer_sends_makes_it_raise(recorded: bytes, live: bytes, payload: bytes) -> None:
    varying = Varying(["/*", "/*/*"])
    for before in (b"", b"[", b'{"a":'):
        after = {b"": b"", b"[": b"]", b'{"a":': b"}"}[before]
        varying.capture(before + recorded + after, before + live + after)
        varying.carry(before + payload + after)


def test_capturing_back_gives_the_recorded_payload() -> None:
    there, back = Varying(["/id"]), Varying(["/id"])
    there.capture(b'{"id":1}', b'{"id":"seven"}')
    back.capture(b'{"id":"seven"}', b'{"id":1}')
    payload = b'{ "id" : 1 , "x": [1, 2.50, "\\u00e4"] }'
    assert there.carry(payload) == b'{ "id" : "seven" , "x": [1, 2.50, "\\u00e4"] }'
    assert back.carry(there.carry(payload)) == payload


def test_a_deep_document_is_left_alone() -> None:
    varying = Varying(["/id"])
    deep = b'{"id":' * 100_000 + b"1" + b"}" * 100_000
    varying.capture(deep, deep.replace(b"1", b"2"))
    varying.capture(b'{"id":1}', b'{"id":2}')
    assert varying.carry(deep) is deep
