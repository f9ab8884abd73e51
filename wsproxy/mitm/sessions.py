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

from wsproxy.conformance.normalizer import Normalizer
from wsproxy.conformance.profiles import Profile
from wsproxy.mitm.audience import Audience
from wsproxy.mitm.encode import Encoder
from wsproxy.mitm.facts import session_start
from wsproxy.mitm.follow import Follower
from wsproxy.mitm.hold import Hold
from wsproxy.mitm.intercept import InterceptLayer
from wsproxy.mitm.layer import ObserveLayer
from wsproxy.mitm.live import Clock, LiveSession, SessionParts
from wsproxy.mitm.messages import MessageLimits
from wsproxy.mitm.normalize import NormalizeLayer
from wsproxy.mitm.opening import Agreed, HandshakeRepairs, agreed_on, dropped_bodies
from wsproxy.mitm.received import received
from wsproxy.mitm.tap import Tap
from wsproxy.mitm.wire import connection_handler
from wsproxy.protocol.deflate import DeflateParameters
from wsproxy.protocol.dialect import Dialect
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import RFC6455
from wsproxy.store.writer import Recorder, SessionRecorder

_KEY_SIZE = 4
_NONCE_SIZE = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sessions that begin now are treated. `profile`: what is repaired, None for nothing. `splice`: plain
    ones bypass mitmproxy's layers where messages are not held.
    """

    intercept: bool = False
    profile: Profile | None = None
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
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = SessionSettings()
        self.recorder: Recorder | None = None
        self.refused = False
        self.live: set[LiveSession] = set()
        self.opened = 0
        self._audience = audience
        self._clock = clock
        self._new_key = lambda: random(_KEY_SIZE)
        self._new_nonce = lambda: random(_NONCE_SIZE)
        self._pressed = False
        self.relaxed = asyncio.Event()
        """Set unless the recorder must be given time."""
        self.relaxed.set()

    def repairs(self) -> HandshakeRepairs | None:
        """What repairs the next opening handshake; None to leave it as it is."""
        profile = self.settings.profile
        return None if profile is None else HandshakeRepairs(profile, self._new_nonce)

    def open(self, context: Context, flow: http.HTTPFlow) -> Layer | None:
        """The layer that relays the session of `flow`; None once nothing may pass any more, or if the client
        is gone.
        """
        handler = connection_handler(context.client)
        if self.refused or handler is None:
            return None
        settings, audience = self.settings, self._audience()
        agreed = agreed_on(flow, settings.dialects)
        follows = audience.follows and not settings.intercept
        tap = Tap(None, self._followers(agreed, audience) if follows else {})
        encoder = Encoder(agreed.dialects, self._new_key)
        parts = SessionParts(
            tap=tap,
            encoder=encoder,
            limits=settings.limits,
            shows_messages=audience.messages,
            sees_close=follows or settings.intercept,
            on_end=self.live.discard,
            clock=self._clock,
        )
        session = LiveSession(flow, handler, parts)
        if self.recorder is not None:
            tap.recorder = self._record(self.recorder, flow, agreed)
        session.gate.hold("recorder", self._pressed)
        self.live.add(session)
        self.opened += 1
        return self._layer(context, session, agreed)

    def _record(self, recorder: Recorder, flow: http.HTTPFlow, agreed: Agreed) -> SessionRecorder:
        settings = self.settings
        mode = "observe" if settings.profile is None else "normalize"
        names = {side: dialect.name for side, dialect in agreed.dialects.items()}
        start = session_start(
            flow, agreed.legs.server, names, "intercept" if settings.intercept else mode, self._clock()
        )
        return recorder.open_session(start, agreed.repairs, early_bytes=received(flow.request).early)

    def _layer(self, context: Context, session: LiveSession, agreed: Agreed) -> Layer:
        settings = self.settings
        if settings.intercept:
            deflate = agreed.legs.server.deflate
            return InterceptLayer(context, session, self._holds(deflate), deflate, settings.limits.patience_s)
        if settings.profile is None or not agreed.repaired:
            return ObserveLayer(context, session, spliced=settings.splice)
        normalizer = Normalizer(
            settings.profile,
            agreed.legs,
            dialects=agreed.dialects,
            masking_key=self._new_key,
            bodies=dropped_bodies(session.flow),
        )
        return NormalizeLayer(context, session, normalizer, spliced=settings.splice)

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

    def _followers(self, agreed: Agreed, audience: Audience) -> dict[Side, Follower]:
        limit = self.settings.limits.message_size
        deflates = {side: agreed.legs.of(side).deflate for side in Side}
        return {
            side: Follower(
                agreed.dialects[side],
                None if deflate is None else deflate.inflater(side, output_limit=limit),
                limit,
                control_frames=audience.control_frames,
            )
            for side, deflate in deflates.items()
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
