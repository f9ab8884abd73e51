"""Rewriting a head so that everything which did not change stays byte-identical.

Source: RFC 9112 sections 2 to 5.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence

from wsproxy.protocol.heads import HeaderField, parse_request_head, parse_response_head


def patch_head(raw: bytes, before: bytes, after: bytes) -> bytes:
    """The head `raw` with the changes that lead from `before` to `after`, and no other; never raises.

    `before` is how somebody else would have written the head right after parsing it, `after` how they would
    write it now. Untouched lines keep their bytes: spelling, white space, folds, line ends. A changed value
    keeps its field's name as it was spelt (unless that changed too) and its line end. Removed fields vanish,
    new ones stand where `after` has them, order is that of `after`. Lines of `raw` that `before` does not
    have stay behind the line they followed. What precedes the start line (blank lines, interim responses) and
    the blank line stay.
    """
    if before == after:
        return raw
    parse = parse_response_head if before[:5].upper() == b"HTTP/" else parse_request_head
    head, old, new = parse(raw), parse(before), parse(after)
    if not head.start_line:
        return after
    line_end = _line_end(head.start_line)
    start_line = head.start_line
    if old.start_line.strip() != new.start_line.strip():
        start_line = new.start_line.strip() + line_end
    lines = _patched_lines(head.fields, old.fields, new.fields, line_end)
    whole = (line if line.endswith(b"\n") else line + line_end for line in (start_line, *lines))
    return b"".join((head.preamble, *whole, head.end))


def _patched_lines(
    raw: Sequence[HeaderField], old: Sequence[HeaderField], new: Sequence[HeaderField], line_end: bytes
) -> list[bytes]:
    raw_of_old: Sequence[int | None] = range(len(raw)) if len(raw) == len(old) else _match(raw, old)
    old_of_new = _match(old, new)
    raw_of_new = [None if source is None else raw_of_old[source] for source in old_of_new]
    followers = _followers(raw, set(raw_of_old), set(raw_of_new))
    lines = followers[None]
    for field, source, place in zip(new, old_of_new, raw_of_new, strict=True):
        changed = source is None or _identity(old[source]) != _identity(field)
        if place is not None:
            keep_name = source is not None and old[source].name == field.name
            lines.append(_rewritten(raw[place], field, keep_name) if changed else raw[place].raw)
            lines += followers[place]
        elif changed:
            lines.append(field.name + b": " + field.value + line_end if field.name else field.raw)
    return lines


def _followers(
    raw: Sequence[HeaderField], known: set[int | None], kept: set[int | None]
) -> defaultdict[int | None, list[bytes]]:
    """The lines nobody else knew of, under the kept line they follow (None: they come first)."""
    followers: defaultdict[int | None, list[bytes]] = defaultdict(list)
    last_kept = None
    for place, field in enumerate(raw):
        if place in kept:
            last_kept = place
        elif place not in known:
            followers[last_kept].append(field.raw)
    return followers


def _match(old: Sequence[HeaderField], new: Sequence[HeaderField]) -> list[int | None]:
    """For each new field the old one it stands for: the same name and value first, else the same name."""
    matches: list[int | None] = [None] * len(new)
    taken: set[int] = set()
    for identity in (_identity, _key):
        free = _places(old, identity, taken)
        for place, field in enumerate(new):
            if matches[place] is None and free[identity(field)]:
                matches[place] = match = free[identity(field)].popleft()
                taken.add(match)
    return matches


def _places(
    fields: Sequence[HeaderField], identity: Callable[[HeaderField], Hashable], taken: set[int]
) -> defaultdict[Hashable, deque[int]]:
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for place, field in enumerate(fields):
        if place not in taken:
            places[identity(field)].append(place)
    return places


def _identity(field: HeaderField) -> tuple[bytes, bytes]:
    return field.name, field.value


def _key(field: HeaderField) -> bytes:
    return field.key


def _rewritten(raw: HeaderField, new: HeaderField, keep_name: bool) -> bytes:
    """The new value in the old line's dress."""
    name, _, rest = raw.raw.partition(b":")
    blank = rest[: len(rest) - len(rest.lstrip(b" \t"))]
    if not raw.name or not raw.value or rest[:1] in (b"\r", b"\n"):
        blank = b" "
    return (name if keep_name and raw.name else new.name) + b":" + blank + new.value + _line_end(raw.raw)


def _line_end(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :] or b"\r\n"
