"""Mending the fields of either head: spelling, line ends, lists, repetition.

A repair changes the draft in place; the check of the same rule has said what was there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wsproxy.conformance.checks_fields import (
    CONTROL,
    LISTS,
    NOT_ASCII,
    ONCE,
    SPELLINGS,
    TOKEN,
    is_empty,
    is_hyphenated,
    lines_of,
    shown,
    tidy_list,
)
from wsproxy.conformance.extensions import parse_extensions, serialize_extensions
from wsproxy.conformance.head_draft import CRLF, HeadDraft, new_field
from wsproxy.conformance.profiles import Profile
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import HeaderField, RequestHead

_MEANT_AS_BYTES = frozenset({b"cookie", b"set-cookie", b"authorization", b"location"})
_NEEDED = frozenset(
    {*SPELLINGS, b"authorization", b"cookie", b"proxy-authorization", b"sec-websocket-origin"}
)


@dataclass(frozen=True, slots=True)
class HeadContext:
    """What a repair may need to know: the head comes from `side`, and goes to the other.

    `request` is what the client sent, `authority` the server's host and port. The key of the request that
    goes on is the client's own, or `fresh_key`.
    """

    side: Side
    profile: Profile
    request: RequestHead
    fresh_key: bytes = b""
    authority: bytes = b""

    def receiver(self, option: str) -> object:
        """An option for the side this head goes to."""
        return self.profile.option(option, self.side.other)


type HeadRepair = Callable[[HeadDraft, HeadContext], None]
type Adaptation = Callable[[HeadDraft, HeadContext], Iterator[str]]
"""Changes what its receiver cannot take as it is, and says what came."""


def mend_preamble(draft: HeadDraft, context: HeadContext) -> None:
    """Nothing before the first line."""
    draft.preamble = b""


def mend_connection(draft: HeadDraft, context: HeadContext) -> None:
    """Upgrade."""
    draft.set(b"Connection", b"Upgrade")


def mend_line_ends(draft: HeadDraft, context: HeadContext) -> None:
    """CR LF behind every line; folds are lines, too."""
    draft.start_line = _with_crlf(draft.start_line)
    draft.rewrite(
        lambda field: HeaderField(b"".join(map(_with_crlf, lines_of(field.raw))), field.name, field.value)
    )
    draft.end = CRLF + draft.end.partition(b"\n")[2]


def mend_colon(draft: HeadDraft, context: HeadContext) -> None:
    """A line that is no field goes."""
    draft.keep(lambda field: bool(field.name) or b":" in field.raw.split(b"\n")[0])


def mend_names(draft: HeadDraft, context: HeadContext) -> None:
    """A name loses its white space; if it still is none, its field goes."""
    draft.rewrite(lambda field: field if _well_named(field) else _renamed(field))
    draft.keep(lambda field: bool(TOKEN.fullmatch(field.name)))


def mend_name_spelling(draft: HeadDraft, context: HeadContext) -> None:
    """The names of the opening handshake as the RFC spells them."""
    draft.rewrite(
        lambda field: (
            HeaderField(
                SPELLINGS.get(field.key, field.name) + field.raw[len(field.name) :],
                SPELLINGS.get(field.key, field.name),
                field.value,
            )
            if field.raw.startswith(field.name) and field.name
            else field
        )
    )


def mend_fold(draft: HeadDraft, context: HeadContext) -> None:
    """One line a field."""
    draft.rewrite(lambda field: _respelt(field) if b"\n" in field.raw.rstrip(b"\r\n") else field)


def mend_space(draft: HeadDraft, context: HeadContext) -> None:
    """One space behind the colon, none behind the value."""
    draft.rewrite(lambda field: _respelt(field) if field.name and field.value else field)


def mend_control(draft: HeadDraft, context: HeadContext) -> None:
    """Control characters go."""
    draft.rewrite(lambda field: _revalued(field, CONTROL.sub(b"", field.value).strip(b" \t")))


def mend_not_ascii(draft: HeadDraft, context: HeadContext) -> None:
    """A question mark for each such byte, but not where the value may matter byte for byte."""
    draft.rewrite(
        lambda field: (
            field if field.key in _MEANT_AS_BYTES else _revalued(field, NOT_ASCII.sub(b"?", field.value))
        )
    )


def mend_empty(draft: HeadDraft, context: HeadContext) -> None:
    """Without a value there is no field."""
    draft.keep(lambda field: not is_empty(field))


def mend_extensions(draft: HeadDraft, context: HeadContext) -> None:
    """What of them can be understood."""
    draft.rewrite(
        lambda field: (
            _revalued(field, serialize_extensions(parse_extensions([field.value])))
            if field.key == b"sec-websocket-extensions"
            else field
        )
    )


def mend_blank(draft: HeadDraft, context: HeadContext) -> None:
    """Without a value there is no field."""
    draft.keep(lambda field: bool(field.value) or not field.name or field.key in SPELLINGS)


def mend_duplicates(draft: HeadDraft, context: HeadContext) -> None:
    """The first that has a value stays; of extensions, all do."""
    for key in sorted(ONCE[context.side]):
        values = list(filter(None, draft.get_all(key)))
        if len(draft.get_all(key)) > 1:
            joined = b", ".join(dict.fromkeys(values)) if key == b"sec-websocket-extensions" else b""
            draft.set(_spelt(draft, key), joined or (values[0] if values else b""))


def mend_split_list(draft: HeadDraft, context: HeadContext) -> None:
    """One field for all elements."""
    for key in LISTS:
        values = draft.get_all(key)
        if len(values) > 1:
            draft.set(_spelt(draft, key), b", ".join(dict.fromkeys(filter(None, values))))


def mend_upgrade_spelling(draft: HeadDraft, context: HeadContext) -> None:
    """Exactly `Upgrade: websocket`."""
    draft.set(_spelt(draft, b"upgrade"), b"websocket")


def mend_connection_spelling(draft: HeadDraft, context: HeadContext) -> None:
    """Exactly `Connection: Upgrade`."""
    draft.set(_spelt(draft, b"connection"), b"Upgrade")


FIELD_REPAIRS: Mapping[str, HeadRepair] = MappingProxyType(
    {
        "handshake.field.colon": mend_colon,
        "handshake.field.name": mend_names,
        "handshake.field.line-end": mend_line_ends,
        "handshake.field.fold": mend_fold,
        "handshake.field.control-character": mend_control,
        "handshake.field.not-ascii": mend_not_ascii,
        "handshake.field.duplicate": mend_duplicates,
        "handshake.field.extensions": mend_extensions,
        "handshake.field.empty": mend_empty,
        "handshake.field.blank": mend_blank,
        "handshake.field.split-list": mend_split_list,
        "handshake.field.name-spelling": mend_name_spelling,
        "handshake.field.space": mend_space,
        "handshake.field.upgrade-spelling": mend_upgrade_spelling,
        "handshake.field.connection-spelling": mend_connection_spelling,
    }
)
"""What mends a departure from each of these rules, in the order in which they are applied."""


def adapt_lists(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Between the elements of a list, a comma and a space, or what the receiver's option `comma` says."""
    comma = str(context.receiver("comma")).encode("latin-1", "replace")
    for place, field in enumerate(draft.fields):
        if field.key == b"sec-websocket-protocol" and not is_empty(field):
            value = tidy_list(field.value, comma)
            if value != field.value:
                yield f"Sec-WebSocket-Protocol is {shown(field.value)}"
                draft.fields[place] = new_field(field.name, value)


