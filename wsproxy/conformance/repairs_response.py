"""Mending the response of an opening handshake. Source: RFC 6455 sections 4.2.2 and 9.1; RFC 7692."""

from collections.abc import Mapping
from types import MappingProxyType

from wsproxy.conformance.checks_fields import TOKEN
from wsproxy.conformance.checks_request import client_key, offered_subprotocols
from wsproxy.conformance.checks_response import alias_of
from wsproxy.conformance.extensions import (
    DEFLATE,
    Extension,
    faulty_parameters,
    mismatch,
    parse_extensions,
    serialize_extensions,
    without_faults,
)
from wsproxy.conformance.head_draft import CRLF, HeadDraft
from wsproxy.conformance.repairs_fields import HeadContext, HeadRepair, mend_connection, mend_preamble
from wsproxy.protocol.handshake import compute_accept

_STATUS_LINE = b"HTTP/1.1 101 Switching Protocols" + CRLF


def mend_missing(draft: HeadDraft, context: HeadContext) -> None:
    """The response that the server's frames stand for."""
    draft.preamble, draft.start_line, draft.fields, draft.end = b"", _STATUS_LINE, [], CRLF
    draft.set(b"Upgrade", b"websocket")
    draft.set(b"Connection", b"Upgrade")
    mend_accept(draft, context)


def mend_line(draft: HeadDraft, context: HeadContext) -> None:
    """101, in the words of the RFC."""
    draft.start_line = _STATUS_LINE


def mend_upgrade(draft: HeadDraft, context: HeadContext) -> None:
    """websocket, which is all that was asked for."""
    draft.set(b"Upgrade", b"websocket")


def mend_accept(draft: HeadDraft, context: HeadContext) -> None:
    """The answer to the client's own key, whatever it is."""
    draft.set(b"Sec-WebSocket-Accept", compute_accept(client_key(context.request)))


def mend_body(draft: HeadDraft, context: HeadContext) -> None:
    """Frames follow, not a body."""
    draft.drop(b"transfer-encoding")
    draft.drop(b"content-length")


def mend_subprotocol(draft: HeadDraft, context: HeadContext) -> None:
    """The first of several that was offered, also by another name (option `subprotocol_aliases`); or none."""
    offered = offered_subprotocols(context.request)
    selected = [
        each.strip() for value in draft.get_all(b"sec-websocket-protocol") for each in value.split(b",")
    ]
    # Of what is no token the tokens in it count: "a" in quotes, [a], a; or several without a comma.
    tokens = [token for each in selected for token in TOKEN.findall(each)]
    kept = next((each for each in (*selected, *tokens) if each in offered), None)
    if kept is None and selected:
        kept = alias_of(selected[0], offered, _aliases(context))
    if kept is None:
        draft.drop(b"sec-websocket-protocol")
    else:
        draft.set(b"Sec-WebSocket-Protocol", kept)


def mend_subprotocol_alias(draft: HeadDraft, context: HeadContext) -> None:
    """The name that was offered."""
    selected = next(filter(None, draft.get_all(b"sec-websocket-protocol")), b"")
    alias = alias_of(selected, offered_subprotocols(context.request))
    if alias:
        draft.set(b"Sec-WebSocket-Protocol", alias)


def mend_subprotocol_missing(draft: HeadDraft, context: HeadContext) -> None:
    """The one that was offered; which of several would be a guess."""
    offered = offered_subprotocols(context.request)
    if len(offered) == 1 and TOKEN.fullmatch(offered[0]):
        draft.set(b"Sec-WebSocket-Protocol", offered[0])


def mend_extension(draft: HeadDraft, context: HeadContext) -> None:
    """Only what was offered, and one compression; what the server does beyond is undone on its leg."""
    offered = {offer.name for offer in _offers(context)}
    kept: list[Extension] = []
    for extension in _granted(draft):
        again = extension.compresses and any(each.compresses for each in kept)
        if extension.name in offered and not again:
            kept.append(extension)
    _set_extensions(draft, kept)


def mend_extension_spelling(draft: HeadDraft, context: HeadContext) -> None:
    """The usual spelling."""
    _set_extensions(draft, _granted(draft))


def mend_deflate_parameter(draft: HeadDraft, context: HeadContext) -> None:
    """Without what is wrong; a parameter that lacks its value means what its absence means."""
    _set_extensions(
        draft,
        [without_faults(each) if faulty_parameters(each, granted=True) else each for each in _granted(draft)],
    )


def mend_deflate_mismatch(draft: HeadDraft, context: HeadContext) -> None:
    """No compression on the client's leg: it could not be had as it was offered."""
    offers = _offers(context)
    _set_extensions(
        draft, [each for each in _granted(draft) if each.name != DEFLATE or not mismatch(each, offers)]
    )


def mend_window_of_8(draft: HeadDraft, context: HeadContext) -> None:
    """No compression on the client's leg; what the server compresses is undone."""
    _set_extensions(draft, [each for each in _granted(draft) if not each.window_of_8])


RESPONSE_REPAIRS: Mapping[str, HeadRepair] = MappingProxyType(
    {
        "handshake.response.missing": mend_missing,
        "handshake.response.preamble": mend_preamble,
        "handshake.response.interim": mend_preamble,
        "handshake.response.status": mend_line,
        "handshake.response.version": mend_line,
        "handshake.response.line": mend_line,
        "handshake.response.reason": mend_line,
        "handshake.response.upgrade": mend_upgrade,
        "handshake.response.connection": mend_connection,
        "handshake.response.accept-missing": mend_accept,
        "handshake.response.accept": mend_accept,
        "handshake.response.body": mend_body,
        "handshake.response.subprotocol": mend_subprotocol,
        "handshake.response.subprotocol-alias": mend_subprotocol_alias,
        "handshake.response.subprotocol-missing": mend_subprotocol_missing,
        "handshake.response.extension": mend_extension,
        "handshake.response.deflate-parameter": mend_deflate_parameter,
        "handshake.response.deflate-mismatch": mend_deflate_mismatch,
        "handshake.response.window-of-8": mend_window_of_8,
        "handshake.response.extension-spelling": mend_extension_spelling,
    }
)
"""What mends a departure from each of these rules, in the order in which they are applied."""


def _aliases(context: HeadContext) -> list[frozenset[bytes]]:
    named = context.profile.option("subprotocol_aliases", context.side)
    return [frozenset(name.lower().encode() for name in names) for names in named]


def _offers(context: HeadContext) -> list[Extension]:
    return parse_extensions(context.request.get_all("sec-websocket-extensions"))


def _granted(draft: HeadDraft) -> list[Extension]:
    return parse_extensions(draft.get_all(b"sec-websocket-extensions"))


def _set_extensions(draft: HeadDraft, extensions: list[Extension]) -> None:
    if extensions:
        draft.set(b"Sec-WebSocket-Extensions", serialize_extensions(extensions))
    else:
        draft.drop(b"sec-websocket-extensions")
