"""A sample of the table through every other way in: explicit proxies, TLS on either leg, intercept."""

import pytest

from tests.devices.loop import LoopThread
from tests.devices.script import Close, Expect, ExpectEnd, HalfClose, Reset, Script, Send
from tests.scenarios.checks import check_recording, check_relay
from tests.scenarios.harness import meet
from tests.scenarios.modes import MODES, Mode
from tests.scenarios.rig import Rigs
from tests.wire.build import TEXT, client_frame, frame, words
from tests.wire.cases import BY_NAME
from tests.wire.conversation import Case
from tests.wire.handshakes import REQUEST, RESPONSE

SAMPLE = (
    "sky-q-answers-go",
    "field-names-in-lower-case",
    "mixed-line-ends-in-request",
    "two-byte-first-segment",
    "crlf-before-the-request",
    "headless-device",
    "hixie-76",
    "expects-100-and-gets-it",
    "digest-then-upgrade",
    "400-without-fields",
    "no-reason",
    "bare-lf-101-glued",
    "103-and-102-before-101",
    "200-that-is-a-101",
    "frame-glued-to-101",
    "crlf-behind-101",
    "chunked-and-really-so-glued",
    "server-masks",
    "reserved-opcodes-from-client",
    "ping-of-70000",
    "ping-between-fragments",
    "length-with-the-top-bit",
    "not-minimal",
    "takeover",
    "http-behind-close",
    "everything-in-one-byte-segments",
    "cut-in-a-payload-and-gone",
    "client-half-closes-device-goes-on",
    "device-resets",
    "client-resets",
    "1-mib-each-way",
    "flood-both-ways",
)

OTHER_MODES = tuple(
    name for name in MODES if name not in ("reverse", "command", "layer", "dawdling", "normalizing")
)

# Where messages wait for addons, no end of a direction must overtake them, whichever comes second.
ENDS = (
    "device-half-closes-client-goes-on",
    "client-half-closes-device-goes-on",
    "many-messages-behind-the-fin-of-the-device",
    "many-messages-behind-the-fin-of-the-client",
    "no-close-device-hangs-up",
    "no-close-client-hangs-up",
    "device-resets-after-half-close",
    "client-resets-after-half-close",
)


def fits(mode: Mode, case: Case) -> bool:
    """Whether the mode can carry it: TLS has no half-close, and addons do not see 40000 messages in time."""
    slow = mode.name in ("watched", "intercept") and case.name == "flood-both-ways"
    return not (slow or (mode.tls and case.speaks_after_fin))


PAIRS = [
    pytest.param(mode, BY_NAME[name], id=f"{mode}-{name}")
    for mode in OTHER_MODES
    for name in SAMPLE
    if fits(MODES[mode], BY_NAME[name])
] + [
    pytest.param(mode, BY_NAME[name], id=f"{mode}-{name}")
    for mode in ("intercept", "dawdling")
    for name in ENDS
    if mode != "intercept" or name not in SAMPLE
]


@pytest.mark.parametrize(("mode", "case"), PAIRS)
def test_both_sockets_see_the_same_bytes(rigs: Rigs, mode: str, case: Case) -> None:
    check_relay(rigs[mode], case)


@pytest.mark.parametrize(("mode", "case"), PAIRS)
def test_recording_gives_back_what_the_sockets_saw(rigs: Rigs, mode: str, case: Case) -> None:
    check_recording(rigs[mode], case)


LAST_WORDS = b"".join(client_frame(TEXT, words(n)) for n in range(20))
BOTH_TALK: tuple[Script, Script] = (
    [Send(REQUEST), Expect(RESPONSE), Send(LAST_WORDS), Reset()],
    [Expect(REQUEST), Send(RESPONSE), *[Send(frame(TEXT, b"unheard"))] * 5, Expect(LAST_WORDS), ExpectEnd()],
)
AFTER_FIN: tuple[Script, Script] = (
    [Send(REQUEST), Expect(RESPONSE), ExpectEnd(), Send(LAST_WORDS), Reset()],
    [Expect(REQUEST), Send(RESPONSE), HalfClose(), Expect(LAST_WORDS), ExpectEnd(), Close()],
)


@pytest.mark.parametrize("scripts", [BOTH_TALK, AFTER_FIN], ids=["while the device talks", "after its FIN"])
def test_a_reset_does_not_overtake_messages_that_wait_for_addons(
    rigs: Rigs, loop: LoopThread, scripts: tuple[Script, Script]
) -> None:
    rig = rigs["dawdling"]
    outcome = loop.run(meet(rig.device, rig.route, *scripts))
    assert outcome.device.received.bytes == REQUEST + LAST_WORDS
