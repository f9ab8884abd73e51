"""Sec-WebSocket-Extensions values with every detail that a check needs. Source: RFC 6455 section 9.1."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_EXTENSION = re.compile(r'(?:[^,"]+|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_PARAMETER = re.compile(r'(?:[^;"]+|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WINDOW_BITS = re.compile(r"[89]|1[0-5]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_T = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rb"(?:" + _T + rb'|"(?:[^"\\]|\\.)*")'
_ONE = _T + rb"(?:[ \t]*;[ \t]*" + _T + rb"(?:[ \t]*=[ \t]*" + _VALUE + rb")?)*[ \t]*"
_LIST = re.compile(rb"[ \t,]*(?:" + _ONE + rb"(?:,[ \t,]*|\Z))*", re.DOTALL)

DEFLATE = "permessage-deflate"
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS = ("server_max_window_bits", "client_max_window_bits")
_COMPRESSIONS = frozenset({DEFLATE, "deflate-frame", "x-webkit-deflate-frame", "permessage-bzip2"})


@dataclass(frozen=True, slots=True)
class Extension:
    """One offer or grant: its name and its parameters, in order; a value is unquoted, or None if missing."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def has(self, name: str) -> bool:
        """Whether there is such a parameter."""
        return any(name == parameter for parameter, _ in self.parameters)

    def get(self, name: str) -> str | None:
        """The first value under that name."""
        return next((value for parameter, value in self.parameters if parameter == name), None)

    @property
    def window_of_8(self) -> bool:
        """Whether either side is to compress with a window that zlib does not have."""
        return self.name == DEFLATE and "8" in map(self.get, _WINDOWS)

    @property
    def compresses(self) -> bool:
        """Whether it gives RSV1 a meaning, so that only one of its kind can be granted."""
        return self.name in _COMPRESSIONS

    def serialize(self) -> str:
        """The usual spelling: no quotes, `; ` between parameters."""
        return "; ".join((self.name, *map(_serialize_parameter, self.parameters)))


def is_extension_list(value: bytes) -> bool:
    """Whether a field value is what the grammar asks for, empty elements of the list aside."""
    return _LIST.fullmatch(value) is not None


def parse_extensions(values: Iterable[bytes]) -> list[Extension]:
    """The extensions in these field values, in order; never raises."""
    text = b",".join(values).decode("latin-1")
    found = (_parse_extension(each) for each in _EXTENSION.findall(text))
    return [extension for extension in found if extension.name]


def serialize_extensions(extensions: Iterable[Extension]) -> bytes:
    """One field value for all of them."""
    return ", ".join(extension.serialize() for extension in extensions).encode("latin-1")


def faulty_parameters(extension: Extension, *, granted: bool) -> list[str]:
    """What is wrong with the parameters of a permessage-deflate, in words. Source: RFC 7692 section 7.1."""
    if extension.name != DEFLATE:
        return []
    faults = []
    seen: set[str] = set()
    for name, value in extension.parameters:
        if name in seen:
            faults.append(f"{name} twice")
        elif name in _FLAGS:
            faults += [] if value is None else [f"{name}={value}, which takes no value"]
        elif name in _WINDOWS:
            faults += _faulty_window(name, value, optional=not granted and name == _WINDOWS[1])
        else:
            faults.append(f"{name}, which is not known")
        seen.add(name)
    return faults


def mismatch(granted: Extension, offers: Iterable[Extension]) -> str | None:
    """Why a permessage-deflate does not fit any of its offers, or None. Source: RFC 7692 section 7.1."""
    reasons = [_misfit(granted, offer) for offer in offers if offer.name == DEFLATE]
    return None if not reasons or None in reasons else reasons[0]


def without_faults(granted: Extension) -> Extension:
    """A granted permessage-deflate, without what is wrong with its parameters."""
    kept: dict[str, str | None] = {}
    for name, value in granted.parameters:
        if name in kept or name not in (*_FLAGS, *_WINDOWS):
            continue
        if name in _FLAGS:
            kept[name] = None
        elif value is not None and _WINDOW_BITS.fullmatch(value.lstrip("0")):
            kept[name] = value.lstrip("0")
    return Extension(granted.name, tuple(kept.items()))


def _misfit(granted: Extension, offer: Extension) -> str | None:
    if offer.has(_FLAGS[0]) and not granted.has(_FLAGS[0]):
        return f"{_FLAGS[0]} was offered and is not granted"
    if granted.has(_WINDOWS[1]) and not offer.has(_WINDOWS[1]):
        return f"{_WINDOWS[1]} is granted and was not offered"
    wanted = offer.get(_WINDOWS[0])
    if wanted and (not granted.get(_WINDOWS[0]) or _bits(granted.get(_WINDOWS[0])) > _bits(wanted)):
        return f"{_WINDOWS[0]}={wanted} was offered, {granted.get(_WINDOWS[0]) or 'nothing'} is granted"
    return None


def _bits(value: str | None) -> int:
    return int(value) if value and re.fullmatch("[0-9]{1,3}", value) else 15


def _faulty_window(name: str, value: str | None, *, optional: bool) -> list[str]:
    if value is None:
        return [] if optional else [f"{name} without a value"]
    return [] if _WINDOW_BITS.fullmatch(value) else [f"{name}={value}, where 8 to 15 exist"]


def _parse_extension(text: str) -> Extension:
    """A name that is no token is none; words behind it are parameters, as if they had their semicolons."""
    first, *parameters = [part.strip() for part in _PARAMETER.findall(text)] or [""]
    name, *more = first.strip('" \t\0').lower().split() or [""]
    if not _TOKEN.fullmatch(name):
        return Extension("")
    return Extension(name, tuple(_parse_parameter(each) for each in (*more, *parameters) if each))


def _parse_parameter(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    value = value.strip()
    if value[:1] == '"':
        value = _ESCAPE.sub(r"\1", value[1:].removesuffix('"'))
    return name.strip().lower(), value if equals else None


def _serialize_parameter(parameter: tuple[str, str | None]) -> str:
    name, value = parameter
    if value is None:
        return name
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f"{name}={value}" if _TOKEN.fullmatch(value) else f'{name}="{quoted}"'
