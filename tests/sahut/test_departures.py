"""Messages that were held up leave one by one, and the number is not behind for ever."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

from api.sending.departures import Departures
from sahut.testing.clock import START, VirtualClock

STEP = timedelta(milliseconds=50)


async def departed(clock: VirtualClock, count: int, *, stall_s: float) -> list[datetime]:
    """When messages left whose moments are a step apart, in a process that stands still for a while at the start."""
    left: list[datetime] = []
    departures = Departures(clock)

    async def leave(moment: datetime) -> None:
        await departures.wait("1", moment)
        left.append(clock.now())

    tasks = [asyncio.create_task(leave(START + STEP * n)) for n in range(count)]
    await asyncio.sleep(0)
    clock.advance(stall_s)
    while not all(task.done() for task in tasks):
        for _ in range(count):
            await asyncio.sleep(0)
        clock.advance(0.001)
    return left


async def test_after_a_stall_no_second_holds_more_than_before():
    left = await departed(VirtualClock(), 60, stall_s=1.2)
    gaps = [later - earlier for earlier, later in pairwise(left)]
    assert min(gaps) >= STEP * 0.95


async def test_what_was_lost_is_made_good():
    left = await departed(VirtualClock(), 200, stall_s=0.1)
    assert left[-1] - (START + STEP * 199) <= timedelta(milliseconds=2)
