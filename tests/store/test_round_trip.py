"""What was fed in comes out again, byte for byte."""

from pathlib import Path

from tests.store.recording import AT, REQUEST, RESPONSE, START, read_streams, record_session

from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionState, TcpEnd
from wsproxy.store.reader import open_recording

HELLO = b"\x81\x05Hello"
MASKED_HELLO = bytes.fromhex("8185 37fa213d 7f9f4d5158")


def test_a_session_is_read_as_it_was_recorded(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    chunks = [(Side.CLIENT, MASKED_HELLO), (Side.SERVER, HELLO + b"\x88\x04\x03\xe8ok")]
    record_session(place, chunks, then=lambda session: session.receive_eof(Side.SERVER, "fin", AT))
    with open_recording(str(place)) as recording:
        (session,) = recording.sessions()
        assert session == recording.session("last") == recording.session(1) == recording.session("1")
        assert (session.id, session.state, session.start) == (1, SessionState.ENDED, START)
        assert session.end is not None
        assert (session.end.close_code, session.end.close_reason, session.end.closed_by) == (
            1000,
            "ok",
            Side.SERVER,
        )
        assert (session.end.client_end, session.end.server_end) == (TcpEnd.OPEN, TcpEnd.FIN)
        assert (session.server.frames, session.server.messages, session.server.received_bytes) == (2, 1, 13)
        assert [message.message.payload for message in recording.messages(1)] == [b"Hello", b"Hello"]
        assert [frame.frame.opcode for frame in recording.frames(1)] == [1, 1, 8]
        assert b"".join(recording.stream(1, Side.CLIENT)) == REQUEST + MASKED_HELLO
        assert b"".join(recording.stream(1, Side.SERVER)).startswith(RESPONSE + HELLO)


def test_a_frame_cut_short_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "recording.db"
    record_session(place, [(Side.SERVER, HELLO + HELLO[:4])])
    assert read_streams(place)[Side.SERVER] == HELLO + HELLO[:4]
