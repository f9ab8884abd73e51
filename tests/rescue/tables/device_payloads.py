"""Devices whose payload data departs from the standard: text, JSON, compression."""

import zlib
from collections.abc import Callable

from tests.devices.device import switching
from tests.devices.habits import Message, Voice, octets, opcode_of
from tests.devices.lenient import Head
from tests.rescue.case import Case, Task
from tests.rescue.tables.made import PINGS, device, payload_of, says
from tests.wire.build import CONT, PONG, TEXT, deflated, frame

_NORDIC = Task(says=("åäö",), hears=("åäö",))
_JSON = Task(says=('{"k":"v"}',), hears=('{"k":"v"}',))
_TWO = Task(says=('{"a":1}',), hears=('{"a":1}', '{"a":1}'))
_TALK = Task(says=("tick tock tick tock",) * 3, hears=("tick tock tick tock",) * 3, deflate=True)
_THREE_SAID = ("nothing of this", "comes again but this: marzipan", "marzipan once more: marzipan")
_THREE = Task(says=_THREE_SAID, hears=_THREE_SAID, deflate=True)
_EMPTY_TOO = Task(says=("tick tock", "", "tick tock"), hears=("tick tock", "", "tick tock"), deflate=True)
_TAIL = b"\x00\x00\xff\xff"


def _grants(head: Head) -> bytes:
    """A response that grants permessage-deflate to whoever offers it."""
    offered = b"permessage-deflate" in (head.get("Sec-WebSocket-Extensions") or b"")
    return switching(head, *((b"Sec-WebSocket-Extensions: permessage-deflate",) if offered else ()))


def _cut_in_a_character(message: Message) -> bytes:
    """A message in two, as a terminal's reads happen to cut it."""
    payload = octets(message)
    return frame(TEXT, payload[:-1]) + frame(TEXT, payload[-1:])


def _remembering(make: Callable[[bytes, int], bytes]) -> Callable[[], Voice]:
    """Compressed messages, each made from its compressed payload and its number."""

    def voice() -> Voice:
        said: list[bytes] = []

        def speak(message: Message) -> bytes:
            said.append(octets(message))
            return make(deflated(*said)[-1], len(said))

        return speak

    return voice


def _alone(message: Message) -> bytes:
    return deflated(octets(message))[0]


def _ended(message: Message) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(octets(message)) + squeezer.flush()


def _on_every_frame(payload: bytes, _number: int) -> bytes:
    return frame(TEXT, payload[:4], fin=False, rsv=4) + frame(CONT, payload[4:], rsv=4)


def _flushed_in_part() -> Voice:
    """Each message ends in the middle of a byte, with which the next one begins."""
    squeezer = zlib.compressobj(wbits=-15)
    return lambda m: frame(TEXT, squeezer.compress(octets(m)) + squeezer.flush(zlib.Z_PARTIAL_FLUSH), rsv=4)


