"""Every exception wsproxy raises on purpose.

Peer misbehaviour is never one of them: it is data. These are for callers who ask for something that cannot
be done, and for recordings that cannot be read.
"""


class WsproxyError(Exception):
    """Base of all; its text is one line that tells the user what to do next."""

    exit_code = 2


class UsageError(WsproxyError):
    """The caller asked for something that makes no sense (an unknown scheme, an empty hex string)."""


class RecordingError(WsproxyError):
    """A recording is missing, damaged, of a newer format, or cannot be written."""


class ReachError(WsproxyError):
    """A connection could not be made, or an address could not be listened on."""

    exit_code = 3


class DatabaseReachError(RecordingError, ReachError):
    """The database server that a recording is in could not be connected to, or the connection was lost."""
