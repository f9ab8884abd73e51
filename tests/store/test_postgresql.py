"""Recordings in a real PostgreSQL."""

from tests.store.recording import record_session, read_streams
from wsproxy.protocol.frame import Side


def test_round(postgresql_url: str) -> None:
    data = b"\x81\x05Hello" * 1000 + b"\x82\x7f" + (200_000).to_bytes(8, "big") + b"x" * 200_000
    record_session(postgresql_url, [(Side.CLIENT, data), (Side.SERVER, b"\x81")])
    assert read_streams(postgresql_url) == {Side.CLIENT: data, Side.SERVER: b"\x81"}
