"""Listens, and plays the recorded device to every client that connects."""

import asyncio
import errno
import logging
import os
import ssl
from collections import deque
from collections.abc import Callable, Sequence

from wsproxy.errors import ReachError, RecordingError
from wsproxy.replay.book import Noted
from wsproxy.replay.choice import Choice
from wsproxy.replay.connection import ClientConnection
from wsproxy.replay.leftovers import allowance
from wsproxy.replay.link import Link
from wsproxy.replay.matchers import make_matcher
from wsproxy.replay.model import ReplayOptions
from wsproxy.replay.report import ConnectionReport, ReplayReport
from wsproxy.replay.setting import Setting
from wsproxy.replay.source import SHARED_SIZE, Source
from wsproxy.replay.varying import Varying

_log = logging.getLogger(__name__)

_BACKLOG = 4096
_KEPT_REPORTS = 1000
_QUIET_S = 0.02


class ReplayServer:
    """A replayed device, for one event loop.

    `watch` is told what happens, in that loop: it must be quick. Sessions of more than `shared_size` bytes
    are read in pages while they are played.
    """

    def __init__(
        self,
        recording: str,
        sessions: Sequence[int | str] = (),
        options: ReplayOptions | None = None,
        *,
        watch: Callable[[Noted], None] | None = None,
        shared_size: int = SHARED_SIZE,
    ) -> None:
        self.options = options or ReplayOptions()
        self.port = 0
        self._recording = recording
        self._refs = sessions
        self._watch = watch
        vary = Varying(self.options.vary)
        self._matcher = make_matcher(self.options.match, ignoring=vary.pointers)
        self._may_stay = allowance(self.options.allow_unplayed)
        self._source = Source(recording, sent=self.options.as_sent, shared_size=shared_size)
        self._choice = Choice((), loop=False)
        self._server: asyncio.Server | None = None
        self._live: dict[ClientConnection, asyncio.Task[None]] = {}
        self._reports: deque[ConnectionReport] = deque(maxlen=_KEPT_REPORTS)
        self._count = self._mismatch_count = self._unplayed_count = 0

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Read what there is to play, and listen; port 0 takes a free one.

        Raises RecordingError if the recording cannot be played, ReachError if the port cannot be had.
        """
        try:
            await self._read()
            self._server = await self._listen(host, port, tls)
        except BaseException:
            self._source.close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]

    async def _read(self) -> None:
        offers = await self._source.offers(self._refs)
        if not offers:
            raise RecordingError(f"{self._recording} has no sessions: record something first")
        self._choice = Choice(offers, loop=self.options.loop)
        self._setting = Setting(
            self._source, self._choice, self.options, self._matcher, self._may_stay, self._watch
        )

    async def _listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: Link(self._accept), host, port, ssl=tls, backlog=_BACKLOG)
        except OSError as error:
            reason, hint = error.strerror or error, "choose another address or port"
            if error.errno == errno.EADDRINUSE:
                reason, hint = os.strerror(errno.EADDRINUSE), "choose another port"
            raise ReachError(f"cannot listen on {host}:{port}: {reason}; {hint}") from error

    async def stop(self) -> None:
        """Stop listening, end every connection, and close the recording; the report stays."""
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._live.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._source.close()
        self._server = None

    async def settle(self, patience_s: float = 1.0) -> None:
        """Wait until every connection has ended, or waits for its client, at most so long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        while self._live and loop.time() < deadline:
            quiet = all(connection.quiet for connection in self._live)
            await asyncio.sleep(_QUIET_S)
            if quiet and all(connection.quiet for connection in self._live):
                return

    @property
    def paths(self) -> tuple[str, ...]:
        """What clients may ask for."""
        return self._choice.paths

    def report(self) -> ReplayReport:
        """What was played so far."""
        live = [report for connection in self._live if (report := connection.report()) is not None]
        return ReplayReport(
            connections=(*self._reports, *live),
            connection_count=self._count,
            mismatch_count=self._mismatch_count + sum(each.mismatch_count for each in live),
            unplayed_count=self._unplayed_count + sum(each.unplayed_count for each in live),
            unused_sessions=self._choice.unused,
            live=tuple(each.number for each in live if not each.closed),
        )

    def _accept(self, link: Link) -> None:
        self._count += 1
        connection = ClientConnection(self._count, link, self._setting)
        task = asyncio.get_running_loop().create_task(self._run(connection, link))
        self._live[connection] = task

    async def _run(self, connection: ClientConnection, link: Link) -> None:
        try:
            await connection.run()
        except Exception as error:
            _log.debug("a connection failed", exc_info=True)
            connection.fail(error)
        finally:
            if not link.transport.is_closing():
                link.abort()
            report = connection.report()
            del self._live[connection]
            if report is not None:
                self._reports.append(report)
                self._mismatch_count += report.mismatch_count
                self._unplayed_count += report.unplayed_count
