"""The options a profile can set, each for one side or for both: one line an option.

`[options.client]` is about the client: what it sends, or what it can take, as the sentence says.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from wsproxy.protocol.opcodes import ASSIGNED_CLOSE_CODES

type OptionCheck = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `check` says whether a value from a TOML file will do, `takes` what would, in words."""

    name: str
    default: Any
    takes: str
    check: OptionCheck
    sentence: str


def is_count(value: Any) -> bool:
    """A whole number, not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_amount(value: Any) -> bool:
    """A number, not negative, and not endless."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def is_switch(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def one_of(*names: str) -> OptionCheck:
    """One of these words."""
    return lambda value: isinstance(value, str) and value in names


def is_table_of(check: OptionCheck) -> OptionCheck:
    """A table, every value of which will do."""
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


def _is_utf8_policy(value: Any) -> bool:
    if not isinstance(value, str) or not value.startswith("transcode:"):
        return isinstance(value, str) and value in ("replace", "binary", "close", "carry", "guess")
    charset = value.removeprefix("transcode:")
    try:
        # Some text encodings take no bytes at all, or not any: idna, undefined, and punycode before 3.13.
        return codecs.lookup(charset)._is_text_encoding and bool(bytes(range(256)).decode(charset, "replace"))
    except (LookupError, ValueError):
        return False


def _is_close_code(value: Any) -> bool:
    """One that may go on the wire."""
    return is_count(value) and (value in ASSIGNED_CLOSE_CODES or 3000 <= value <= 4999)


def _is_heartbeat_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(each, Mapping)
        and isinstance(each.get("message"), str)
        and isinstance(each.get("answer", ""), str)
        and set(each) <= {"message", "answer"}
        for each in value
    )


def _is_code_map(value: Any) -> bool:
    return is_table_of(_is_close_code)(value) and all(re.fullmatch("[0-9]{1,5}", key) for key in value)


def _is_opcode_map(value: Any) -> bool:
    return is_table_of(is_count)(value) and all(
        re.fullmatch("[0-9]{1,2}", key) and int(key) <= 15 and opcode <= 15 for key, opcode in value.items()
    )


def _is_alias_table(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(names, list | tuple) and all(is_field_value(name) for name in names) for names in value
    )


def is_field_value(value: Any) -> bool:
    """A text that fits in a header field."""
    return isinstance(value, str) and value.isascii() and (not value or value.isprintable())


_FIELD = "keep, or a text of printable ASCII"
_WHOLE, _SECONDS = "a whole number", "a number of seconds"
_SWITCH = "true or false"
_ACTIONS = one_of("close", "mend")

_TABLE = (
    Option("hold_limit", 1 << 24, _WHOLE, is_count, "At most so many bytes of a message of it are held."),
    Option("hold_time", 5.0, _SECONDS, is_amount, "A message of it that is not whole is held for so long."),
    Option(
        "utf8",
        "replace",
        "replace, binary, close, carry, guess, or transcode:CHARSET",
        _is_utf8_policy,
        "What becomes of its text that is not UTF-8.",
    ),
    Option(
        "reserved_opcodes",
        "drop",
        "drop or binary",
        one_of("drop", "binary"),
        "What becomes of its frames with a reserved opcode, or a reserved data opcode.",
    ),
    Option("opcodes", {}, "a table of opcodes", _is_opcode_map, "Its opcodes, and what they stand for."),
    Option(
        "chunks", "mend", "close or mend", _ACTIONS, "Whether its HTTP chunks are a fault, or are taken off."
    ),
    Option(
        "bare_text",
        "close",
        "close or mend",
        _ACTIONS,
        "Whether its text without a frame is a fault, or becomes a message.",
    ),
    Option(
        "inflate_failure",
        "drop",
        "drop or close",
        one_of("drop", "close"),
        "What becomes of its messages that cannot be inflated.",
    ),
    Option(
        "retype",
        {"mqtt": "binary", "mqttv3.1": "binary", "sip": "text"},
        "a table of subprotocols, * for any, each text or binary",
        is_table_of(one_of("text", "binary")),
        "Which opcode its messages take, by subprotocol.",
    ),
    Option(
        "nul_kept",
        ["stomp", "v10.stomp", "v11.stomp", "v12.stomp"],
        "a list of subprotocols",
        lambda value: isinstance(value, list | tuple) and all(isinstance(each, str) for each in value),
        "Subprotocols whose messages end with a zero byte.",
    ),
    Option("frame_limit", 0, _WHOLE, is_count, "It takes so many bytes of payload data a frame; 0: any."),
    Option("whole_messages", False, _SWITCH, is_switch, "It takes no fragments."),
    Option("no_control_inside", False, _SWITCH, is_switch, "It takes no control frame inside a message."),
    Option("zero_key", False, _SWITCH, is_switch, "It unmasks rightly with a masking key of zero only."),
    Option("close_with_code", False, _SWITCH, is_switch, "It takes no Close frame without a close code."),
    Option(
        "drop_at_close", False, _SWITCH, is_switch, "It is hung up on where it would be sent a Close frame."
    ),
    Option(
        "close_codes",
        {},
        "a table of close codes for the wire",
        _is_code_map,
        "Close codes it needs others for.",
    ),
    Option("eof_code", 1001, "a close code for the wire", _is_close_code, "Its Close at EOF."),
    Option(
        "close_timeout", 10.0, _SECONDS, is_amount, "After so long its answer to a Close is given for it."
    ),
    Option(
        "answer_pings",
        "late",
        "late or never, or at-once (it then sees no pings)",
        one_of("late", "never", "at-once"),
        "When pings are answered for it.",
    ),
    Option(
        "pong_timeout", 10.0, _SECONDS, is_amount, "With `late`: a ping is answered for it after so long."
    ),
    Option(
        "alive_within",
        0.0,
        _SECONDS,
        is_amount,
        "Pings are answered for it only if it sent anything in so long; 0: always.",
    ),
    Option("ping_interval", 0.0, _SECONDS, is_amount, "It is pinged when idle for so long; 0: never."),
    Option(
        "heartbeats",
        [],
        "a list of { message, answer }",
        _is_heartbeat_list,
        "Messages of it that are heartbeats: not sent on, but answered.",
    ),
    Option("host_port", "keep", "keep, with or without", one_of("keep", "with", "without"), "Its Host."),
    Option("origin", "keep", _FIELD, is_field_value, "The Origin it wants; empty: none."),
    Option("subprotocols", "keep", _FIELD, is_field_value, "The subprotocols it is offered; empty: none."),
    Option(
        "subprotocol_aliases",
        [],
        'a list of lists of names, as [["ocpp1.6", "ocpp1.6j"]]',
        _is_alias_table,
        "Names of subprotocols under which it means the same.",
    ),
    Option("extensions", "keep", _FIELD, is_field_value, "The extensions it is offered; empty: none."),
    Option("comma", ", ", "a comma, with a space or without", one_of(", ", ","), "Between its subprotocols."),
    Option("hixie76", False, _SWITCH, is_switch, "It speaks only the protocol from before the RFC."),
    Option("few_fields", False, _SWITCH, is_switch, "Its buffers are small: no field it can do without."),
    Option("frame_gap", 0.0, _SECONDS, is_amount, "It takes one frame in so long; 0: any number."),
    Option("first_frame_delay", 0.0, _SECONDS, is_amount, "It takes frames so long after the response."),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.name: option for option in _TABLE})
"""Every option by its name, in the order in which they are documented."""
