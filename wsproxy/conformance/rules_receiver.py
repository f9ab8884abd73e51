"""Rules that only a repair knows of: what one peer needs and the RFCs do not ask for.

Such a repair does nothing until a profile sets its option; the wire conforms, so there is no finding.
"""

from wsproxy.conformance.rule import Rule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

RECEIVER_RULES = (
    Rule(
        "frame.draft-opcode",
        "draft-hybi-06 4.2",
        _ERROR,
        "The opcodes are those of an early draft; see the option `opcodes`.",
        "84 05 48 65 6C 6C 6F",
        (("arduinoWebSockets", ""),),
        repair=True,
        heuristic=True,
    ),
    Rule(
        "frame.dialect",
        "RFC 6455 5.2",
        _ERROR,
        "The two sides frame in different dialects, as `--client-dialect` and `--server-dialect` say.",
        "00 48 65 6C 6C 6F FF, or 81 7F 00 01 00 00 ...",
        (("Chrome", "Invalid frame header"), ("ws", "400 Bad Request")),
        repair=True,
    ),
    Rule(
        "frame.too-large",
        "RFC 6455 5.4",
        _NOTE,
        "The frame is larger than its receiver takes; see the option `frame_limit`.",
        "81 7E 80 01 ...",
        (
            ("AWS API Gateway", "1009"),
            ("netty", "Max frame length of 65536 has been exceeded"),
            ("node-websocket", "Frame size of 131000 bytes exceeds maximum accepted frame size"),
        ),
        repair=True,
    ),
    Rule(
        "frame.key-not-zero",
        "RFC 6455 5.3",
        _NOTE,
        "The receiver unmasks wrongly what comes in two reads; see the option `zero_key`.",
        "81 FE 01 2C B7 00 BB 51 ..., read in two parts",
        (("boost.beast", ""), ("uWebSockets", ""), ("Moddable", "")),
        repair=True,
    ),
    Rule(
        "frame.not-alone",
        "RFC 6455 5.2",
        _NOTE,
        "The receiver takes one frame a read and loses the others; see the option `frame_gap`.",
        "81 02 ..., 81 02 ... in one segment",
        (
            ("Kodi", "WebSocket: Frame with invalid length received"),
            ("aiohttp 2", "Received frame with non-zero reserved bits"),
            ("mosquitto", "First packet not CONNECT"),
        ),
        repair=True,
    ),
    Rule(
        "control.inside-message",
        "RFC 6455 5.4",
        _NOTE,
        "The receiver takes no control frame inside a message; see the option `no_control_inside`.",
        "01 05 ..., 89 00, 80 05 ...",
        (("WebSocket4Net", ""), ("embedded-websocket", "")),
        repair=True,
    ),
    Rule(
        "message.fragmented",
        "RFC 6455 5.4",
        _NOTE,
        "The receiver takes no fragments; see the option `whole_messages`.",
        "01 05 ..., 80 05 ...",
        (
            ("web-socket-js", "Received continuation frame, which is not implemented."),
            ("oatpp", "Invalid communication state. OPCODE_CONTINUATION expected"),
            ("Chrome DevTools", ""),
        ),
        repair=True,
    ),
    Rule(
        "message.wrong-opcode",
        "RFC 6455 5.6",
        _WARNING,
        "The subprotocol asks for text, or for binary, and this is the other; see the option `retype`.",
        "81 8C and an MQTT CONNECT",
        (
            ("AWS IoT", "Text or Continuation frame is not supported"),
            ("SIP.js", "no CRLF found, not a SIP message, discarded"),
            ("Home Connect", "Message not of Type binary"),
        ),
        repair=True,
    ),
    Rule(
        "close.empty",
        "RFC 6455 5.5.1",
        _NOTE,
        "The receiver takes no Close frame without a close code; see the option `close_with_code`.",
        "88 00",
        (
            ("cWS", "cWs invalid status code or invalid UTF-8 sequence"),
            ("okhttp", "Code 1005 is reserved and may not be used."),
        ),
        repair=True,
    ),
    Rule(
        "close.unknown-code",
        "RFC 6455 7.4.2",
        _NOTE,
        "The receiver does not know this close code; see the option `close_codes`.",
        "88 02 03 F5",
        (("okhttp", "Code 1013 is reserved and may not be used."),),
        repair=True,
    ),
    Rule(
        "close.graceful",
        "RFC 6455 7.1.1",
        _NOTE,
        "The receiver takes a Close for a farewell for ever; see the option `drop_at_close`.",
        "88 02 03 E8",
        (("JIGU WeGood charger", ""),),
        repair=True,
    ),
    Rule(
        "keepalive.heartbeat",
        "RFC 6455 5.5.2",
        _NOTE,
        "A heartbeat was sent as a message; see the option `heartbeats`.",
        "81 04 0D 0A 0D 0A",
        (("JsSIP", ""), ("kamailio", "message too short: 0")),
        repair=True,
    ),
    Rule(
        "keepalive.ping-interval",
        "RFC 6455 5.5.2",
        _NOTE,
        "The receiver hangs up unless it is pinged; see the option `ping_interval`.",
        "nothing for 30 seconds",
        (("Wallbox Copper SB", "1006"),),
        repair=True,
    ),
    Rule(
        "stream.frame-too-early",
        "RFC 6455 4.1",
        _NOTE,
        "The receiver loses frames right behind the response; see the option `first_frame_delay`.",
        "the 101 and 81 11 7B 22 ... in one segment",
        (("ESP32 websocket client", ""), ("websocket-sharp", ""), ("bun", "Invalid response")),
        repair=True,
    ),
)
"""In the order in which they are documented."""
