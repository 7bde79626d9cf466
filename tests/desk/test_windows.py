"""Which windows operators are told of: the query and the rule say the same, on both databases."""

import random
from datetime import timedelta

from sahut import rules
from sahut.models import Holder, Status
from sahut.store import Store, windows
from sahut.store.inbox import APP
from sahut.testing.clock import START
from tests.desk.test_desk_queries import conversation, store

__all__ = ["store"]
MARGIN, BEFORE = timedelta(minutes=1), timedelta(hours=2)
TIMES = {"now": START, "margin": MARGIN, "before": BEFORE}


async def test_what_is_found_is_what_the_rule_says_the_nearest_end_first(store: Store):
    luck, wanted = random.Random(11), []
    for n in range(300):
        opened = luck.choice([None, *[START - timedelta(minutes=luck.randrange(21 * 60, 25 * 60))] * 9])
        closed = luck.choice([None, None, START - timedelta(minutes=luck.randrange(0, 25 * 60))])
        held_by = luck.choice([None, "budi", APP.id])
        warned_of = luck.choice([None, None, opened, START - timedelta(days=2)])
        row = await conversation(
            store,
            str(n),
            status=luck.choice(list(Status)),
            holder=Holder.OPERATOR if held_by else Holder.ASSISTANT,
            held_by=held_by,
            window_opened_at=opened,
            window_closed_at=closed,
            window_warned_of=warned_of,
        )
        window = rules.Window(opened, closed)
        ends = rules.ends_soon(status=row.status, holder=row.holder, window=window, **TIMES)
        on_the_phone = held_by == APP.id and row.status != Status.WAITING
        if ends and not rules.is_warned(opened, warned_of) and not on_the_phone:
            wanted.append(row)

    async with store.reading() as tx:
        found = await windows.ending(tx, **TIMES, limit=500)
    assert sorted(found) == sorted(row.id for row in wanted)
    assert 10 < len(found) < 200
    ends = {row.id: row.window_opened_at for row in wanted}
    assert [ends[key] for key in found] == sorted(ends.values())
    for key in found:
        async with store.transaction() as tx:
            assert await windows.warn(tx, key, **TIMES) is not None
            assert await windows.warn(tx, key, **TIMES) is None
    async with store.reading() as tx:
        assert await windows.ending(tx, **TIMES, limit=500) == []
