"""Which repairs are on, for which side, and their options: a profile is a TOML file.

description = "What it is for"
include = ["strict"]              # other profiles, packaged or beside this file; later ones win

[rules]                           # rule ids, or the beginning of some and a *; the longest that fits wins
"message.*" = true
message.nul-padding = false
[rules.server]                    # of what the server sends, only
frame.rsv-bits = false

[options]                         # see options.py
utf8 = "replace"
[options.client]
frame_limit = 65535
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wsproxy.conformance.options import OPTIONS
from wsproxy.conformance.rules import RULES
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side

type _Switches = Mapping[str, bool]

_KEYS = frozenset({"name", "description", "include", "rules", "options"})
_SIDES = frozenset(Side)


@dataclass(frozen=True)
class Profile:
    """Which repairs are on and how they work, for either side.

    `rules` holds the ids of the rules whose departures are repaired, of what that side sends; `options` what
    was set, see `option`.
    """

    name: str
    description: str = ""
    include: tuple[str, ...] = ()
    rules: Mapping[Side, frozenset[str]] = field(default_factory=lambda: dict.fromkeys(Side, frozenset()))
    options: Mapping[Side, Mapping[str, Any]] = field(default_factory=lambda: {side: {} for side in Side})

    def repairs(self, rule_id: str, side: Side) -> bool:
        """Whether what that side sends is mended where it departs from the rule."""
        return rule_id in self.rules[side]

    def option(self, name: str, side: Side) -> Any:
        """The value of an option for that side. Raises KeyError for one that options.py does not have."""
        default = OPTIONS[name].default
        return self.options[side].get(name, default)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every rule id that is on for either side."""
        return frozenset().union(*self.rules.values())


def packaged_profiles() -> list[str]:
    """The names of the profiles that come with wsproxy."""
    folder = files("wsproxy.conformance").joinpath("profiles")
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


def load_profile(spec: str, *files_on_top: str) -> Profile:
    """The packaged profile with the name `spec`, or the one in the TOML file of that path.

    `files_on_top` are read after it and win. Raises UsageError: no such profile, no TOML, or something
    in it that means nothing.
    """
    layers = _Layers()
    top = layers.read(spec, Path(), ())
    for path in files_on_top:
        layers.read(path, Path(), ())
    rules = {side: frozenset(_resolve(layers.switches[side])) for side in Side}
    options = {side: MappingProxyType(layers.options[side]) for side in Side}
    name = top.get("name", Path(spec).stem)
    return Profile(
        name,
        top.get("description", ""),
        tuple(top.get("include", ())),
        MappingProxyType(rules),
        MappingProxyType(options),
    )


@dataclass(slots=True)
class _Layers:
    """What the profiles read so far say, the included before the including."""

    switches: dict[Side, list[tuple[str, bool]]] = field(default_factory=lambda: {side: [] for side in Side})
    options: dict[Side, dict[str, Any]] = field(default_factory=lambda: {side: {} for side in Side})

    def read(self, spec: str, folder: Path, path: tuple[str, ...]) -> Mapping[str, Any]:
        """Read a profile and those it includes; its own table."""
        text, where, folder = _find(spec, folder, path)
        if where in path:
            raise UsageError(f"profile {where} includes itself, by way of {' and '.join(path)}")
        table = _parse(text, where)
        for included in table.get("include", ()):
            self.read(included, folder, (*path, where))
        for side, values in _by_side(table.get("rules", {}), where, "rules"):
            self.switches[side] += _check_rules(values, where)
        for side, values in _by_side(table.get("options", {}), where, "options"):
            self.options[side] |= _check_options(values, where)
        return table


def _find(spec: str, folder: Path, path: tuple[str, ...]) -> tuple[str, str, Path]:
    """A profile's text, what to call it, and the folder of what it includes. `path`: what includes it."""
    by = f", which {path[-1]} includes" if path else ""
    if not spec.endswith(".toml"):
        names = packaged_profiles()
        if spec in names:
            resource = files("wsproxy.conformance").joinpath("profiles", f"{spec}.toml")
            return resource.read_text("utf-8"), spec, folder
        raise UsageError(
            f"there is no profile {spec!r}{by}: use {', '.join(names)},"
            " or the path of a .toml file of your own"
        )
    place = folder / spec
    try:
        return place.read_text("utf-8-sig"), str(place), place.parent
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"profile {place}{by} cannot be read: {error}") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"profile {where} is not TOML: {error}") from error
    for key in table.keys() - _KEYS:
        raise UsageError(f"profile {where} has a {key!r}{_instead(key, _KEYS)}")
    include = table.get("include", [])
    if not isinstance(include, list) or not all(isinstance(each, str) for each in include):
        raise UsageError(f"profile {where}: include takes a list of names or paths of profiles")
    for key in ("name", "description"):
        if not isinstance(table.get(key, ""), str):
            raise UsageError(f"profile {where}: {key} takes a text")
    return table


def _by_side(table: Any, where: str, key: str) -> Iterable[tuple[Side, Mapping[str, Any]]]:
    """What a table says of both sides, of each, and then what it says of one."""
    own = {side: table.get(side, {}) for side in Side} if isinstance(table, dict) else None
    if own is None or not all(isinstance(values, dict) for values in own.values()):
        raise UsageError(f"profile {where}: write [{key}], [{key}.client] and [{key}.server] as tables")
    common = {name: value for name, value in table.items() if name not in _SIDES}
    for side, values in own.items():
        yield side, common
        yield side, values


def _check_rules(values: Mapping[str, Any], where: str) -> list[tuple[str, bool]]:
    switches = sorted(_flat(values), key=lambda switch: (not switch[0].endswith("*"), len(switch[0])))
    for pattern, on in switches:
        if not isinstance(on, bool):
            raise UsageError(f"profile {where}: {pattern} takes true or false, not {on!r}")
        if not any(_matches(pattern, rule_id) for rule_id in RULES):
            raise UsageError(f"profile {where}: there is no rule {pattern!r}{_instead(pattern, RULES)}")
    return switches


def _flat(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """The lines of a table of rules. TOML takes an id that is not quoted, a.b, for a table in a table."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _check_options(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    for name, value in values.items():
        option = OPTIONS.get(name)
        if option is None:
            raise UsageError(f"profile {where}: there is no option {name!r}{_instead(name, OPTIONS)}")
        if not option.check(value):
            raise UsageError(f"profile {where}: {name} takes {option.takes}, not {value!r}")
    return values


def _resolve(switches: Iterable[tuple[str, bool]]) -> Iterable[str]:
    lines = list(switches)
    for rule_id in RULES:
        last = [on for pattern, on in lines if _matches(pattern, rule_id)][-1:]
        if last == [True]:
            yield rule_id


def _matches(pattern: str, rule_id: str) -> bool:
    return rule_id.startswith(pattern[:-1]) if pattern.endswith("*") else rule_id == pattern


def _instead(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, 1)
    return f": is it {close[0]}?" if close else f"; known are {', '.join(sorted(names)[:40])}"
