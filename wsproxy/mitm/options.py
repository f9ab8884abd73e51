"""wsproxy's options in mitmproxy. They mean the same as the flags of `wsproxy record`."""

from collections.abc import Sequence
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

from wsproxy.conformance.profiles import Profile, load_profile
from wsproxy.errors import UsageError
from wsproxy.mitm.internals import set_options
from wsproxy.mitm.messages import MessageLimits
from wsproxy.mitm.sessions import SessionSettings
from wsproxy.protocol.frame import Side
from wsproxy.protocol.grammar import DIALECTS, load_dialect
from wsproxy.store.redaction import Redaction
from wsproxy.store.redaction_rules import RULE_FORMS

_DEFAULT_LIMITS = MessageLimits()
_ON_STORE_ERROR = ("stop", "relay")

_OPTIONS: tuple[tuple[str, Any, object, str, tuple[str, ...] | None], ...] = (
    (
        "wsproxy_recording",
        str,
        "",
        "Record every WebSocket session there: a SQLite file or a database URL. Empty: record nothing.",
        None,
    ),
    (
        "wsproxy_on_store_error",
        str,
        "stop",
        "When recording fails: stop, so that nothing passes unrecorded, or keep relaying.",
        _ON_STORE_ERROR,
    ),
    (
        "wsproxy_redact",
        Sequence[str],
        (),
        f"Take secrets out before anything is recorded or shown, by rules: {RULE_FORMS}.",
        None,
    ),
    (
        "wsproxy_normalize",
        str,
        "",
        "Repair what departs from RFC 6455, by a profile: its name, or a TOML file. Empty: repair nothing.",
        None,
    ),
    (
        "wsproxy_rules",
        str,
        "",
        "A TOML file that switches single rules on or off, on top of the profile.",
        None,
    ),
    (
        "wsproxy_intercept",
        bool,
        False,
        "Hold each WebSocket message until addons have seen it, so that they can change or drop it.",
        None,
    ),
    (
        "wsproxy_splice",
        bool,
        True,
        "Have the sockets of sessions without TLS exchange bytes directly, unless messages are held.",
        None,
    ),
    (
        "wsproxy_client_dialect",
        str,
        "rfc6455",
        f"How the client writes frame headers: {', '.join(DIALECTS)}, or a grammar in FILE.py:NAME.",
        None,
    ),
    (
        "wsproxy_server_dialect",
        str,
        "rfc6455",
        f"How the server writes frame headers: {', '.join(DIALECTS)}, or a grammar in FILE.py:NAME.",
        None,
    ),
    (
        "wsproxy_message_limit",
        int,
        _DEFAULT_LIMITS.message_size,
        "Messages longer than this many bytes are shown cut off, and never held.",
        None,
    ),
    (
        "wsproxy_message_patience",
        int,
        int(_DEFAULT_LIMITS.patience_s),
        "A held message is given up, and what came of it goes on, if nothing follows for so many seconds.",
        None,
    ),
    (
        "wsproxy_messages_kept",
        int,
        _DEFAULT_LIMITS.kept,
        "How many of its latest messages a flow keeps.",
        None,
    ),
    (
        "wsproxy_messages_kept_size",
        int,
        _DEFAULT_LIMITS.kept_size,
        "How many bytes of its latest messages a flow keeps.",
        None,
    ),
)

# What an exact relay needs of mitmproxy: the Host field as the client wrote it; no connection to the device
# before a request needs one; HTTP/1.1 on both sides, as mitmproxy relays no WebSocket over HTTP/2 (RFC 8441).
_NEEDED: dict[str, Any] = {"keep_host_header": True, "connection_strategy": "lazy", "http2": False}


def add_options(loader: Loader) -> None:
    """Add our options, and set those of mitmproxy's that an exact relay needs."""
    for name, kind, default, description, choices in _OPTIONS:
        loader.add_option(name, kind, default, description, choices)
    set_options(**_NEEDED)


def redaction() -> Redaction | None:
    """What must not be recorded or shown; None without rules. Raises UsageError for what is no rule."""
    rules = ctx.options.wsproxy_redact
    return Redaction.of(rules) if rules else None


def session_settings() -> SessionSettings:
    """How sessions are to be treated, by the options as they are.

    Raises UsageError for an unknown dialect, profile or choice, a limit that makes no sense, or normalize
    together with intercept.
    """
    options: Any = ctx.options
    for name in ("wsproxy_message_limit", "wsproxy_message_patience", "wsproxy_messages_kept"):
        if getattr(options, name) < 0:
            raise UsageError(f"{name} is {getattr(options, name)}; it cannot be negative")
    # mitmproxy offers the choices, and takes anything.
    if options.wsproxy_on_store_error not in _ON_STORE_ERROR:
        raise UsageError(f"wsproxy_on_store_error is {options.wsproxy_on_store_error!r}: use stop or relay")
    return SessionSettings(
        intercept=options.wsproxy_intercept,
        profile=_profile(options.wsproxy_normalize, options.wsproxy_rules, options.wsproxy_intercept),
        splice=options.wsproxy_splice,
        dialects={
            Side.CLIENT: load_dialect(options.wsproxy_client_dialect),
            Side.SERVER: load_dialect(options.wsproxy_server_dialect),
        },
        limits=MessageLimits(
            message_size=options.wsproxy_message_limit,
            patience_s=options.wsproxy_message_patience,
            kept=options.wsproxy_messages_kept,
            kept_size=options.wsproxy_messages_kept_size,
        ),
    )


def _profile(name: str, rules: str, intercept: bool) -> Profile | None:
    if not name:
        if rules:
            raise UsageError("--rules (wsproxy_rules) is of no use without --normalize (wsproxy_normalize)")
        return None
    if intercept:
        raise UsageError(
            "--normalize (wsproxy_normalize) and --intercept (wsproxy_intercept) exclude each other: repairs "
            "do not wait for addons. Addons still see every message, and may inject, in normalize mode"
        )
    return load_profile(name, *((rules,) if rules else ()))
