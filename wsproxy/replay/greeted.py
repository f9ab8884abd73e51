"""Sessions that begin with the same greeting of the device: what the client says first decides among them."""

from collections.abc import Mapping, Sequence

from wsproxy.replay.choice import Offer
from wsproxy.replay.choosing import ALIKE
from wsproxy.replay.matchers import Matcher
from wsproxy.replay.model import PlayedMessage
from wsproxy.replay.script import Expect, Play, Step
from wsproxy.replay.setting import Setting

_LONGEST, _MOST = 1 << 16, 64
"""How many bytes, and how many pieces, a greeting may have."""


async def greeted_alike(
    found: Sequence[Offer], chosen: Offer, setting: Setting
) -> Mapping[Offer, Sequence[Step]]:
    """The steps behind the greeting of the other sessions that have the same one; none if it has none."""
    if len(found) < 2 or chosen.session is None:
        return {}
    greeting, _ = _parted((await setting.source.script(chosen.session)).left)
    others: dict[Offer, Sequence[Step]] = {}
    for offer in found[:ALIKE] if greeting else ():
        if offer is not chosen and offer.session and offer.rules == chosen.rules and offer.agrees_as(chosen):
            said, rest = _parted((await setting.source.script(offer.session)).left)
            if said == greeting:
                others[offer] = rest
    return others


def instead(
    mine: Offer,
    left: Sequence[Step],
    others: Mapping[Offer, Sequence[Step]],
    live: PlayedMessage,
    setting: Setting,
) -> tuple[Offer, Sequence[Step]] | None:
    """Another session, and the steps left of it, for a client whose first message is that of the other, and
    not of the one that is played; None if that goes on. Clients that have said nothing may have to trade.
    """
    choice, (_, rest) = setting.choice, _parted(left)
    kept = choice.keep(mine)
    if kept and _begins(rest, live, setting.matcher_for(mine)):
        return None
    for offer, steps in others.items():
        if _begins(steps, live, setting.matcher_for(offer)) and choice.trade(offer):
            if kept:
                choice.give_back(mine)
            return offer, (*left[: len(left) - len(rest)], *steps)
    return None


def _begins(steps: Sequence[Step], live: PlayedMessage, matcher: Matcher) -> bool:
    first = steps[0] if steps else None
    return isinstance(first, Expect) and not first.message.control and matcher.matches(first.message, live)


def _parted(steps: Sequence[Step]) -> tuple[bytes, Sequence[Step]]:
    """What is played before anything is expected, and the steps from there on; nothing of what is no mere
    greeting.
    """
    said: list[bytes] = []
    size = 0
    for place, step in enumerate(steps):
        if not isinstance(step, Play) or step.cut:
            return b"".join(said), steps[place:]
        said.append(step.data)
        size += len(step.data)
        if size > _LONGEST or place > _MOST:
            break
    return b"", ()
