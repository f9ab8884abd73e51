"""Repairing an opening handshake: a head in, the head that goes on out, and what was mended in it.

What a rule's check finds, its repair mends, where the profile has the rule on; then what the receiver wants
beyond the RFC. A repair may bring the next one's case to light, so it is all done again until nothing
changes. A head that needs nothing goes on byte for byte.

Source: RFC 6455 section 4; RFC 9112 sections 2 to 6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from wsproxy.conformance.bridge import Bridge
from wsproxy.conformance.checks_request import check_request, may_be_tunnel
from wsproxy.conformance.checks_response import check_response, is_headless
from wsproxy.conformance.finding import Finding
from wsproxy.conformance.head_draft import HeadDraft
from wsproxy.conformance.hixie76 import (
    answer_challenge,
    hixie76_request,
    is_hixie76_request,
    request_of_the_rfc,
)
from wsproxy.conformance.legs import Legs
from wsproxy.conformance.profiles import Profile
from wsproxy.conformance.repairs_fields import (
    FIELD_ADAPTATIONS,
    FIELD_REPAIRS,
    Adaptation,
    HeadContext,
    HeadRepair,
)
from wsproxy.conformance.repairs_request import REQUEST_ADAPTATIONS, REQUEST_REPAIRS
from wsproxy.conformance.repairs_response import RESPONSE_REPAIRS
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import (
    Head,
    RequestHead,
    ResponseHead,
    is_upgrade_request,
    is_upgrade_response,
    negotiate,
    parse_request_head,
    parse_response_head,
)
from wsproxy.protocol.request_body import RequestBody

_ROUNDS = 6
_NOT_WEBSOCKET = "handshake.request.not-websocket"
_HIXIE76_CLIENT, _HIXIE76_WANTED = "handshake.request.hixie76", "handshake.request.hixie76-wanted"
_ANSWERS_OURS = " (the request that went on differed from the client's)"

_REQUEST_REPAIRS: Mapping[str, HeadRepair] = {**FIELD_REPAIRS, **REQUEST_REPAIRS}
_RESPONSE_REPAIRS: Mapping[str, HeadRepair] = {**FIELD_REPAIRS, **RESPONSE_REPAIRS}
_REQUEST_ADAPTATIONS: Mapping[str, Adaptation] = {**FIELD_ADAPTATIONS, **REQUEST_ADAPTATIONS}


@dataclass(frozen=True, slots=True)
class RepairedHead:
    """The head that goes on, and one finding for each repair: what came, and the rule it departs from.

    `legs` is what a response settled on either leg, `dialects` how a side frames that does not as the RFC
    says. `frames` is False where nothing says that frames follow: a tunnel that only looks like WebSocket, a
    refusal, plain HTTP; then the bytes after it are to be left alone, too. `drops_body`: the head goes on
    without the body that it announced, so that must not go on.
    """

    data: bytes
    repairs: tuple[Finding, ...] = ()
    legs: Legs = field(default_factory=Legs)
    frames: bool = True
    dialects: Mapping[Side, Dialect] = field(default_factory=dict)
    drops_body: bool = False


def repair_request(
    head: bytes, profile: Profile, *, fresh_key: bytes, authority: bytes = b""
) -> RepairedHead:
    """The request as it goes on to the server; never raises.

    `fresh_key` takes the place of a Sec-WebSocket-Key that is none: 16 random bytes in Base64. `authority`
    is where the server is, `host:port`, for a request that does not say it. The eight bytes behind a hixie-76
    request belong to its head, on the way in and on the way out.
    """
    request = parse_request_head(head)
    if not _is_ours(request, profile):
        return RepairedHead(head, frames=False)
    data, bridged = head, tuple[Finding, ...]()
    if is_hixie76_request(request):
        bridged = tuple(check_request(request))
        data = request_of_the_rfc(request, fresh_key)
    context = HeadContext(Side.CLIENT, profile, request, fresh_key, authority)
    work = _Work(
        parse_request_head,
        check_request,
        lambda rule_id: profile.repairs(rule_id, Side.CLIENT),
        _REQUEST_REPAIRS,
        _REQUEST_ADAPTATIONS,
    )
    data, repairs = work.repair(data, context)
    if profile.option("hixie76", Side.SERVER) and profile.repairs(_HIXIE76_WANTED, Side.CLIENT):
        data = hixie76_request(parse_request_head(data), fresh_key)
        repairs = (*repairs, Finding(_HIXIE76_WANTED, "the server speaks hixie-76", Side.CLIENT, None))
    drops_body = not RequestBody(request).complete and RequestBody(parse_request_head(data)).complete
    return RepairedHead(data, (*bridged, *repairs), drops_body=drops_body)


def repair_response(
    head: bytes, *, received_request: bytes, sent_request: bytes, profile: Profile, secure: bool = False
) -> RepairedHead:
    """The response as it goes on to the client; never raises.

    `received_request` is what the client sent: what goes on answers that. `sent_request` is what the server
    answered; where the two differ, what the server could not know is mended whatever the profile says. An
    empty `head` stands for a server that sends frames at once. `secure` says that the client uses TLS. The 16
    bytes behind a hixie-76 response belong to its head, on the way in and on the way out.
    """
    received, sent = parse_request_head(received_request), parse_request_head(sent_request)
    response = parse_response_head(head)
    agreed = is_headless(response) or is_upgrade_response(sent, response)
    if not _is_ours(received, profile) or not agreed:
        return RepairedHead(head, frames=False)
    bridge = Bridge(received, sent, response)
    if not bridge.stands:
        return RepairedHead(head, frames=False)
    asked = sent if bridge.old_client else received
    repaired = _repair_response(bridge.enter(head), asked, sent, profile)
    data = bridge.leave(repaired.data, secure=secure)
    legs = Legs(negotiate(parse_response_head(data)), negotiate(response))
    drops_body = not RequestBody(response).complete and RequestBody(parse_response_head(data)).complete
    return replace(
        repaired,
        data=data,
        drops_body=drops_body and not response.get("transfer-encoding"),
        repairs=(*bridge.findings, *repaired.repairs),
        legs=legs,
        dialects=bridge.dialects,
    )


def _repair_response(head: bytes, asked: RequestHead, sent: RequestHead, profile: Profile) -> RepairedHead:
    differ = sent.raw != asked.raw
    blamed = {finding.rule_id for finding in check_response(sent, parse_response_head(head))}

    def check(answer: ResponseHead) -> Iterator[Finding]:
        for finding in check_response(asked, answer):
            ours = differ and finding.rule_id not in blamed
            yield replace(finding, detail=finding.detail + _ANSWERS_OURS) if ours else finding

    def is_on(rule_id: str) -> bool:
        return profile.repairs(rule_id, Side.SERVER) or (differ and rule_id not in blamed)

    context = HeadContext(Side.SERVER, profile, asked)
    work = _Work(parse_response_head, check, is_on, _RESPONSE_REPAIRS, FIELD_ADAPTATIONS)
    return RepairedHead(*work.repair(head, context))


def _is_ours(request: RequestHead, profile: Profile) -> bool:
    """Whether the request asks for a WebSocket, and not just for something of that name."""
    if not is_upgrade_request(request) or request.method.upper() == b"CONNECT":
        return False
    if request.method.upper() != b"GET" and not profile.repairs("handshake.request.method", Side.CLIENT):
        return False
    if is_hixie76_request(request):
        return profile.repairs(_HIXIE76_CLIENT, Side.CLIENT) and answer_challenge(request) is not None
    return not may_be_tunnel(request) or profile.repairs(_NOT_WEBSOCKET, Side.CLIENT)


@dataclass(frozen=True, slots=True)
class _Work[H: Head]:
    """How one head is read, checked and mended."""

    parse: Callable[[bytes], H]
    check: Callable[[H], Iterable[Finding]]
    is_on: Callable[[str], bool]
    mends: Mapping[str, HeadRepair]
    adaptations: Mapping[str, Adaptation]

    def repair(self, head: bytes, context: HeadContext) -> tuple[bytes, tuple[Finding, ...]]:
        """The head that goes on, and what was mended."""
        repairs: dict[Finding, None] = {}
        for _ in range(_ROUNDS):
            before, parsed = head, self.parse(head)
            draft = HeadDraft.of(parsed)
            found: defaultdict[str, list[Finding]] = defaultdict(list)
            for finding in self.check(parsed):
                found[finding.rule_id].append(finding)
            repairs |= dict.fromkeys([*self._mend(draft, found, context), *self._adapt(draft, context)])
            head = draft.serialize()
            if head == before:
                break
        return head, tuple(repairs)

    def _mend(
        self, draft: HeadDraft, found: Mapping[str, list[Finding]], context: HeadContext
    ) -> Iterator[Finding]:
        done: set[HeadRepair] = set()
        for rule_id, mend in self.mends.items():
            if rule_id in found and self.is_on(rule_id):
                before = draft.serialize()
                mend(draft, context)
                if draft.serialize() != before:
                    done.add(mend)
                if mend in done:
                    yield from found[rule_id]

    def _adapt(self, draft: HeadDraft, context: HeadContext) -> Iterator[Finding]:
        for rule_id, adapt in self.adaptations.items():
            if context.profile.repairs(rule_id, context.side):
                for detail in adapt(draft, context):
                    yield Finding(rule_id, detail, context.side, None)
