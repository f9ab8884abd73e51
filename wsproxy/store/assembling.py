"""What puts the frames of a recorded session together again."""

from wsproxy.protocol.frame import Side
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.protocol.message import MESSAGE_LIMIT, MessageAssembler
from wsproxy.store.model import StoredSession


def assembler_of(session: StoredSession, side: Side) -> MessageAssembler:
    """What assembles the side's messages, by what was agreed on its leg: what went on to the client counts
    there. Messages of up to `MESSAGE_LIMIT` bytes are kept.
    """
    head = session.start.response_head
    if side is Side.CLIENT:
        head = session.start.response_head_sent or head
    deflate = negotiate(parse_response_head(head)).deflate
    inflater = None if deflate is None else deflate.inflater(side, output_limit=MESSAGE_LIMIT)
    return MessageAssembler(inflater)
