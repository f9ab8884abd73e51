"""mitmproxy's and our log, reduced to the lines a user should read."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CHATTY = ("mitmproxy", "asyncio", "tornado", "hpack", "quic", "h2")
# Our own notice of the same event says what to do about it.
_TOLD = ("Server TLS handshake failed.", "Client TLS handshake failed.")

# mitmproxy finds it worth INFO that its client does not speak SOCKS as it must.
_NO_SOCKS = (
    "Probably not a SOCKS request",
    "Invalid SOCKS version",
    "Client does not support SOCKS5",
    "Unsupported SOCKS5 request",
)

_LOCK = threading.Lock()


class _Forward(logging.Handler):
    """Hands over warnings from everywhere, and from us and user scripts all that is at least INFO.

    In the main thread, a proxy is all there is to its program. Elsewhere it is a guest: what other threads
    say is not its business, but for our own that have no proxy (a recorder's).
    """

    def __init__(self, on_line: Callable[[str], None], level_before: int) -> None:
        super().__init__(logging.INFO)
        self.level_before = level_before
        self.thread = threading.get_ident()
        self._is_guest = threading.current_thread() is not threading.main_thread()
        self._on_line = on_line

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a user should read it."""
        if record.msg.__class__ is str and record.msg.startswith(_TOLD):
            return False
        if record.thread != self.thread and not self._concerns_us(record):
            return False
        if record.msg.__class__ is str and record.msg.startswith(_NO_SOCKS):
            return True
        chatty = record.name.split(".")[0] in _CHATTY
        return record.levelno >= (logging.WARNING if chatty else logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it over as it would be printed."""
        try:
            self._on_line(self.format(record))
        except Exception:
            self.handleError(record)

    def _concerns_us(self, record: logging.LogRecord) -> bool:
        if any(other.thread == record.thread for other in _forwarding()):
            return False
        return not self._is_guest or record.name.startswith("wsproxy.")


def _forwarding() -> list[_Forward]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, _Forward)]


@contextmanager
def forwarded_logs(on_line: Callable[[str], None]) -> Iterator[None]:
    """Within, hand over each line worth reading."""
    root = logging.getLogger()
    with _LOCK:
        level_before = next((other.level_before for other in _forwarding()), root.level)
        handler = _Forward(on_line, level_before)
        root.setLevel(min(level_before, logging.INFO))
        root.addHandler(handler)
    try:
        yield
    finally:
        with _LOCK:
            root.removeHandler(handler)
            if not _forwarding():
                root.setLevel(level_before)
