"""Business hours: read from a setting, and time counted within them. Pure; knows no handoff."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")
_WEEKS_AHEAD = 2


@dataclass(frozen=True)
class Hours:
    """When people are at their desks, by weekday (0 is Monday). Without any span they always are."""

    spans: tuple[tuple[int, time, time], ...] = ()
    zone: tzinfo = UTC

    def after(self, now: datetime, wait: timedelta) -> datetime:
        """The moment at which `wait` of business time has passed since `now`."""
        if not self.spans:
            return now + wait
        left = wait
        for begin, end in self._openings(now):
            start = max(begin, now)
            if end - start >= left:
                return start + left
            left -= max(end - start, timedelta(0))
        return now + wait

    def _openings(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The openings of the next weeks that are not over, in order, as aware times of `now`'s zone."""
        today = now.astimezone(self.zone).date()
        days = (today + timedelta(days=ahead) for ahead in range(7 * _WEEKS_AHEAD + 1))
        openings = [
            (
                datetime.combine(day, begin, self.zone).astimezone(now.tzinfo),
                datetime.combine(day, end, self.zone).astimezone(now.tzinfo),
            )
            for day in days
            for weekday, begin, end in self.spans
            if weekday == day.weekday()
        ]
        return sorted((begin, end) for begin, end in openings if end > now)


def check_zone(name: str) -> None:
    """Raises `ValueError`, which says what to write, unless there is such an IANA zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("give an IANA zone, for example Asia/Jakarta") from None


def parse_hours(text: str, zone: str) -> Hours:
    """Hours from `Mon-Fri 08:00-16:00, Sat 08:00-12:00` in an IANA zone; empty text: always. Raises `ValueError`."""
    spans: list[tuple[int, time, time]] = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        found = _PART.fullmatch(part)
        if found is None or found[1] not in _DAYS or (found[2] or found[1]) not in _DAYS:
            raise ValueError(f"cannot read {part!r}; write for example Mon-Fri 08:00-16:00, Sat 08:00-12:00")
        first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
        begin, end = time(int(found[3]), int(found[4])), time(int(found[5]), int(found[6]))
        if last < first or end <= begin:
            raise ValueError(f"{part!r} ends before it begins")
        spans += [(day, begin, end) for day in range(first, last + 1)]
    return Hours(tuple(sorted(spans)), ZoneInfo(zone))
