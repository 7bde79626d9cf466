"""A clock that can be moved forward while everything runs: the demo's time; knows nobody who sleeps on it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class MovableClock:
    """A `sahut.ports.Clock`: this machine's time plus a span that only grows.

    Who sleeps is woken when the moved time says so. To the service a move looks like a machine that was suspended:
    leases end, timers are late, and nothing happens before its time.
    """

    def __init__(self, *, behind: timedelta = timedelta(0)) -> None:
        """`behind`: how far before this machine's time it begins."""
        self._ahead = -behind
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def ahead(self) -> timedelta:
        """How far this clock is before (positive) or behind this machine's time."""
        return self._ahead

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed or were skipped; zero or less only lets the other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        due = self.now() + timedelta(seconds=seconds)
        while (left := (due - self.now()).total_seconds()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    def move(self, span: timedelta) -> None:
        """Skip `span`. Raises `ValueError` for a negative one: rows already carry the later time."""
        if span < timedelta(0):
            raise ValueError("time does not go back")
        self._ahead += span
        self._moved.set()
        self._moved = asyncio.Event()

    def move_to(self, moment: datetime) -> None:
        """Skip to `moment`; a moment that has passed changes nothing."""
        self.move(max(timedelta(0), moment - self.now()))
