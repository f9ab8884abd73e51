"""The sessions that pass through one proxy, and what they share: settings, recorder, back-pressure."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mitmproxy import http
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import Layer

from wsproxy.mitm.audience import Audience
from wsproxy.mitm.encode import Encoder
from wsproxy.mitm.facts import raw_heads, session_start
from wsproxy.mitm.follow import Follower
from wsproxy.mitm.hold import Hold
from wsproxy.mitm.intercept import InterceptLayer
from wsproxy.mitm.layer import ObserveLayer
from wsproxy.mitm.live import Clock, LiveSession, SessionParts
from wsproxy.mitm.messages import MessageLimits
from wsproxy.mitm.tap import Tap
from wsproxy.mitm.wire import connection_handler
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455, Dialect
from wsproxy.protocol.handshake import negotiate, parse_response_head
from wsproxy.store.writer import Recorder, SessionRecorder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sessions that begin now are treated. `splice`: plain ones bypass mitmproxy's layers in observe
    mode.
    """

    intercept: bool = False
    splice: bool = True
    dialects: Mapping[Side, Dialect] = field(default_factory=lambda: dict.fromkeys(Side, RFC6455))
    limits: MessageLimits = field(default_factory=MessageLimits)


class Sessions:
    """Opens sessions, and knows those that are open.

    `audience` says who wants to see messages of one that begins now.
    """

    def __init__(
        self,
        audience: Callable[[], Audience],
        *,
        clock: Clock = time.time_ns,
        new_key: Callable[[], bytes] = lambda: os.urandom(4),
    ) -> None:
        self.settings = SessionSettings()
        self.recorder: Recorder | None = None
        self.refused = False
        self.live: set[LiveSession] = set()
        self.opened = 0
        self.recorders: list[SessionRecorder] = []
        self._audience = audience
        self._clock = clock
        self._new_key = new_key
        self._pressed = False
        self.relaxed = asyncio.Event()
        """Set unless the recorder must be given time."""
        self.relaxed.set()

    def open(self, context: Context, flow: http.HTTPFlow) -> Layer | None:
        """The layer that relays the session of `flow`; None once nothing may pass any more."""
        if self.refused:
            return None
        settings, audience = self.settings, self._audience()
        negotiated = negotiate(parse_response_head(raw_heads(flow)[1]))
        follows = audience.follows and not settings.intercept
        tap = Tap(None, self._followers(negotiated.deflate, audience) if follows else {})
        encoder = Encoder(settings.dialects, self._new_key)
        parts = SessionParts(tap, encoder, settings.limits, audience.messages, self.live.discard, self._clock)
        session = LiveSession(flow, connection_handler(context.client), parts)
        mode = "intercept" if settings.intercept else "observe"
        if self.recorder is not None:
            names = {side: dialect.name for side, dialect in settings.dialects.items()}
            tap.recorder = self.recorder.open_session(
                session_start(flow, negotiated, names, mode, self._clock())
            )
            self.recorders.append(tap.recorder)
        session.gate.hold("recorder", self._pressed)
        self.live.add(session)
        self.opened += 1
        if settings.intercept:
            holds = self._holds(negotiated.deflate)
            return InterceptLayer(context, session, holds, negotiated.deflate, settings.limits.patience_s)
        return ObserveLayer(context, session, spliced=settings.splice)

    def press(self, pressed: bool) -> None:
        """Pause reading in all sessions, or go on."""
        self._pressed = pressed
        if pressed:
            self.relaxed.clear()
        else:
            self.relaxed.set()
        for session in self.live:
            session.gate.hold("recorder", pressed)

    def stop_recording(self) -> None:
        """Go on unrecorded."""
        self.recorder = None
        for session in self.live:
            session.tap.recorder = None
        self.press(False)

    def refuse(self) -> None:
        """Let nothing pass any more."""
        self.refused = True
        self.relaxed.set()
        for session in list(self.live):
            session.wire.abort()

    def close(self) -> None:
        """Close the sessions that are still open, as ended by neither side."""
        self.refused = True
        self.relaxed.set()
        for session in list(self.live):
            session.finish(None)
            session.wire.close()

    def _followers(self, deflate: DeflateParameters | None, audience: Audience) -> dict[Side, Follower]:
        settings = self.settings
        limit = settings.limits.message_size
        return {
            side: Follower(
                settings.dialects[side],
                None if deflate is None else deflate.inflater(side, output_limit=limit),
                limit,
                control_frames=audience.control_frames,
            )
            for side in Side
        }

    def _holds(self, deflate: DeflateParameters | None) -> dict[Side, Hold]:
        settings = self.settings
        limit = settings.limits.message_size
        return {
            side: Hold(
                settings.dialects[side],
                None if deflate is None else deflate.inflater(side, output_limit=limit),
                limit,
            )
            for side in Side
        }
