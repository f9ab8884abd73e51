"""The plain HTTP exchanges that led to a session, on the same connection."""

from wsproxy.protocol.heads import parse_response_head
from wsproxy.replay.source import led_to
from wsproxy.store.model import HttpExchange, StoredSession
from wsproxy.store.reader import Recording

_LONGEST_PAUSE_NS = 120_000_000_000


def exchanges_before(recording: Recording, session: StoredSession) -> list[HttpExchange]:
    """The exchanges that came before the session on its connection, in order.

    A recording has only addresses to tell connections by, and a client's port is used again: another session
    from it, a response that closes the connection, or a pause of two minutes ends what belongs together.
    """
    start = session.start
    earlier = (
        each.start.started_at_ns
        for each in recording.sessions()
        if each.id != session.id
        and each.start.client_address == start.client_address
        and each.start.started_at_ns <= start.started_at_ns
    )
    floor_ns = max(earlier, default=0)
    chain: list[HttpExchange] = []
    for stored in recording.exchanges():
        exchange = stored.exchange
        if led_to(exchange, session) and exchange.started_at_ns > floor_ns:
            if chain and not _goes_on(chain[-1], exchange.started_at_ns):
                chain.clear()
            chain.append(exchange)
    return chain if chain and _goes_on(chain[-1], start.started_at_ns) else []


def _goes_on(exchange: HttpExchange, at_ns: int) -> bool:
    head = parse_response_head(exchange.response_head)
    closed = "close" in head.tokens("connection") or not exchange.response_head
    return not closed and at_ns - exchange.ended_at_ns < _LONGEST_PAUSE_NS
