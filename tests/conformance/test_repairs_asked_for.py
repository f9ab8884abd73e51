"""Repairs that a profile must ask for: what came, what goes on."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.normalizing import CLIENT, SERVER, Line, negotiated, profile
from tests.wire.build import BINARY, CLOSE, CONT, PING, TEXT, client_frame, close, deflated, frame
from tests.wire.handshakes import request, response
from wsproxy.conformance.charset import decode_as, guess_charset
from wsproxy.conformance.json_depth import JsonDepth
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.profiles import Profile
from wsproxy.conformance.repairs_handshake import repair_response
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import parse_response_head

DOCUMENT = json.dumps({"id": 1, "names": ['a"}]\\', {"b": []}], "c": "\\"}).encode()
JOINING = profile(on=["message.split-json"])


def test_the_payload_was_not_masked_although_it_says_so() -> None:  # P19
    text = "es geht: grüezi".encode()
    clear = client_frame(TEXT, text)[:6] + text
    line = Line()
    assert line.send(CLIENT, clear) == client_frame(TEXT, text)
    assert line.rules(CLIENT) == ["frame.payload-unmasked"]
    assert Line().send(CLIENT, client_frame(TEXT, text)) == client_frame(TEXT, text)


@pytest.mark.parametrize("sizes", [(), (1,), (3,)])
def test_a_character_cut_in_two_goes_on_with_the_next_message(sizes) -> None:  # U01
    line = Line(profile(utf8="carry"))
    text = "ein 中".encode()
    line.send(SERVER, frame(TEXT, text[:-1]) + frame(PING) + frame(TEXT, text[-1:] + b" und"), sizes)
    line.send(SERVER, frame(TEXT, b"\xff") + frame(TEXT, text[:-2]) + frame(TEXT, b"nothing"), sizes)
    got = [payload.decode() for _, payload in line.peers[CLIENT].messages()]
    assert got == ["ein ", "中 und", "\ufffd", "ein ", "nothing"]


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Übergrößenträger für Türen", "cp1252"),
        ("Привет, мир", "cp1251"),
        ("中文字符测试", "gb18030"),
        ("plain text", "utf-16-le"),
        ("plain text", "utf-16-be"),
        ("plain text", "utf-16"),
    ],
)
def test_a_charset_is_guessed(text: str, charset: str) -> None:  # U02 U07 K23
    data = text.encode(charset)
    assert guess_charset(data) == charset
    line = Line(profile(utf8="guess"))
    line.send(SERVER, frame(TEXT, data))
    said = line.peers[CLIENT].messages()[0][1].decode().removeprefix("\ufeff")
    assert said == text
    # ASCII and zeros are UTF-8, too: unless asked, nothing departs, and nothing is changed.
    if charset in ("utf-16-le", "utf-16-be"):
        assert Line().send(SERVER, frame(TEXT, data)) == frame(TEXT, data)
        wide = Line(profile(utf8=f"transcode:{charset}"))
        assert wide.send(SERVER, frame(TEXT, data) + frame(TEXT, b"as it is")) == (
            frame(TEXT, text.encode()) + frame(TEXT, b"as it is")
        )


def test_a_character_cut_in_four() -> None:  # U01
    line = Line(profile(utf8="carry"))
    line.send(SERVER, b"".join(frame(TEXT, bytes([each])) for each in "\U0001f600".encode()))
    assert [payload.decode() for _, payload in line.peers[CLIENT].messages()] == ["", "", "", "\U0001f600"]


def test_text_of_java() -> None:  # U05
    said = b"a\xc0\x80 " + "\ud83d\ude00".encode("utf-8", "surrogatepass")
    assert decode_as(said, guess_charset(said) or "") == "a\0 \U0001f600"


def test_surrogates_are_put_together() -> None:  # U05
    pair = "\ud83d\ude00".encode("utf-8", "surrogatepass")
    assert decode_as(pair, guess_charset(pair) or "") == "\U0001f600"
    assert decode_as(pair[:3] + b"!", guess_charset(pair[:3] + b"!") or "") == "\ufffd!"
    assert guess_charset(b"") is None


@given(st.binary(max_size=60))
def test_any_guess_can_be_decoded(data: bytes) -> None:
    guess = guess_charset(data)
    if guess is not None:
        assert decode_as(data, guess).encode("utf-8", "replace").decode() is not None


@pytest.mark.parametrize("cut", range(1, len(DOCUMENT)))
def test_the_end_of_a_document_is_found_however_it_is_cut(cut: int) -> None:
    depth = JsonDepth()
    depth.receive(DOCUMENT[:cut])
    assert not depth.whole
    depth.receive(DOCUMENT[cut:])
    assert depth.whole
    assert not depth.broken
    depth.receive(b" \n")
    assert not depth.broken
    depth.receive(b"{")
    assert depth.broken


@pytest.mark.parametrize("sizes", [(), (1,), (7,)])
def test_json_in_several_messages_is_put_together(sizes) -> None:  # G10 J05
    line = Line(JOINING)
    parts = [DOCUMENT[start : start + 9] for start in range(0, len(DOCUMENT), 9)]
    line.send(SERVER, frame(PING, b"?").join(frame(TEXT, part) for part in parts), sizes)
    line.send(SERVER, frame(TEXT, b"[]") + frame(TEXT, b"no JSON"), sizes)
    assert line.peers[CLIENT].messages() == [(TEXT, DOCUMENT), (TEXT, b"[]"), (TEXT, b"no JSON")]
    assert set(line.rules(SERVER)) == {"message.split-json"}


def test_the_rest_came_as_a_continuation() -> None:  # G09
    line = Line(JOINING)
    line.send(CLIENT, client_frame(TEXT, DOCUMENT[:20]) + client_frame(CONT, DOCUMENT[20:]))
    assert line.peers[SERVER].messages() == [(TEXT, DOCUMENT)]


@pytest.mark.parametrize(
    "behind",
    [frame(CLOSE, close(1000)), frame(BINARY, b"x", fin=False) + frame(CONT, b"y"), frame(TEXT, b"}]")],
)
def test_json_that_is_never_whole_goes_on_as_it_came(behind: bytes) -> None:
    line = Line(JOINING)
    line.send(SERVER, frame(TEXT, b"[1,") + frame(TEXT, b"2") + behind)
    line.wait(10)
    assert line.peers[CLIENT].messages()[:2] == [(TEXT, b"[1,"), (TEXT, b"2")]


def test_json_that_is_not_whole_waits_for_so_long_and_no_longer() -> None:
    line = Line(profile(on=["message.split-json"], hold_time=2.0))
    came = frame(TEXT, b'{"id":')
    assert line.send(SERVER, came) == b""
    line.wait(1)
    assert line.peers[CLIENT].received == b""
    line.wait(2)
    assert line.peers[CLIENT].received == came
    small = Line(profile(on=["message.split-json"], hold_limit=1000))
    small.send(SERVER, came * 10)
    assert small.peers[CLIENT].received


def test_compressed_messages_are_not_joined() -> None:
    line = Line(JOINING, Legs.alike(negotiated("permessage-deflate")))
    packed = frame(TEXT, deflated(b"1]")[0], rsv=4)
    line.send(SERVER, frame(TEXT, b"[1,") + packed)
    assert line.peers[CLIENT].messages() == [(TEXT, b"[1,"), (TEXT, b"1]")]


def test_one_frame_at_a_time() -> None:  # W02 W03 J06
    line = Line(profile(frame_gap=0.1))
    three = [frame(TEXT, bytes([97 + turn])) for turn in range(3)]
    assert line.send(SERVER, b"".join(three)) == three[0]
    line.wait(0.1)
    assert line.peers[CLIENT].received == three[0] + three[1]
    line.wait(5)
    assert line.peers[CLIENT].received == b"".join(three)
    assert [out.data for out in line.out] == three
    line.send(SERVER, b"".join(three) + frame(CLOSE, close(1000)))
    assert not line.normalizer.closed(SERVER)
    line.end(SERVER)
    assert line.peers[CLIENT].received.endswith(frame(CLOSE, close(1000)))
    assert line.normalizer.closed(SERVER)


def test_what_waits_for_a_slow_peer_is_bounded() -> None:
    line = Line(profile(frame_gap=1.0, hold_limit=10_000))
    line.send(SERVER, frame(TEXT, b"x" * 100) * 200)
    waiting = 200 * 102 - len(line.peers[CLIENT].received)
    assert 0 < waiting <= 10_000


def one_sided(side: Side, **options: object) -> Profile:
    """`strict` with options for one side."""
    strict = profile()
    return replace(strict, options={side: options, side.other: {}})


def test_a_peer_that_must_see_no_close() -> None:  # E06
    line = Line(one_sided(CLIENT, drop_at_close=True))
    assert line.send(SERVER, frame(TEXT, b"x") + frame(CLOSE, close(1000))) == frame(TEXT, b"x")
    assert line.normalizer.closed(SERVER)
    assert line.normalizer.hangs_up(SERVER)
    assert line.rules(SERVER) == ["close.graceful"]
    # The one that closed is answered, so both connections may end.
    assert line.peers[SERVER].protocol.close_rcvd is not None
    assert line.normalizer.closed(CLIENT)
    assert line.end(CLIENT) == b""
    ordinary = Line()
    ordinary.send(SERVER, frame(CLOSE, close(1000)))
    assert not ordinary.normalizer.hangs_up(SERVER)


def test_a_subprotocol_by_another_of_its_names() -> None:  # C125 C131
    offer, answer = b"Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0", b"Sec-WebSocket-Protocol: OCPP1.6J"
    asked, answered = request(offer), response(answer)
    for aliases, selected in (([], None), ([["ocpp1.6", "ocpp1.6j"]], b"ocpp1.6")):
        chosen = profile(subprotocol_aliases=aliases)
        repaired = repair_response(answered, received_request=asked, sent_request=asked, profile=chosen)
        assert parse_response_head(repaired.data).get("sec-websocket-protocol") == selected
