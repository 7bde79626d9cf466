"""Tidies the shelf of customers' files: what was kept for long enough goes, and so does what no row names.

The rows are the truth: a file leaves the disk only when no message names its content any more, whoever let go of it
(this retention, a withdrawal, an erasure, a download that broke off). Knows no door.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from sahut.ports import Clock
from sahut.shelf import Shelf
from sahut.store import Store, files

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 3600.0
BATCH = 500
# A file is on the shelf a moment before its row says so: what was touched so lately is left alone.
SETTLING_S = 3600.0


@dataclass(frozen=True)
class Tidier:
    """Several may work, in one process or many. Without `keep` files are kept for ever."""

    store: Store
    clock: Clock
    shelf: Shelf
    keep: timedelta | None

    async def run(self) -> None:
        """Look every hour, until cancelled."""
        while True:
            await self.look()
            await self.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Forget what is too old, then take from the disk what nothing names."""
        forgotten = 0 if self.keep is None else await self._forget(self.keep)
        removed = await self._sweep()
        if forgotten or removed:
            log.info("customers' files were let go of", forgotten=forgotten, removed=removed)

    async def _forget(self, keep: timedelta) -> int:
        before, why = self.clock.now() - keep, files.KEPT_LONG_ENOUGH.format(days=keep.days)
        total = 0
        while True:
            # Each by itself: whoever writes meanwhile waits for one batch at most.
            async with self.store.transaction() as tx:
                done = await files.forget(tx, before=before, error=why, limit=BATCH)
            total += done
            if done < BATCH:
                return total

    async def _sweep(self) -> int:
        names = await asyncio.to_thread(self.shelf.older, SETTLING_S)
        removed = 0
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            async with self.store.reading() as tx:
                needed = await files.named(tx, batch)
            for name in sorted(set(batch) - needed):
                removed += await self._remove(name)
        return removed

    async def _remove(self, name: str) -> bool:
        """Whether a file went; one that cannot go is no reason to keep the others."""
        try:
            return await asyncio.to_thread(self.shelf.remove_older, name, SETTLING_S)
        except OSError as error:
            log.error("a customer's file cannot be removed from the disk: see to it", file=name, error=str(error))
            return False
