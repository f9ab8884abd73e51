"""Which recorded session a client gets: by what it asks for, and by what was played before."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wsproxy.protocol.heads import RequestHead, parse_request_head
from wsproxy.store.model import StoredSession


@dataclass(frozen=True, slots=True)
class Refusal:
    """No session for this client: an HTTP status and reason, and a text that says why."""

    status: int
    reason: str
    text: str


class Choice:
    """Knows the sessions, and how often each was played. Unless `loop`, each is played once."""

    def __init__(self, sessions: Iterable[StoredSession], *, loop: bool) -> None:
        self._sessions = [(session, parse_request_head(session.start.request_head)) for session in sessions]
        self._loop = loop
        self._played: Counter[int] = Counter()

    def candidates(self, request: RequestHead) -> Sequence[StoredSession] | Refusal:
        """The sessions that fit this request best, the one to take first: it asked for the same path, with
        the same query and subprotocols if there is such a one, and was played less often, or recorded before.
        """
        path = path_of(request.target)
        of_path = [found for found in self._sessions if path_of(found[1].target)[0] == path[0]]
        if not of_path:
            known = sorted({path_of(recorded.target)[0] for _, recorded in self._sessions})
            text = f"nothing was recorded for {path[0]}; recorded: {', '.join(known[:10]) or 'nothing'}"
            return Refusal(404, "Not Found", text)
        left = [found for found in of_path if self._loop or not self._played[found[0].id]]
        if not left:
            text = (
                f"all {len(of_path)} sessions recorded for {path[0]} were played already;"
                " with loop they are played again"
            )
            return Refusal(410, "Gone", text)
        ranks = [(_distance(request, recorded), session) for session, recorded in left]
        best = min(rank for rank, _ in ranks)
        return sorted(
            (session for rank, session in ranks if rank == best),
            key=lambda session: (self._played[session.id], session.id),
        )

    def take(self, session: StoredSession) -> bool:
        """Play it; False if it is not to be had any more."""
        if self._played[session.id] and not self._loop:
            return False
        self._played[session.id] += 1
        return True

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths, with their queries, that were asked for, without repetition."""
        asked = (path_of(recorded.target) for _, recorded in self._sessions)
        return tuple(dict.fromkeys(f"{path}?{query}" if query else path for path, query in asked))

    @property
    def unused(self) -> tuple[int, ...]:
        """The numbers of the sessions that were not played."""
        return tuple(session.id for session, _ in self._sessions if not self._played[session.id])


def path_of(target: bytes) -> tuple[str, str]:
    """The path and the query of a request target, whatever its form."""
    text = target.decode("latin-1")
    try:
        parts = urlsplit(text if "://" in text.partition("?")[0] else f"ws://host/{text.removeprefix('/')}")
    except ValueError:
        return text, ""
    return parts.path or "/", parts.query


def _distance(request: RequestHead, recorded: RequestHead) -> tuple[bool, ...]:
    """How far a request is from a recorded one; the less the better. Devices look at the very spelling."""
    offered = request.tokens("sec-websocket-protocol")
    return (
        offered != recorded.tokens("sec-websocket-protocol"),
        path_of(request.target)[1] != path_of(recorded.target)[1],
        bool(request.get("authorization")) != bool(recorded.get("authorization")),
        _upgrade_lines(request) != _upgrade_lines(recorded),
    )


def _upgrade_lines(request: RequestHead) -> list[bytes]:
    return [field.raw.strip() for field in request.fields if field.key == b"upgrade"]
