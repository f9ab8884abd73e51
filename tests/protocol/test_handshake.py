"""The opening handshake: who asks, who grants, what is agreed on."""

import pytest
from hypothesis import given

from tests.protocol.head_strategies import heads
from tests.wire.build import lines
from tests.wire.handshakes import REQUEST, RESPONSE, SWITCHING, UPGRADE
from tests.wire.heads import REQUESTS, RESPONSES, RequestVector, ResponseVector
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.handshake import (
    Negotiated,
    compute_accept,
    is_upgrade_request,
    is_upgrade_response,
    negotiate,
    parse_request_head,
    parse_response_head,
)


@pytest.mark.parametrize(
    ("key", "accept"),
    [
        pytest.param(b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", id="RFC 6455 1.3"),
        pytest.param(b"3pDOFIejJw9aFZ84xAus+A==", b"0INWfq7txLmN/1LGLgpPUl+OfA8=", id="C01 working"),
        pytest.param(b"xNtNd7KbRC0kZu14wayhRA==", b"xCfjTlQDTFLgO1IFiV8a8eK1Ar8=", id="C01 silent"),
        pytest.param(b"Xhi+Wn7pn3FbOmssyQkG6Q==", b"3rADUUV+VGKaW0MqBwwSpMa4Mm0=", id="C49"),
        pytest.param(b"RCYYiihv1c5j+qglR6C5oA==", b"5WQdLwdYf0ahB70uBxPU8tJ9lxE=", id="C14"),
        pytest.param(b"", b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", id="C123 no key"),
        pytest.param(b"foo", b"BM0S0+ghftShuFVHQATK/DBiJq8=", id="C97 MicroPython"),
        pytest.param(b" foo\r\n", b"BM0S0+ghftShuFVHQATK/DBiJq8=", id="white space around"),
    ],
)
def test_accept(key: bytes, accept: bytes) -> None:
    assert compute_accept(key) == accept


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector.name)
def test_request_asks(vector: RequestVector) -> None:
    assert is_upgrade_request(parse_request_head(vector.raw)) is vector.upgrade


@pytest.mark.parametrize("vector", RESPONSES, ids=lambda vector: vector.name)
def test_response_grants(vector: ResponseVector) -> None:
    request, response = parse_request_head(REQUEST), parse_response_head(vector.raw)
    assert is_upgrade_response(request, response) is vector.upgrade
    negotiated = negotiate(response)
    assert (negotiated.subprotocol, negotiated.extensions) == (vector.subprotocol, vector.extensions)


@pytest.mark.parametrize(
    ("response", "granted"),
    [
        pytest.param(RESPONSE, True, id="101 that names it"),
        pytest.param(lines(SWITCHING), False, id="101 that names nothing"),
        pytest.param(lines(b"HTTP/1.1 200 OK", UPGRADE), False, id="200 that offers it"),
    ],
)
def test_response_to_a_request_for_something_else(response: bytes, granted: bool) -> None:
    request = parse_request_head(lines(b"GET / HTTP/1.1"))
    assert is_upgrade_response(request, parse_response_head(response)) is granted


def test_negotiated_compression() -> None:
    raw = lines(
        SWITCHING,
        b"Sec-WebSocket-Protocol:",
        b"Sec-WebSocket-Protocol: ocpp1.6",
        b"Sec-WebSocket-Extensions: foo",
        b"Sec-WebSocket-Extensions:",
        b'sec-websocket-extensions: permessage-deflate; server_max_window_bits="12"',
    )
    assert negotiate(parse_response_head(raw)) == Negotiated(
        "ocpp1.6",
        'foo, permessage-deflate; server_max_window_bits="12"',
        DeflateParameters(server_max_window_bits=12),
    )


def test_nothing_negotiated() -> None:
    assert negotiate(parse_response_head(RESPONSE)) == Negotiated(None, None, None)


@given(heads, heads)
def test_never_raises(asked: bytes, answered: bytes) -> None:
    request, response = parse_request_head(asked), parse_response_head(answered)
    assert is_upgrade_request(request) in (True, False)
    assert is_upgrade_response(request, response) in (True, False)
    assert negotiate(response)
    assert compute_accept(request.get("Sec-WebSocket-Key") or b"")
