"""What goes on to one side answers that side, whatever was asked of the other."""

import pytest

from tests.conformance.strict_peers import SERVERS
from tests.devices.script import Send
from tests.wire.build import lines
from tests.wire.cases import CASES
from tests.wire.conversation import Case
from tests.wire.handshakes import GET, HOST, KEY, REQUEST, RESPONSE, VERSION, request, response
from wsproxy.conformance.checks_request import may_be_tunnel
from wsproxy.conformance.hixie76 import is_hixie76_request
from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.conformance.repairs_handshake import RepairedHead, repair_request, repair_response
from wsproxy.conformance.rules import RULES
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import (
    HeadReader,
    RequestHead,
    is_upgrade_request,
    parse_request_head,
    parse_response_head,
)
from wsproxy.protocol.request_body import RequestBody

STRICT = load_profile("strict")
FRESH_KEY = b"AQIDBAUGBwgJCgsMDQ4PEA=="
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


def served(options: dict[str, str], asked: bytes, answer: bytes) -> tuple[bytes, RepairedHead]:
    """The request that goes on to a server with these options, and what becomes of its answer."""
    profile = Profile("options", rules=STRICT.rules, options={Side.CLIENT: {}, Side.SERVER: options})
    sent = repair_request(asked, profile, fresh_key=FRESH_KEY).data
    return sent, repair_response(answer, received_request=asked, sent_request=sent, profile=profile)


def test_compression_for_the_server_alone() -> None:
    sent, got = served({"extensions": "permessage-deflate"}, REQUEST, response(DEFLATE))
    assert parse_request_head(sent).get("sec-websocket-extensions") == b"permessage-deflate"
    assert got.data == RESPONSE
    assert (got.legs.client.deflate, got.legs.server.extensions) == (None, "permessage-deflate")
    assert "differed from the client's" in got.repairs[0].detail


def test_a_subprotocol_for_the_server_alone() -> None:
    answer = response(b"Sec-WebSocket-Protocol: ocpp1.6")
    _, got = served({"subprotocols": "ocpp1.6"}, REQUEST, answer)
    assert got.data == RESPONSE
    assert (got.legs.client.subprotocol, got.legs.server.subprotocol) == (None, "ocpp1.6")


def test_a_subprotocol_for_the_client_alone() -> None:
    """C121: a client that always offers `arduino`, and fails if it is not selected."""
    _, got = served({"subprotocols": ""}, request(b"Sec-WebSocket-Protocol: arduino"), RESPONSE)
    assert got.data == response(b"Sec-WebSocket-Protocol: arduino")
    assert (got.legs.client.subprotocol, got.legs.server.subprotocol) == ("arduino", None)


def test_a_subprotocol_under_two_names() -> None:
    """C125."""
    asked = request(b"Sec-WebSocket-Protocol: mqttv3.1")
    sent, got = served({"subprotocols": "mqtt"}, asked, response(b"Sec-WebSocket-Protocol: mqtt"))
    assert sent == request(b"Sec-WebSocket-Protocol: mqtt")
    assert got.data == response(b"Sec-WebSocket-Protocol: mqttv3.1")
    assert (got.legs.client.subprotocol, got.legs.server.subprotocol) == ("mqttv3.1", "mqtt")


def test_two_options_for_one_field() -> None:
    """C131 and C141."""
    options = {"subprotocols": "ocpp1.6, ocpp1.5", "comma": ","}
    profile = Profile("two", rules=STRICT.rules, options={Side.CLIENT: {}, Side.SERVER: options})
    repaired = repair_request(REQUEST, profile, fresh_key=FRESH_KEY)
    assert repaired.data == request(b"Sec-WebSocket-Protocol: ocpp1.6,ocpp1.5")
    assert len(repaired.repairs) == 1


