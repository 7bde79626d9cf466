"""The wire between processes on PostgreSQL: which conversations changed, by NOTIFY. Knows nothing of who listens.

A notification is a hint and may be lost; whoever listens looks at the rows. It is sent beside the transaction that
made the change, not in it: a NOTIFY inside would make every commit of the hot path wait for one lock.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from psycopg import AsyncConnection
from sqlalchemy import make_url

from sahut.store.database import POSTGRES_PATIENCE, Store

CHANNEL = "sahut_changes"
# A payload must stay under 8000 bytes; an id has 36 characters.
IDS_PER_NOTIFY = 200

# In one statement and outside a transaction: a hint need not wait for the disk, and is one trip.
_NOTIFY = sa.text("SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, :payload)")


async def connect(url: str) -> AsyncConnection:
    """A connection of its own to PostgreSQL, outside any pool, that commits each statement."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return await AsyncConnection.connect(plain, autocommit=True, **POSTGRES_PATIENCE)


async def notify(store: Store, sender: str, ids: Iterable[str]) -> None:
    """Tell every process that listens. `sender` has no space; by it a process knows its own notifications."""
    waiting = list(ids)
    async with store.looking.connect() as connection:
        for start in range(0, len(waiting), IDS_PER_NOTIFY):
            payload = " ".join((sender, *waiting[start : start + IDS_PER_NOTIFY]))
            await connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload})


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[AsyncIterator[tuple[str, list[str]]]]:
    """What is notified from now on, as (sender, ids). Raises `psycopg.OperationalError` where the wire breaks."""
    async with await connect(url) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")

        async def heard() -> AsyncIterator[tuple[str, list[str]]]:
            async for notification in connection.notifies():
                sender, *ids = notification.payload.split(" ")
                yield sender, ids

        yield heard()