def _in_pieces(*marked: bool) -> Callable[[bytes, int], bytes]:
    """A message in as many frames, some of which have RSV1."""

    def cut(payload: bytes, _number: int) -> bytes:
        cuts = [len(payload) * n // len(marked) for n in range(len(marked) + 1)]
        return b"".join(
            frame(
                CONT if n else TEXT,
                payload[cuts[n] : cuts[n + 1]],
                fin=n == len(marked) - 1,
                rsv=4 if marked[n] else 0,
            )
            for n in range(len(marked))
        )

    return cut


TEXTS = (
    device(
        "latin-1-text",
        "frames U02, frames X02",
        "Warfley/LazWebsockets#12",
        task=_NORDIC,
        normalize='[options.server]\nutf8 = "transcode:latin-1"',
        voice=payload_of(lambda data: data.decode().encode("latin-1")),
    ),
    device(
        "text-that-is-not-utf-8",
        "frames U06, frames U07",
        "automicus/PyISY#124",
        quick=True,
        task=Task(("node ",), ("node \ufffd",)),
        voice=payload_of(lambda data: data + b"\xff"),
    ),
    device(
        "utf-8-cut-between-messages",
        "frames U01",
        "ehazlett/shipyard#826",
        task=Task(("vim 中",), ("vim ", "中")),
        normalize='[options.server]\nutf8 = "carry"',
        voice=says(_cut_in_a_character),
    ),
    device(
        "lone-surrogates",
        "frames U05",
        "sockjs/sockjs-node#27",
        task=Task(("smile ",), ("smile \ufffd\ufffd\ufffd",)),
        voice=payload_of(lambda data: data + b"\xed\xa0\x80"),
    ),
    device(
        "characters-counted-as-bytes",
        "frames U03",
        "radu-matei/websocket-manager#40",
        task=Task(("中文",), ("\ufffd",)),
        voice=payload_of(lambda data: data[: len(data.decode())]),
    ),
    device(
        "utf-16-text",
        "frames U02",
        "Warfley/LazWebsockets#12",
        task=Task(("hello world", "größer"), ("hello world", "größer")),
        normalize='[options.server]\nutf8 = "guess"',
        voice=payload_of(lambda data: data.decode().encode("utf-16-le")),
    ),
    device(
        "utf-8-of-java",
        "frames U05",
        "sockjs/sockjs-node#27",
        task=Task(("a\0b",), ("a\0b \U0001f600",)),
        normalize='[options.server]\nutf8 = "guess"',
        voice=payload_of(lambda data: data.replace(b"\0", b"\xc0\x80") + b" \xed\xa0\xbd\xed\xb8\x80"),
    ),
    device(
        "nul-padding",
        "frames N02, frames N01",
        "NanoHttpd/nanohttpd#158",
        task=_JSON,
        normalize="browser",
        voice=payload_of(lambda data: data + bytes(9)),
    ),
    device(
        "byte-order-mark",
        "frames U10",
        "secure-json-parse#5",
        task=_JSON,
        normalize="browser",
        voice=payload_of(lambda data: b"\xef\xbb\xbf" + data),
    ),
    device(
        "two-documents-in-a-message",
        "frames J01, frames J02, frames J03",
        "NethermindEth/nethermind#6169",
        task=_TWO,
        normalize='[rules]\n"message.several-json" = true',
        voice=payload_of(lambda data: data + data),
    ),
    device(
        "one-document-in-two-messages",
        "frames J05",
        "mehmetkose/react-websocket#3",
        task=_JSON,
        normalize='[rules]\n"message.split-json" = true',
        voice=says(lambda m: frame(TEXT, octets(m)[:4]) + frame(TEXT, octets(m)[4:])),
    ),
    device(
        "sip-as-binary",
        "frames V03",
        "onsip/SIP.js#655",
        task=Task(("OPTIONS sip:a",), ("OPTIONS sip:a",), subprotocols=("sip",)),
        answer=lambda head: switching(head, b"Sec-WebSocket-Protocol: sip"),
        voice=says(lambda message: frame(2, octets(message))),
    ),
)

COMPRESSION = (
    device(
        "rsv1-on-continuations",
        "frames Z07",
        "jetty/jetty.project#3159",
        quick=True,
        task=_TALK,
        answer=_grants,
        voice=_remembering(_on_every_frame),
    ),
    device(
        "tail-kept",
        "frames Z14",
        "square/okhttp#4871",
        task=_TALK,
        answer=_grants,
        voice=_remembering(lambda data, _: frame(TEXT, data + _TAIL, rsv=4)),
    ),
    device(
        "ended-deflate-stream",
        "frames Z15, frames Z04",
        "websockets/ws#2294",
        task=_TALK,
        answer=_grants,
        voice=says(lambda m: frame(TEXT, _ended(m), rsv=4)),
    ),
    device(
        "no-takeover-unannounced",
        "frames Z05, handshake C101",
        "Kitura/Kitura-WebSocket-NIO#22",
        task=_TALK,
        normalize='[options.server]\nextensions = ""',
        answer=_grants,
        forgets=True,
    ),
    device(
        "empty-compressed",
        "frames Z09, frames Z10, frames Z11",
        "machinezone/IXWebSocket#167",
        task=_EMPTY_TOO,
        answer=_grants,
        voice=says(lambda m: frame(TEXT, _alone(m) if m else b"", rsv=4)),
    ),
    device(
        "compressed-though-not-agreed",
        "frames Z26, frames Z22",
        "zwopple/PocketSocket#52",
        quick=True,
        task=Task(("tick tock tick tock",), ("tick tock tick tock",)),
        voice=says(lambda m: frame(opcode_of(m), _alone(m), rsv=4)),
    ),
    device(
        "uncompressed-though-counted",
        "frames Z02, frames Z03",
        "RFC 7692 section 7.2.1",
        task=_THREE,
        beyond={"*": "nothing on the wire tells that the window holds uncompressed messages too"},
        answer=_grants,
        voice=_remembering(
            lambda data, number: (
                frame(TEXT, data, rsv=4) if number != 2 else frame(TEXT, _THREE_SAID[1].encode())
            )
        ),
    ),
    device(
        "zlib-files-as-messages",
        "frames Z14",
        "RFC 7692 section 7.2.1",
        quick=True,
        task=_TALK,
        answer=_grants,
        voice=says(lambda m: frame(TEXT, zlib.compress(octets(m)), rsv=4)),
    ),
    device(
        "plain-though-marked-as-compressed",
        "frames Z25",
        "RFC 7692 section 6.1",
        task=_TALK,
        answer=_grants,
        voice=says(lambda m: frame(TEXT, octets(m), rsv=4)),
    ),
    device(
        "compressed-though-not-marked",
        "frames Z25",
        "RFC 7692 section 6.1",
        task=_TALK,
        answer=_grants,
        voice=_remembering(lambda data, _: frame(TEXT, data)),
    ),
    device(
        "flushed-in-part",
        "frames Z13",
        "RFC 7692 section 7.2.1",
        quick=True,
        task=_THREE,
        answer=_grants,
        voice=_flushed_in_part,
    ),
    device(
        "compressed-in-pieces-and-not-marked",
        "frames Z25",
        "RFC 7692 section 6.1",
        task=_THREE,
        answer=_grants,
        voice=_remembering(_in_pieces(False, False)),
    ),
    device(
        "compressed-in-pieces-and-marked-at-the-end",
        "frames Z07",
        "RFC 7692 section 6.1",
        quick=True,
        task=_THREE,
        answer=_grants,
        voice=_remembering(_in_pieces(False, False, True)),
    ),
    device(
        "rsv1-on-a-pong",
        "frames Z07",
        "RFC 7692 section 6.1",
        task=PINGS,
        pong=lambda payload: frame(PONG, payload, rsv=4),
    ),
    device(
        "undecipherable-compressed-message",
        "frames X05",
        "vm0-ai/vm0#23958",
        task=Task(("hello",), ("hello",), deflate=True),
        answer=_grants,
        greeting=frame(2, b"\x04", rsv=4),
    ),
)

CASES: tuple[Case, ...] = (*TEXTS, *COMPRESSION)
