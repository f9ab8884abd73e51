"""The plain HTTP exchanges of a recording, as text and as JSON."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wsproxy.cli.objects import payload_object
from wsproxy.cli.paint import Line, Span, printable
from wsproxy.cli.payload import payload_lines
from wsproxy.cli.render import date_and_time

if TYPE_CHECKING:
    from wsproxy.store.model import StoredExchange

_INDENT = " " * 6
_TEXT = 0x1


def count_text(count: int) -> str:
    """How many there are, in words."""
    return f"{count:,} HTTP exchange{'' if count == 1 else 's'}"


def exchange_lines(stored: "StoredExchange", limit: int) -> Iterator[Line | str]:
    """An exchange as a person reads it; of each body at most `limit` lines (0: all)."""
    exchange = stored.exchange
    lasted_ms = max(0, exchange.ended_at_ns - exchange.started_at_ns) / 1e6
    yield [
        Span(f"{date_and_time(exchange.started_at_ns)}  ", "dim"),
        Span(f"exchange {stored.id}", "title"),
        Span(f"  {printable(exchange.client_address)} → {printable(exchange.target)}"),
        Span(f"  {lasted_ms:,.0f} ms", "dim"),
    ]
    yield from _message("client", "request", exchange.request_head)
    yield from _body(exchange.request_body, exchange.request_body_length, limit)
    yield from _message("server", "response", exchange.response_head)
    yield from _body(exchange.response_body, exchange.response_body_length, limit)


def exchange_object(stored: "StoredExchange") -> dict[str, Any]:
    """Every fact of an exchange; heads as text, bodies as `text` or `payload` (hex)."""
    from dataclasses import asdict

    facts = asdict(stored.exchange)
    for message in ("request", "response"):
        facts[f"{message}_head"] = facts[f"{message}_head"].decode("latin-1")
        facts[f"{message}_body"] = payload_object(_TEXT, facts[f"{message}_body"])
    return {"type": "exchange", "exchange": stored.id, **facts}


def _message(side: str, name: str, head: bytes) -> Iterator[Line | str]:
    yield [Span(f"  {name}" if head else f"  no {name}", side)]
    text = head.decode("utf-8", "backslashreplace").replace("\r\n", "\n").strip("\n")
    yield from (f"{_INDENT}{printable(line)}" for line in text.split("\n") if line)


def _body(body: bytes, length: int, limit: int) -> Iterator[Line | str]:
    if body:
        yield ""
    opcode = _TEXT if _is_text(body) else 0x2
    yield from (f"{_INDENT}{line}" for line in payload_lines(opcode, body, limit))
    if length > len(body):
        yield [Span(f"{_INDENT}({length:,} bytes, of which {len(body):,} were recorded)", "odd")]


def _is_text(body: bytes) -> bool:
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False
