"""The opening handshake of a replayed device: the recorded head, made to fit this client's key."""

from wsproxy.conformance.checks_accept import answer_as
from wsproxy.conformance.hixie76 import answer_challenge, is_hixie76_response
from wsproxy.protocol.heads import (
    HeaderField,
    RequestHead,
    ResponseHead,
    parse_request_head,
    parse_response_head,
)

_ACCEPT = "sec-websocket-accept"
_KEY = "sec-websocket-key"


def response_for(request: RequestHead, recorded_request: bytes, recorded_response: bytes) -> bytes:
    """The recorded response head with the Accept computed for this client's key in the way in which the
    recorded one was for the recorded key, wrong ways included; as recorded where the way is not known. The
    same with the answer to a hixie-76 challenge.
    """
    response, recorded = parse_response_head(recorded_response), parse_request_head(recorded_request)
    if is_hixie76_response(response):
        old, new = answer_challenge(recorded), answer_challenge(request)
        answered = old is not None and new is not None and recorded_response.endswith(old)
        return recorded_response.removesuffix(old or b"") + (new or b"") if answered else recorded_response
    recorded_key = recorded.get(_KEY)
    key = request.get(_KEY)
    if recorded_key is None or key is None or key == recorded_key:
        return recorded_response
    return _with_accepts(response, recorded_key, key)


def _with_accepts(response: ResponseHead, recorded_key: bytes, key: bytes) -> bytes:
    fields = []
    for field in response.fields:
        answer = answer_as(field.value, recorded_key, key) if field.key == _ACCEPT.encode() else None
        fields.append(field.raw if answer is None else _with_value(field, answer))
    return b"".join((response.preamble, response.start_line, *fields, response.end))


def _with_value(field: HeaderField, value: bytes) -> bytes:
    name, colon, rest = field.raw.partition(b":")
    return name + colon + rest.replace(field.value, value, 1)


def doubts(request: RequestHead, response_head: bytes) -> list[str]:
    """Why this client may not like the recorded response, in words."""
    response = parse_response_head(response_head)
    found = []
    subprotocol = next(iter(response.tokens("sec-websocket-protocol")), None)
    if subprotocol and subprotocol not in request.tokens("sec-websocket-protocol"):
        found.append(
            f"the recorded device chose the subprotocol {subprotocol}, which this client did not offer"
        )
    offered = " ".join(request.tokens("sec-websocket-extensions"))
    for extension in response.tokens("sec-websocket-extensions"):
        name = extension.partition(";")[0].strip()
        if name not in offered:
            found.append(f"the recorded device agreed on {name}, which this client did not offer")
    return found
