"""What rules take out of heads, URLs, payloads and bodies."""

import json
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproxy.errors import RecordingError, UsageError
from wsproxy.protocol.overwrite import overwritten
from wsproxy.store.redact_text import TEXT_LIMIT, TIME_LIMIT_S
from wsproxy.store.redaction import SAFE_DEFAULTS, Redaction, redaction_from_json

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
DEFAULTS = Redaction.of(["defaults"])
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        ("Authorization: Bearer abc", "Authorization: REDACTED"),
        ("authorization :\tBasic QWxhZGRpbg==", "authorization :\tREDACTED"),
        ("Cookie:a=1; b=2", "Cookie:REDACTED"),
        ("Authorization: Bearer\r\n abc\r\n\tdef", "Authorization: REDACTED"),
        ("Authorization Bearer abc", "Authorization REDACTED"),
        ("X: 1\rAuthorization: abc", "X: 1\rAuthorization: REDACTED"),
        ("Referer: http://h/p?a=1&Access-Token=abc#x", "Referer: http://h/p?a=1&Access-Token=REDACTED#x"),
        ("Origin: http://user:pass@h", "Origin: http://REDACTED@h"),
        ("Location: /cb#access_token=abc&state=1", "Location: /cb#access_token=REDACTED&state=1"),
        ("X-Next: /a?to=%2Fb%3Ftoken%3Dabc%26n%3D1", "X-Next: /a?to=%2Fb%3Ftoken%3DREDACTED%26n%3D1"),
        ("Sec-WebSocket-Protocol: chat, bearer, abc", "Sec-WebSocket-Protocol: chat, bearer, REDACTED"),
        (f"Sec-WebSocket-Protocol: {JWT}, chat", "Sec-WebSocket-Protocol: REDACTED, chat"),
        (
            "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.dG9rZW4tMTIzNDU2, base64.k8s.io",
            "Sec-WebSocket-Protocol: base64url.bearer.authorization.REDACTED, base64.k8s.io",
        ),
        (
            "Sec-WebSocket-Protocol: graphql-transport-ws, v10.stomp, actioncable-v1-json, graphql-auth",
            "Sec-WebSocket-Protocol: graphql-transport-ws, v10.stomp, actioncable-v1-json, graphql-auth",
        ),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_lines_of_a_head(line: str, redacted: str) -> None:
    head = "GET / HTTP/1.1\r\n{}\r\nHost: h\r\n\r\n"
    assert DEFAULTS.head(head.format(line).encode()).decode() == head.format(redacted)


@pytest.mark.parametrize(
    ("target", "redacted"),
    [
        ("/p?token=abc", "/p?token=REDACTED"),
        ("/p?a=b;token=abc;d", "/p?a=b;token=REDACTED"),
        ("/p?TOKEN=a b%20c&x=1", "/p?TOKEN=REDACTED&x=1"),
        ("/p?%74oken=abc", "/p?%74oken=REDACTED"),
        ("/p?apiKey=abc&api-key=def&x.api_key=1", "/p?apiKey=REDACTED&api-key=REDACTED&x.api_key=1"),
        ("/p;jsessionid=12?q=1", "/p;jsessionid=REDACTED"),
        ("ws://u:p@h/?sig=a=b", "ws://REDACTED@h/?sig=REDACTED"),
        ("/tokens/abc?page=1&token=", "/tokens/abc?page=1&token="),
    ],
)
def test_targets(target: str, redacted: str) -> None:
    assert DEFAULTS.target(target) == redacted
    assert (
        DEFAULTS.head(f"GET {target} HTTP/1.1\r\n\r\n".encode())
        == f"GET {redacted} HTTP/1.1\r\n\r\n".encode()
    )


def test_interim_responses_and_what_follows_a_head_are_redacted_too() -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=1\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: b\r\n\r\n"
    assert DEFAULTS.head(head) == head.replace(b"a=1", b"REDACTED").replace(b": b", b": REDACTED")
    form = b"GET / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nuser=a&password=b"
    assert DEFAULTS.head(form) == form.replace(b"=b", b"=REDACTED")


