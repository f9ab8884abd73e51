"""What a test asks for with `@pytest.mark.wsproxy(...)`."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from os import PathLike
from typing import Any

import pytest

from wsproxy.errors import UsageError


class Mode(StrEnum):
    """When sessions are recorded, with the names and meanings of vcrpy and pytest-recording."""

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    ALL = "all"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What applies to one test. `recording` is None for one of its own.

    `target` is the device to record (`ws://` or `wss://`), `insecure` accepts any certificate of it,
    `normalize` is a profile to record through. `redact` is on top of the rules of the project.

    For replaying: `sessions` (numbers or "last"; all if none are given), `speed`, `match`, `vary`,
    `on_mismatch`, `loop`, `exact_handshake`, `as_sent` (the default where there is a `normalize`) as in
    `wsproxy.replay.serve`. With `strict`, a test fails that leaves recorded messages unplayed, apart from
    those in which one of the regular expressions `allow_unplayed` is found. `patience`: so many seconds may a
    client be silent when it is its turn.
    """

    recording: str | None = None
    target: str | None = None
    insecure: bool = False
    normalize: str = ""
    redact: tuple[str, ...] = ()
    sessions: tuple[int | str, ...] = ()
    speed: float | str = "max"
    match: str = "exact"
    vary: tuple[str, ...] = ()
    on_mismatch: str = "close"
    loop: bool = False
    exact_handshake: bool = False
    as_sent: bool = False
    strict: bool = True
    allow_unplayed: tuple[str, ...] = ()
    patience: float = 30.0


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}
_CHECKED_LATER = ("speed", "patience")


def settings_of(markers: Iterable[pytest.Mark]) -> Settings:
    """The settings in a test's markers, the closest first: that of a test goes before that of its class or
    module.

    Raises UsageError for what a marker cannot have.
    """
    found: dict[str, Any] = {}
    for marker in markers:
        if len(marker.args) > 1:
            raise UsageError("pytest.mark.wsproxy takes one recording; give everything else by its name")
        if unknown := sorted(marker.kwargs.keys() - _DEFAULTS):
            raise UsageError(
                f"pytest.mark.wsproxy has no {', '.join(unknown)}; it has {', '.join(sorted(_DEFAULTS))}"
            )
        if marker.args and "recording" in marker.kwargs:
            raise UsageError("pytest.mark.wsproxy names two recordings: say it once")
        found = {**marker.kwargs, **({"recording": marker.args[0]} if marker.args else {}), **found}
    found["recording"] = _place(found.get("recording"))
    if found.get("as_sent") is None:
        # The client that was recorded got on with what the repairs made of it.
        found["as_sent"] = bool(found.get("normalize"))
    return Settings(**{name: _checked(name, value) for name, value in found.items()})


def _checked(name: str, value: Any) -> Any:
    """The value in the form `Settings` has it in; None is the default."""
    default = _DEFAULTS[name]
    if name == "recording" or name in _CHECKED_LATER:
        return value
    if value is None:
        return default
    if isinstance(default, tuple):
        kinds = (int, str) if name == "sessions" else (str,)
        several = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
        if all(isinstance(each, kinds) and not isinstance(each, bool) for each in several):
            return several
        raise UsageError(_senseless(name, value, "give one, or a list of them"))
    flag = isinstance(default, bool)
    if not isinstance(value, bool if flag else str):
        raise UsageError(_senseless(name, value, "say True or False" if flag else "give a text"))
    return value


def _senseless(name: str, value: Any, hint: str) -> str:
    return f"pytest.mark.wsproxy: {name}={value!r} makes no sense; {hint}"


def _place(value: Any) -> str | None:
    if value is None or isinstance(value, str | PathLike):
        return None if value is None else str(value)
    raise UsageError(f"{value!r} cannot be a recording: give pytest.mark.wsproxy a path or a database URL")
