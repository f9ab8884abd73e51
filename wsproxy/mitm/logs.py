"""mitmproxy's and our log, reduced to the lines a user should read."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CHATTY = ("mitmproxy", "asyncio", "tornado", "hpack", "quic", "h2")
# Our own notice of the same event says what to do about it.
_TOLD = ("Server TLS handshake failed.", "Client TLS handshake failed.")


class _Forward(logging.Handler):
    """Hands over warnings from everywhere, and from us and user scripts all that is at least INFO."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._on_line = on_line

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a user should read it."""
        if record.msg.__class__ is str and record.msg.startswith(_TOLD):
            return False
        chatty = record.name.split(".")[0] in _CHATTY
        return record.levelno >= (logging.WARNING if chatty else logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it over as it would be printed."""
        try:
            self._on_line(self.format(record))
        except Exception:
            self.handleError(record)


@contextmanager
def forwarded_logs(on_line: Callable[[str], None]) -> Iterator[None]:
    """Within, hand over each line worth reading."""
    root = logging.getLogger()
    level, handler = root.level, _Forward(on_line)
    root.setLevel(min(level, logging.INFO))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