@pytest.mark.parametrize(
    ("rule", "payload", "redacted"),
    [
        ("json:/a", '{"a": 1, "b": [2]}', '{"a": "REDACTED", "b": [2]}'),
        ("json:/a/b", ' {"a":{"b":{"c":[1,"}"]},"d":0}}', ' {"a":{"b":"REDACTED","d":0}}'),
        ("json:/*/pin", '[{"pin":1},{"pin":"x","n":2}]', '[{"pin":"REDACTED"},{"pin":"REDACTED","n":2}]'),
        ("json:/1", '["a", "b"]', '["a", "REDACTED"]'),
        ("json:/a~1b/~0", '{"a/b":{"~":"x"}}', '{"a/b":{"~":"REDACTED"}}'),
        (
            "json:/token",
            '{"\\u0074oken":"s\\"x","token":"t"}',
            '{"\\u0074oken":"REDACTED","token":"REDACTED"}',
        ),
        ("json:/a", '{"b":1e999}', '{"b":1e999}'),
        ("json:/a", '\ufeff{"a":"ä","b":"\\ud800"}', '\ufeff{"a":"REDACTED","b":"\\ud800"}'),
        ("json:/a", '{"a":"secret"} trailing', "REDACTEDREDACTEDREDACTE"),
        ("json:/a", "no JSON", "no JSON"),
        ("json:/a", '42["a",{}]', "REDACTEDRE"),
        ("json:/a", 'cret"', "REDAC"),
        ("json:/a", "[" * 100_000, "REDACTED" * 12_500),
        ("regex:pin=\\d+", "my pin=1234.", "my REDACTED."),
        ('regex:"pin":"?(\\w+)', '{"pin":1234}', '{"pin":"REDACTED"}'),
        ('regex:"pin":"?(\\w+)', '{"pin":"a1","n":1}', '{"pin":"REDACTED","n":1}'),
        ("regex:(a+)-(b+)", "xaa-bby", "xREDACTED-REDACTEDy"),
        ("regex:z*", "ayb", "ayb"),
    ],
)
def test_payloads(rule: str, payload: str, redacted: str) -> None:
    redaction = Redaction.of([rule])
    assert redaction.payload(TEXT, payload.encode()).decode() == redacted
    assert redaction.payload(BINARY, b"\xff\0" + b"x") == b"\xff\0x"
    again = redaction.payload(TEXT, redacted.encode())
    assert again.decode() == redacted


def test_close_reasons_and_pings_are_looked_at_and_stay_small() -> None:
    redaction = Redaction.of(["regex:secret"])
    assert redaction.payload(CLOSE, b"\x03\xf0my secret") == b"\x03\xf0my REDACTED"
    assert redaction.payload(PING, b"secret") == b"REDACTED"
    assert len(redaction.payload(CLOSE, b"\x03\xf0" + b"secret" * 20)) <= 125
    assert redaction.payload(CLOSE, b"\x03") == b"\x03"
    assert redaction.payload(CLOSE, b"secret") == b"REDACTED"


def test_what_nobody_can_check_is_overwritten() -> None:
    redaction = Redaction.of(["json:/a"])
    assert redaction.payload(0, b"a part") == b"REDACT"
    large = b'{"a":"' + b"x" * (2 << 20) + b'"}'
    assert redaction.payload(TEXT, large) == (b"REDACTED" * (len(large) // 8 + 1))[: len(large)]
    compressed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    assert redaction.body(compressed, b"\x1f\x8b") == b"RE"
    assert DEFAULTS.body(compressed, b"\x1f\x8b") == b"\x1f\x8b"


def test_bodies_are_redacted_by_what_they_are() -> None:
    redaction = Redaction.of(["json:/password", "query:password"])
    json_head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    form_head = b"POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\n"
    assert redaction.body(json_head, b'{"password":"x"}') == b'{"password":"REDACTED"}'
    assert redaction.body(json_head, b'{"password":"x') == b"REDACTEDREDACT"
    assert redaction.body(form_head, b"password=x&y=z") == b"password=REDACTED&y=z"


def test_details_do_not_quote_what_was_taken_out() -> None:
    removed: set[str] = set()
    DEFAULTS.head(b"GET / HTTP/1.1\r\nCookie: id=0123456789\r\n\r\n", removed)
    assert DEFAULTS.detail("the value '0123456789' is odd", removed, of_payload=False) == (
        "the value 'REDACTED' is odd"
    )
    detail = Redaction.of(["json:/a"]).detail("says 'x' (c3 28 41) and b\"y\"", (), of_payload=True)
    assert detail == "says 'REDACTED' (REDACTED) and 'REDACTED'"


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "token",
        "header:",
        "cookie:a",
        "json:a",
        "json:/~2",
        "regex:(",
        "regex:(?R)?a",
        "regex:a{999999999}",
        "regex:(?:(?:a{1000}){1000}){1000}",
        "regex:(?x)[#](a) # x\n {9#\n9999999}",
        "url:host",
        "header:" + "x" * 2000,
    ],
)
def test_bad_rules_are_refused(rule: str) -> None:
    with pytest.raises(UsageError):
        Redaction.of([rule])
    with pytest.raises(RecordingError):
        redaction_from_json(json.dumps([rule]))


