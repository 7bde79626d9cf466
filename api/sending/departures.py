"""Keeps a busy number's messages apart when this process was held up: late ones leave one by one, not all at once.

Knows no message. The moments themselves are given out by `sahut.store.numbers`.
"""

from bisect import insort
from datetime import datetime, timedelta

from sahut.ports import Clock

# Beyond it, waiting costs more than a refusal for too much speed; less than `api.sending.sender.HELD_UP`.
MOST = timedelta(seconds=2)
# A number that was silent for so long is behind with nothing: the whole gap makes good for it.
IDLE = timedelta(seconds=1)
# Else this share of the time that passes: less than what the moments leave unused (`sahut.pacing.SHARE`).
MADE_GOOD = 0.02
NOTHING = timedelta(0)


class Departures:
    """By how much the messages of each number leave behind their moments, in this process.

    A moment that was missed pushes those after it: to catch up at once would put too many into one second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._behind: dict[str, timedelta] = {}
        self._last: dict[str, datetime] = {}
        self._waiting: dict[str, list[datetime]] = {}

    async def wait(self, number: str, moment: datetime) -> None:
        """Wait until a message whose moment lies ahead may leave."""
        waiting = self._waiting.setdefault(number, [])
        insort(waiting, moment)
        try:
            await self._until(number, moment)
        finally:
            waiting.remove(moment)

    async def _until(self, number: str, moment: datetime) -> None:
        while (left := moment + self._behind_at(number, moment) - self._clock.now()) > NOTHING:
            await self._clock.sleep(left.total_seconds())
        self._behind[number] = min(MOST, self._behind_at(number, moment) - left)
        self._last[number] = moment

    def _behind_at(self, number: str, moment: datetime) -> timedelta:
        """As the last departure saw it: whoever still waits is asked again when its time comes."""
        last = self._last.get(number, moment)
        gap = max(moment - last, NOTHING)
        is_next = self._waiting[number][0] >= moment
        made_good = gap if is_next and gap >= IDLE else gap * MADE_GOOD
        return max(NOTHING, self._behind.get(number, NOTHING) - made_good)
