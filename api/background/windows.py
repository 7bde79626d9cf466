"""Warns operators before a window ends in which a customer waits for a human. Knows no page and decides nothing."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from sahut.ports import Clock
from sahut.store import Store, windows

log = structlog.get_logger(__name__)
SWEEP_LIMIT = 200


@dataclass(frozen=True)
class Warner:
    """Tells of each window once, `before` it ends. Several may look, in one process or many: the rows decide."""

    store: Store
    clock: Clock
    margin: timedelta
    before: timedelta

    async def look(self) -> None:
        """Tell of those that are due: every open console hears of it with the commit."""
        now = self.clock.now()
        async with self.store.reading() as tx:
            found = await windows.ending(tx, now=now, margin=self.margin, before=self.before, limit=SWEEP_LIMIT)
        for conversation_id in found:
            async with self.store.transaction() as tx:
                row = await windows.warn(
                    tx, conversation_id, now=self.clock.now(), margin=self.margin, before=self.before
                )
            if row is not None:
                log.warning(
                    "a window ends soon and the customer waits for a human",
                    conversation=conversation_id,
                    number=row.number,
                    held_by=row.held_by_name,
                )
