"""The bench's own bytes, held against a library's reading of them."""

import pytest
from websockets.frames import Frame
from websockets.protocol import OPEN, Protocol, Side

from bench import wire


def decode(side: Side, data: bytes) -> list[tuple[int, bytes]]:
    connection = Protocol(side, state=OPEN, max_size=None)
    connection.receive_data(data)
    frames = connection.events_received()
    assert connection.parser_exc is None
    return [(int(one.opcode), bytes(one.data)) for one in frames if isinstance(one, Frame)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_frames_are_read_by_a_client_and_by_a_server(size: int) -> None:
    payload = b"y" * size
    assert decode(Side.CLIENT, wire.server_frame(payload)) == [(1, payload)]
    assert decode(Side.SERVER, wire.client_frame(payload, wire.BINARY)) == [(2, payload)]


@pytest.mark.parametrize(("size", "count"), [(100, 0), (100, 1), (100, 25_001), (1 << 20, 3)])
def test_a_flood_is_its_messages_and_its_end(size: int, count: int) -> None:
    data = b"".join(wire.flood(size, count, 7))
    assert len(data) == wire.flood_length(size, count, 7)
    messages = decode(Side.CLIENT, data)
    assert len(messages) == count + 1
    assert messages[-1][1] == wire.end_payload(7)
    assert all(len(payload) == size for _, payload in messages[:-1])


def test_the_response_accepts_the_request() -> None:
    # The accept value of this key, worked out with openssl.
    assert b"Sec-WebSocket-Key: YSBiZW5jaCdzIG5vbmNlLg==\r\n" in wire.REQUEST
    assert b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n" in wire.RESPONSE


ACCEPT = b"AVyXXoUhz+D+KWDBcyl3HQW5hIQ="