@pytest.mark.parametrize(
    "pattern",
    [
        r'"pin":"?(\d+)',
        r'"token":"[^"]*"',
        r"(?i)password[\"']?\s*[:=]\s*[\"']?([^\"'\s]+)",
        r"hunter2[^\s\"&'}]*",
        r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",
        r"(?<![\w-])eyJ[\w-]+\.[\w-]+",
        "[0-9a-f]{16,64}",
    ],
)
def test_patterns_that_say_what_a_secret_looks_like_are_tried_on_long_texts(pattern: str) -> None:
    text = (b'{"a":1} ' * (TEXT_LIMIT // 8))[:TEXT_LIMIT]
    assert Redaction.of([f"regex:{pattern}"]).payload(TEXT, text) == text


FOR_EVER = (
    "(a|a)+!",
    "(?:a|a){40}!",
    "(a{1,50}){9,50}!",
    "(a{1,9}){1,9}!",
    "(?:a|ab|a){20}!",
    "(?=(a|a)+!)b?",
)


@pytest.mark.parametrize("pattern", FOR_EVER)
@pytest.mark.parametrize("length", [60, TEXT_LIMIT - 9])
def test_a_text_that_takes_a_pattern_too_long_is_overwritten(pattern: str, length: int) -> None:
    redaction = Redaction.of([f"regex:{pattern}"])
    text = b"a" * length + b"b!"
    began = time.thread_time()
    assert redaction.payload(TEXT, text) == overwritten(len(text))
    assert time.thread_time() - began < 10 * TIME_LIMIT_S


def test_counts_as_secrets_have_them_are_taken() -> None:
    key = "-".join(f"[0-9a-f]{{{count}}}" for count in (8, 4, 4, 4, 12))
    rules = [f"regex:{key} {number} (?:[A-Z]{{64}}:){{3}}" for number in range(100)]
    assert Redaction.of(rules).rules == tuple(rules)
    with pytest.raises(UsageError, match="too large"):
        Redaction.of([f"regex:(?:x{{64}}){{64}}{number}" for number in range(100)])


def test_a_pattern_that_python_may_read_otherwise_one_day_is_taken_without_a_word() -> None:
    with warnings.catch_warnings(action="error"):
        redaction = Redaction.of(["regex:[[a]b"])
    assert redaction.payload(TEXT, b"[b cb ab") == b"REDACTED cb REDACTED"


def test_a_line_of_a_head_that_takes_a_pattern_too_long_keeps_its_name() -> None:
    redaction = Redaction.of(["regex:(a|a)+!"])
    long = b"a" * 60 + b"b!"
    assert redaction.head(b"GET /" + long + b" HTTP/1.1\r\nHost: a\r\nCookie: " + long + b"\r\n\r\n") == (
        b"GET REDACTED HTTP/1.1\r\nHost: a\r\nCookie: REDACTED\r\n\r\n"
    )


def test_all_patterns_share_the_time() -> None:
    redaction = Redaction.of([f"regex:(a|a)+{n}!" for n in range(100)])
    text = b"a" * 60 + b"".join(b"%d!" % n for n in range(100))
    began = time.thread_time()
    assert redaction.payload(TEXT, text) == overwritten(len(text))
    assert time.thread_time() - began < 10 * TIME_LIMIT_S


def test_rules_go_through_json_and_defaults_are_written_out() -> None:
    redaction = Redaction.of(["json:/a", "defaults", "json:/a"])
    assert redaction.rules == ("json:/a", *SAFE_DEFAULTS)
    assert redaction_from_json(redaction.to_json()) == redaction
    assert not DEFAULTS.payloads


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '"defaults"', "[" * 100_000])
def test_damaged_rules_are_a_clear_error(text: str) -> None:
    with pytest.raises(RecordingError, match="damaged"):
        redaction_from_json(text)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc*"), inner, max_size=3),
    max_leaves=12,
)


def _hide(value: object, path: list[str]) -> object:
    if not path:
        return "REDACTED"
    if isinstance(value, dict):
        return {k: _hide(v, path[1:]) if path[0] in ("*", k) else v for k, v in value.items()}
    if isinstance(value, list):
        return [_hide(v, path[1:]) if path[0] in ("*", str(i)) else v for i, v in enumerate(value)]
    return value


@given(_json, st.lists(st.sampled_from(["a", "b", "*", "0"]), min_size=1, max_size=3), st.booleans())
def test_a_pointer_takes_out_what_it_points_at_and_nothing_else(
    value: object, path: list[str], indented: bool
) -> None:
    payload = json.dumps(value, indent=2 if indented else None).encode()
    redacted = Redaction.of(["json:/" + "/".join(path)]).payload(TEXT, payload)
    assert json.loads(redacted) == _hide(value, path)


@given(st.binary(max_size=200))
def test_anything_can_be_redacted(data: bytes) -> None:
    redaction = Redaction.of(["defaults", "json:/a", "regex:[a-f]+"])
    for opcode in range(16):
        redaction.payload(opcode, data)
    redaction.head(data)
    redaction.body(data, data)
    redaction.text(data.decode("latin-1"))


PLACES = ("GET /{} HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: {}\r\n\r\n")


@pytest.mark.parametrize(
    "part",
    ["?token=", "&", "%3Ftoken%3D", "a=", "://", ";", "token ", "bearer.1", "eyJ", "a,", "\r\nCookie:a"],
)
def test_long_heads_take_no_time(part: str) -> None:
    began = time.process_time()
    for place in PLACES:
        DEFAULTS.head(place.format(part * ((1 << 16) // len(part))).encode())
    assert time.process_time() - began < 3