def test_what_our_own_request_caused_is_mended_without_a_rule() -> None:
    profile = Profile(
        "key",
        rules={Side.CLIENT: frozenset({"handshake.request.key"}), Side.SERVER: frozenset()},
    )
    asked = REQUEST.replace(KEY, b"Sec-WebSocket-Key: foo")
    sent = repair_request(asked, profile, fresh_key=FRESH_KEY).data
    answer = RESPONSE.replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"C/0nmHhBztSRGR1CwL6Tf4ZjwpY=")
    got = repair_response(answer, received_request=asked, sent_request=sent, profile=profile)
    assert parse_response_head(got.data).get("sec-websocket-accept") == b"BM0S0+ghftShuFVHQATK/DBiJq8="


def test_what_could_be_a_trap_is_mended_only_when_asked() -> None:
    """C57 and C81: injected blindly, both desynchronise a proxy in front. C127: a tunnel."""
    everything = Profile("all", rules=dict.fromkeys(Side, frozenset(RULES)))
    for head in (
        lines(GET, HOST, KEY, VERSION),
        lines(GET, HOST, b"Upgrade: websocket", b"Connection: Upgrade"),
    ):
        assert repair_request(head, STRICT, fresh_key=FRESH_KEY).data == head
        mended = repair_request(head, everything, fresh_key=FRESH_KEY).data
        assert [takes(mended) for takes in SERVERS] == [""] * len(SERVERS)


TOO_MUCH = ("five-thousand-fields", "one-field-of-12-kib")
"""More than strict servers take, and every one a conforming field."""
ORDINARY = [case for case in CASES if case.session and case.name not in TOO_MUCH]


def opening_requests(case: Case) -> bytes:
    """The last head the client sends before frames."""
    data = b"".join(action.data for action in case.scripts[0] if isinstance(action, Send))[case.before[0] :]
    reader = HeadReader(Side.CLIENT)
    return reader.receive_data(data) or b""


def body_that_cannot_be_told(head: RequestHead) -> bool:
    """Whether bytes that are no frames follow the head, and it does not say how many."""
    return not RequestBody(head).told and not RequestBody(head).complete


@pytest.mark.parametrize(
    ("announced", "mended", "drops_body"),
    [
        (b"Content-Length: 5", True, True),
        (b"Transfer-Encoding: chunked", True, True),
        (b"Transfer-Encoding: gzip, chunked", True, True),
        (b"Transfer-Encoding: gzip", True, False),
        (b"Content-Length: none", True, False),
        (b"Content-Length: -1", True, False),
        (b"Content-Length: 0\r\nContent-Length: 0", True, False),
        (b"Content-Length: 5\r\nContent-Length: 6", False, False),
        (b"Content-Length: 999999999", False, False),
    ],
)
def test_a_body_goes_on_only_where_nothing_tells_its_end(
    announced: bytes, mended: bool, drops_body: bool
) -> None:
    repaired = repair_request(request(announced), STRICT, fresh_key=FRESH_KEY)
    assert repaired.drops_body is drops_body
    assert (repaired.data == REQUEST) is mended
    assert mended is ("handshake.request.body" in {finding.rule_id for finding in repaired.repairs})


@pytest.mark.parametrize("case", ORDINARY, ids=lambda case: case.name)
def test_every_scripted_client_gets_to_a_strict_server(case: Case) -> None:
    head = opening_requests(case)
    parsed = parse_request_head(head)
    if may_be_tunnel(parsed) or is_hixie76_request(parsed) or not is_upgrade_request(parsed):
        assert repair_request(head, STRICT, fresh_key=FRESH_KEY).data == head
        return
    repaired = repair_request(head, STRICT, fresh_key=FRESH_KEY, authority=b"skyq:9006").data
    if body_that_cannot_be_told(parsed):
        # Its bytes are on their way: without its announcement they would be taken for frames.
        assert body_that_cannot_be_told(parse_request_head(repaired))
        return
    assert [takes(repaired) for takes in SERVERS] == [""] * len(SERVERS)
