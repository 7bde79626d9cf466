"""A clock that tests move by hand; knows nothing of who waits on it."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count

SETTLING_TURNS = 20
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class VirtualClock:
    """A `sahut.ports.Clock` that stands still until it is moved. Any number of tasks may sleep on it.

    `advance` jumps and wakes everybody who is due. `walk` goes from sleeper to sleeper, so that a task which
    sleeps again inside the span is woken again, each time at its own moment.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock's start must be an aware time")
        self._now = start.astimezone(UTC)
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved by `seconds`; zero or less only lets the other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (due, next(self._order), waker))
        await waker

    @property
    def next_due(self) -> datetime | None:
        """When the earliest sleeper wakes; `None` while nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    @property
    def sleepers(self) -> int:
        """How many tasks sleep at this moment."""
        return sum(not waker.done() for _, _, waker in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move at once by `seconds` (not negative) and wake all that are due, the earliest first."""
        self._move_to(self._after(seconds))

    async def walk(self, seconds: float, *, settle: Callable[[], Awaitable[None]] | None = None) -> None:
        """Move by `seconds` in the sleepers' own steps, giving the tasks time to run after each.

        They get `SETTLING_TURNS` turns of the event loop; where they work in threads, pass `settle`, which is
        awaited after each step and should return when they have done.
        """
        end = self._after(seconds)
        await self._settle(settle)
        while (due := self.next_due) is not None and due <= end:
            self._move_to(due)
            await self._settle(settle)
        self._move_to(end)

    def _after(self, seconds: float) -> datetime:
        if seconds < 0:
            raise ValueError("time does not go back")
        return self._now + timedelta(seconds=seconds)

    def _move_to(self, moment: datetime) -> None:
        self._now = max(self._now, moment)
        while (due := self.next_due) is not None and due <= self._now:
            heapq.heappop(self._sleepers)[2].set_result(None)

    async def _settle(self, settle: Callable[[], Awaitable[None]] | None) -> None:
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)
        if settle is not None:
            await settle()
