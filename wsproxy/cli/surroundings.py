"""What stands around bytes where people paste them from: quotation marks, headings, labels, comments.

Text in, text out, no I/O. `tidied` takes away what is never part of the bytes, `bared` what may be: that is
for text that cannot be read with it.
"""

import re
from collections.abc import Iterator

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), None)
_TYPESET = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201a", "\"\"\"'''")
# curl --trace, openssl s_client -debug and -msg, socat -x, netty, Markdown.
_HEADING = re.compile(
    r"\s*(?:(?:\d\d:\d\d:\d\d\.\d+ )?(?:<=|=>|==) .*"
    r"|(?:read from|write to) 0x.*"
    r"|(?:<<<|>>>) .*"
    r"|[<>] \d{4}/\d\d/\d\d .*\blength=\d+.*"
    r"|-{2,}|\+[-+]+\+?|\|[ 0-9a-f]+\||```\w*)\s*"
)
_OPENSSL = re.compile(
    r"^([ \t]*[0-9A-Fa-f]{4}) - ((?:[0-9A-Fa-f]{2}[ -]){0,15}[0-9A-Fa-f]{2})-?", re.MULTILINE
)
_TRIPLE = re.compile(r"(['\"])\1\1")
_NETTY = re.compile(r"^[ \t]*\|([0-9A-Fa-f]{8})\| (.*?) *\|(.*)\|[ \t]*$", re.MULTILINE)
_GDB_SYMBOL = re.compile(r"^([ \t]*0x[0-9A-Fa-f]+) <[^>]*>:", re.MULTILINE)
_QUOTED_LINE = re.compile(r"\s*>(?!>)\s?")
_CUT_OFF = re.compile(r"(?:\.\.\.|…)(?: *\(?\d+ more bytes?\)?)?")
_DIRECTIVE = re.compile(
    r"^[ \t]*\.?(?:db|byte|defb|dc\.b)[ \t]+(?=\$|0x|[0-9A-F]+h\b)", re.MULTILINE | re.IGNORECASE
)

_COMMENT = re.compile(r"(?:^|\s)[#;](?!\$).*$", re.MULTILINE)
_LABEL = re.compile(
    r"^(?=[^:\n]*[G-Zg-z_])[^:\n]{1,80}:[ \t]+(?=(?:0x)?[0-9A-Fa-f]{2}[ ,:-]*(?:0x)?[0-9A-Fa-f]{2})",
    re.MULTILINE,
)
_FEW_LINES = 3
_HEX_STRING = re.compile(r"""["'`]((?:[0-9A-Fa-f]{2}[\s:,-]*){2,})["'`]""")
_HEX_IN_ANGLES = re.compile(r"<([0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2})+)>")


def tidied(text: str) -> str:
    """`text` without what is never part of the bytes."""
    text = text.translate(_INVISIBLE).translate(_TYPESET)
    lines = text.splitlines()
    full = [line for line in lines if line.strip()]
    if full and all(_QUOTED_LINE.match(line) for line in full) and not any(map(_HEADING.fullmatch, full)):
        lines = [_QUOTED_LINE.sub("", line, count=1) for line in lines]
    kept = [line for line in lines if not (line.strip() and _HEADING.fullmatch(line))]
    text = "\n".join(kept) if len(kept) < len(lines) or lines != text.splitlines() else text
    text = _TRIPLE.sub(r"\1", text)
    text = _NETTY.sub(r"\1  \2  |\3|", _OPENSSL.sub(r"\1: \2 ", _GDB_SYMBOL.sub(r"\1:", text)))
    return _DIRECTIVE.sub("", text)


def bared(text: str) -> Iterator[str]:
    """What may be the bytes in a text that cannot be read as it is, likeliest first."""
    found = [*_HEX_STRING.findall(text), *_HEX_IN_ANGLES.findall(text)]
    if len(found) == 1 and text.strip().count("\n") < _FEW_LINES and "HTTP/1." not in text:
        yield found[0]
    bare = _LABEL.sub("", _COMMENT.sub("", _CUT_OFF.sub(" ", text)))
    if bare != text and bare.strip():
        yield bare
