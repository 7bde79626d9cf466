"""The virtual clock: it stands still, wakes in order, and walks from sleeper to sleeper."""

import asyncio
from datetime import datetime, timedelta

import pytest

from sahut.ports import Clock
from sahut.testing.clock import START, VirtualClock


async def ticks(clock: Clock, log: list[tuple[str, float]], name: str, every: float, times: int) -> None:
    for _ in range(times):
        await clock.sleep(every)
        log.append((name, (clock.now() - START).total_seconds()))


async def test_walking_wakes_each_sleeper_at_its_own_moment():
    clock, log = VirtualClock(), []
    tasks = [asyncio.create_task(ticks(clock, log, *who)) for who in (("a", 2, 3), ("b", 3, 2))]
    await clock.walk(5)
    assert log == [("a", 2), ("b", 3), ("a", 4)]
    assert clock.now() == START + timedelta(seconds=5)
    await clock.walk(1)
    assert log[3:] == [("b", 6), ("a", 6)]
    await asyncio.gather(*tasks)


async def test_a_jump_wakes_all_that_are_due_in_order():
    clock, log = VirtualClock(), []
    tasks = [
        asyncio.create_task(ticks(clock, log, name, s, 1)) for name, s in (("late", 5), ("soon", 1), ("never", 99))
    ]
    await asyncio.sleep(0)
    assert clock.next_due == START + timedelta(seconds=1)
    clock.advance(10)
    await asyncio.gather(*tasks[:2])
    assert log == [("soon", 10), ("late", 10)]
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.next_due is None


async def test_settling_is_awaited_after_each_step():
    clock, log = VirtualClock(), []

    async def settle() -> None:
        log.append(("settled", (clock.now() - START).total_seconds()))

    task = asyncio.create_task(ticks(clock, log, "a", 1, 2))
    await clock.walk(2, settle=settle)
    await task
    assert log == [("settled", 0), ("a", 1), ("settled", 1), ("a", 2), ("settled", 2)]


async def test_no_time_passes_in_a_sleep_of_nothing():
    clock = VirtualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.now() == START


def test_time_does_not_go_back_and_needs_a_zone():
    with pytest.raises(ValueError, match="back"):
        VirtualClock().advance(-1)
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001
