from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.recordings import BEGAN_NS, recorder, start
from wsproxy.replay.leading import exchanges_before
from wsproxy.store.model import HttpExchange
from wsproxy.store.reader import open_recording

SECOND = 1_000_000_000
ADDRESS = start().client_address


def exchange(
    name: str, before_s: int, *, response: bytes = b"HTTP/1.1 401 Unauthorized\r\n\r\n"
) -> HttpExchange:
    at_ns = BEGAN_NS - before_s * SECOND
    head = f"GET /{name} HTTP/1.1\r\n\r\n".encode()
    return HttpExchange(at_ns, at_ns, ADDRESS, "192.0.2.7:80", "http://skyq/", head, b"", response, b"", 0, 0)


CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("exchanges", "found"),
    [
        ([exchange("a", 2), exchange("b", 1)], ["a", "b"]),
        ([exchange("a", 300), exchange("b", 1)], ["b"]),
        ([exchange("a", 300)], []),
        ([exchange("a", 2, response=CLOSED), exchange("b", 1)], ["b"]),
        ([exchange("a", 2, response=CLOSED)], []),
        ([exchange("a", 20), exchange("b", 1)], ["b"]),
        ([replace(exchange("a", 1), client_address="127.0.0.1:9")], []),
        ([exchange("a", -1)], []),
    ],
)
def test_what_led_to_a_session_is_found(
    tmp_path: Path, exchanges: list[HttpExchange], found: list[str]
) -> None:
    with recorder(tmp_path / "a.db") as recording:
        for each in exchanges:
            recording.exchange(each)
        for before_s in (10, 0):
            recording.open_session(start(started_at_ns=BEGAN_NS - before_s * SECOND)).end(BEGAN_NS)
    with open_recording(str(tmp_path / "a.db")) as opened:
        heads = [each.request_head for each in exchanges_before(opened, opened.session("last"))]
    assert [head.split()[1].decode()[1:] for head in heads] == found
