"""How much a recorder may hold, and how long."""

from dataclasses import dataclass

from wsproxy.protocol.message import MESSAGE_LIMIT


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Sizes are in bytes, times in seconds; the defaults are measured (see docs/performance.md).

    `high_water`: what may wait to be stored before the relay must pause; it goes on at a quarter of that.
    `catch_up_time`: it must pause, too, when what waits would take longer than this at the present pace.

    `tick`: how long the writer lets data gather. `commit_time`: how long a transaction takes in data.
    `spool_age`: data that has waited longer than this is stored undecoded, in its side's tail, by the next
    commit. Together these keep what a killed recorder loses under 250 ms. `index_after`: how long nothing
    must have come in before texts are indexed. `lock_timeout`: how long to wait for other programs that write
    to the same SQLite file.

    `slice_size`: at most this much is decoded at once. `batch_size`: row data gathered before it is inserted.
    `piece_limit`: payload data of a frame kept in one row. `message_limit`: payload kept of an assembled
    message. `wal_start`, `wal_limit`: sizes of SQLite's write-ahead log at which it is copied into the file,
    and at which the relay must pause until it is.
    """

    high_water: int = 2 << 20
    catch_up_time: float = 0.08
    tick: float = 0.05
    commit_time: float = 0.05
    spool_age: float = 0.08
    index_after: float = 1.0
    lock_timeout: float = 10.0
    slice_size: int = 64 << 10
    batch_size: int = 512 << 10
    piece_limit: int = 64 << 10
    message_limit: int = MESSAGE_LIMIT
    wal_start: int = 16 << 20
    wal_limit: int = 512 << 20
