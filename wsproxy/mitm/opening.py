"""Repairing opening handshakes on their way through mitmproxy, just before each head is sent."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.net.http import url

from wsproxy.conformance.finding import Finding
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.profiles import Profile
from wsproxy.conformance.repairs_handshake import RepairedHead, repair_request, repair_response
from wsproxy.mitm.heads import head_to_send, keep_sent, raw_head
from wsproxy.mitm.received import received
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.request_body import RequestBody

_ATTRIBUTE = "wsproxy_repaired"


class HandshakeRepairs:
    """Repairs the two heads of one opening handshake; `new_key` makes 16 random bytes."""

    def __init__(self, profile: Profile, new_key: Callable[[], bytes]) -> None:
        self._profile = profile
        self._new_key = new_key

    def request(self, request: http.Request) -> None:
        """Have a request go on as the server expects it."""
        head = head_to_send(request)
        if head is None:
            return
        authority = url.hostport(request.scheme, request.host, request.port).encode()
        key = base64.b64encode(self._new_key())
        self._keep(request, repair_request(head, self._profile, fresh_key=key, authority=authority))

    def response(self, request: http.Request, response: http.Response, *, secure: bool) -> None:
        """Have the response to that request go on as the client expects it."""
        head, received, sent = raw_head(response), raw_head(request), head_to_send(request)
        if head is None or received is None or sent is None or head.broken or head.gone:
            return
        self._keep(
            response,
            repair_response(
                head_to_send(response) or b"",
                received_request=received.raw,
                sent_request=sent,
                profile=self._profile,
                secure=secure,
            ),
        )

    def _keep(self, message: http.Message, repaired: RepairedHead) -> None:
        keep_sent(message, repaired.data)
        setattr(message, _ATTRIBUTE, repaired)


def repaired_head(message: http.Message | None) -> RepairedHead | None:
    """What became of the head of a message that was repaired, or left as it was because it was right."""
    repaired: RepairedHead | None = getattr(message, _ATTRIBUTE, None)
    return repaired


def dropped_bodies(flow: http.HTTPFlow) -> dict[Side, RequestBody]:
    """What is left of the bodies that the heads of an opening handshake announced and that do not go on."""
    messages = {Side.CLIENT: flow.request, Side.SERVER: flow.response}
    bodies: dict[Side, RequestBody] = {}
    for side, message in messages.items():
        repaired = repaired_head(message)
        if message is not None and repaired is not None and repaired.drops_body:
            announced = received(message).announced
            bodies |= {} if announced is None else {side: announced}
    return bodies


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an opening handshake settled.

    `repairs` is what was mended in it, `repaired` says whether what follows is to be repaired, too.
    """

    legs: Legs
    dialects: Mapping[Side, Dialect]
    repairs: tuple[Finding, ...] = ()
    repaired: bool = False


def agreed_on(flow: http.HTTPFlow, dialects: Mapping[Side, Dialect]) -> Agreed:
    """What the opening handshake of `flow` settled. `dialects` says how the sides frame, unless it tells."""
    asked, repaired = repaired_head(flow.request), repaired_head(flow.response)
    repairs = () if asked is None else asked.repairs
    if repaired is None or not repaired.frames:
        received = raw_head(flow.response)
        head = parse_response_head(b"" if received is None else received.raw)
        return Agreed(Legs.alike(negotiate(head)), dialects, repairs)
    return Agreed(
        repaired.legs, {**dialects, **repaired.dialects}, (*repairs, *repaired.repairs), repaired=True
    )