def adapt_length(draft: HeadDraft, context: HeadContext) -> Iterator[str]:
    """Only what an opening handshake needs, for a receiver with the option `few_fields`."""
    unneeded = [field for field in draft.fields if field.key not in _NEEDED]
    if unneeded and context.receiver("few_fields"):
        yield "its receiver takes few fields: " + ", ".join(shown(field.name) for field in unneeded)
        draft.keep(lambda field: field.key in _NEEDED)


FIELD_ADAPTATIONS: Mapping[str, Adaptation] = MappingProxyType(
    {"handshake.field.list-spelling": adapt_lists, "handshake.field.many-bytes": adapt_length}
)
"""What the receiver of a head wants of it, by the rule it goes under."""


def _with_crlf(line: bytes) -> bytes:
    return line.rstrip(b"\r\n") + CRLF


def _well_named(field: HeaderField) -> bool:
    plain = field.raw.partition(b":")[0] == field.name and is_hyphenated(field)
    return plain and bool(TOKEN.fullmatch(field.name))


def _renamed(field: HeaderField) -> HeaderField:
    name = b"".join(field.name.split()).replace(b"\0", b"")
    return new_field(SPELLINGS.get(field.key, name), field.value)


def _respelt(field: HeaderField) -> HeaderField:
    usual = new_field(field.name, field.value)
    return field if usual.raw.rstrip() == field.raw.rstrip(b"\r\n") else usual


def _revalued(field: HeaderField, value: bytes) -> HeaderField:
    return field if value == field.value else new_field(field.name, value)


def _spelt(draft: HeadDraft, key: bytes) -> bytes:
    return next(field.name for field in draft.fields if field.key == key)
