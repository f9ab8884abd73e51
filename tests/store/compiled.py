"""Many small recordings opened one after the other, without compiling the same statements for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Let all connections to SQLite that are made within share what SQLAlchemy compiles: it is half of the
    work.
    """
    compiled: dict[Any, Any] = {}
    dialects: dict[str, Dialect] = {}

    def share(connection: Connection) -> None:
        # Compiled statements are kept by dialect, and every engine makes one of its own.
        connection.dialect = dialects.setdefault("sqlite", connection.dialect)
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", share)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", share)
