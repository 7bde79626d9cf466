"""SQLite's connections. What may wait for the disk or another process runs in a thread; the rest of a write does not.

Handing a statement to a thread and back costs more than the statement: between `BEGIN IMMEDIATE`, which takes the
lock, and `COMMIT`, which waits for the disk, a write transaction touches pages that are in memory or soon will be.
Reading, which may be long, and inserting many rows at once stay in the thread. Knows no noun.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")
_ROWS_FETCHED = 64


class NearConnection(aiosqlite.Connection):
    """A connection that works on the event loop while `at_once` is set."""

    at_once = False

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self.at_once and fn.__name__ != "executemany":
            return fn(*args, **kwargs)
        found: T = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return found


def connect(database: str, **options: Any) -> NearConnection:
    """As `aiosqlite.connect`; to be awaited. Its two threads never use the connection at the same time."""
    options["check_same_thread"] = False
    connection = NearConnection(partial(sqlite3.connect, database, **options), _ROWS_FETCHED)
    connection._thread.daemon = True
    return connection
