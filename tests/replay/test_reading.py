"""Live streams are read as a normalized session was, however they are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.replay.sessions import start
from tests.wire.build import CLOSE, TEXT, client_frame, frame
from tests.wire.handshakes import REQUEST, RESPONSE
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.normalizer import Normalizer
from wsproxy.conformance.profiles import load_profile
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.replay.hearing import Hearing
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.reading import reading_of
from wsproxy.replay.variation import Variation
from wsproxy.store.model import ChangeKind, ChangeRules

STRICT = load_profile("strict")
DIALECTS = dict.fromkeys(Side, RFC6455)
CLIENT, SERVER = Side.CLIENT, Side.SERVER
BETWEEN = (b"\r\n", b"\0", b"\r\n\r\n", b"\0\r\n", b"\xef\xbb\xbf", b"")
WORDS = ("one", "two", "three", "four")


def normalized(side: Side, stream: bytes) -> set[ChangeRules]:
    """The repairs that a proxy makes of what a side sends in one piece."""
    made = Normalizer(STRICT, Legs(), masking_key=lambda: bytes(4))
    out = [*made.receive_data(side, stream, 0), *made.receive_eof(side, 1)]
    return {
        ChangeRules(each.side, ChangeKind(each.kind), each.rules) for each in out if each.kind != "relayed"
    }


def heard(side: Side, stream: bytes, made: set[ChangeRules], cuts: list[int]) -> list[bytes]:
    """The messages of a live stream, cut there, when such repairs were recorded."""
    hearing = Hearing(side, RESPONSE, reading=reading_of(start(REQUEST), DIALECTS, made))
    places = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    said = [
        each
        for at_ns, (begin, end) in enumerate(pairwise(places))
        for each in hearing.receive_data(stream[begin:end], at_ns)
    ]
    return [each.payload for each in said if isinstance(each, PlayedMessage)]


@given(
    between=st.lists(st.sampled_from(BETWEEN), min_size=4, max_size=4),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    side=st.sampled_from(Side),
)
def test_the_messages_are_those_behind_what_was_left_out(
    between: list[bytes], cuts: list[int], side: Side
) -> None:
    make = client_frame if side is CLIENT else frame
    parts = zip(between, WORDS, strict=True)
    stream = b"".join(stray + make(TEXT, word.encode()) for stray, word in parts) + make(CLOSE, b"\x03\xe8")
    made = normalized(side, stream)
    assert heard(side, stream, made, cuts) == [*(word.encode() for word in WORDS), b"\x03\xe8"]


def test_what_was_not_left_out_then_is_not_now() -> None:
    made = {ChangeRules(SERVER, ChangeKind.DROPPED, ("stream.stray-zero",))}
    stream = b"\0" + frame(TEXT, b"one") + b"\r\n" + frame(TEXT, b"two")
    assert heard(SERVER, stream, made, []) == [b"one"]
    assert reading_of(start(REQUEST), DIALECTS, made, {CLIENT}) is None
    assert reading_of(start(REQUEST), DIALECTS, {each._replace(rules=()) for each in made}) is None


def test_values_are_carried_into_what_stands_behind_stray_bytes() -> None:
    said = [frame(TEXT, b'{"id":%d}' % number) for number in (1, 1)]
    stream = b"\r\n" + said[0] + b"\0\r\n" + said[1]
    reading = reading_of(start(REQUEST), DIALECTS, normalized(SERVER, stream))
    variation = Variation(["/id"], SERVER, RESPONSE, reading=reading)
    one, seven = (PlayedMessage(CLIENT, 1, TEXT, b'{"id":%d}' % number, 0, 8) for number in (1, 7))
    variation.capture(one, seven)
    carried = frame(TEXT, b'{"id":7}')
    sent = variation.receive_data(stream[:14]) + variation.receive_data(stream[14:]) + variation.receive_eof()
    assert sent == b"\r\n" + carried + b"\0\r\n" + carried
