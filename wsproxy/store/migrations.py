"""From an empty database to the current format, by named steps that only go forward.

SQLite keeps the number of the last step in `user_version`, every other database in the table
`schema_version`.
"""

import time
from collections.abc import Callable

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, func, inspect, select
from sqlalchemy.schema import CreateColumn

from wsproxy.errors import RecordingError
from wsproxy.store import schema
from wsproxy.store.location import Location
from wsproxy.store.row_types import damaged
from wsproxy.store.search_index import create_index
from wsproxy.store.views import create_views

APPLICATION_ID = 0x77737078
"""`wspx`: tells a SQLite recording from any other SQLite database."""

_ADVISORY_LOCK = 0x77737078

_version_metadata = MetaData()
_schema_version = Table(
    "schema_version",
    _version_metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at_ns", BigInteger, nullable=False),
)


def _first_tables(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    create_views(connection)
    if connection.dialect.name == "sqlite":
        create_index(connection)


def _changes_and_exchanges(connection: Connection) -> None:
    # What the step before has just made from today's tables has all of it.
    schema.metadata.create_all(connection)
    _add_columns(connection, 2)


def _add_columns(connection: Connection, version: int) -> None:
    """Add the columns that this format brings, where they are not there yet."""
    for table in schema.metadata.sorted_tables:
        present = {found["name"] for found in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if schema.since(column) == version and column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")


MIGRATIONS: tuple[tuple[str, Callable[[Connection], None]], ...] = (
    ("first tables", _first_tables),
    ("rules of changes, redaction, HTTP exchanges", _changes_and_exchanges),
)
"""Each step's name and what it does; a step's number is its place, from 1. Steps are never changed once
released.
"""


def migrate(connection: Connection, location: Location) -> None:
    """Bring the database up to the current format, within the transaction under way.

    Raises RecordingError if it is of a newer format, or not a recording.
    """
    if connection.dialect.name == "postgresql":
        # Several recorders may start at once on an empty database; held until the transaction ends.
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    done = stored_version(connection, location)
    for number, (name, step) in enumerate(MIGRATIONS[done:], done + 1):
        step(connection)
        _note_version(connection, number, name)


def make_tables(connection: Connection) -> None:
    """Make an empty SQLite database a recording of the current format as far as our own reader needs it:
    without the views, and without the index that no recorder would fill.
    """
    schema.metadata.create_all(connection, checkfirst=False)
    _note_version(connection, len(MIGRATIONS), "")


def check_version(connection: Connection, location: Location) -> int:
    """The format of the recording; raises RecordingError unless there is one in a format that can be read."""
    version = stored_version(connection, location)
    if not version:
        raise RecordingError(f"{location} is a database without a recording in it: check the path")
    if connection.dialect.name == "sqlite":
        _check_tables(connection, location, version)
    return version


def _check_tables(connection: Connection, location: Location, version: int) -> None:
    """See that tables are tables: a view in the place of one could run on for ever."""
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    needed = {table.name for table in schema.metadata.sorted_tables if schema.since(table) <= version}
    missing = needed - {row[0] for row in found}
    if missing:
        raise damaged(location, f"it has no table {min(missing)}")


def stored_version(connection: Connection, location: Location) -> int:
    """The number of the last step the database has seen; 0 for an empty one.

    Raises RecordingError if it is of a newer format, or not a recording.
    """
    version = (
        _sqlite_version(connection, location)
        if connection.dialect.name == "sqlite"
        else _server_version(connection)
    )
    if version > len(MIGRATIONS):
        raise RecordingError(
            f"{location} has format {version}, and this wsproxy knows formats up to {len(MIGRATIONS)}:"
            " upgrade wsproxy"
        )
    return version


def _sqlite_version(connection: Connection, location: Location) -> int:
    application_id = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    if application_id == APPLICATION_ID:
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if application_id or connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
        raise RecordingError(f"{location} is a SQLite database, but not a recording: check the path")
    return 0


def _server_version(connection: Connection) -> int:
    if not inspect(connection).has_table(_schema_version.name):
        return 0
    version: int | None = connection.scalar(select(func.max(_schema_version.c.version)))
    return version or 0


def _note_version(connection: Connection, number: int, name: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={number}")
        return
    _version_metadata.create_all(connection)
    connection.execute(
        _schema_version.insert().values(version=number, name=name, applied_at_ns=time.time_ns())
    )
