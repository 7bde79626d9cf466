"""Business hours: a wait counts only while somebody is there."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut.hours import parse_hours

OFFICE = parse_hours("Mon-Fri 08:00-16:00, Sat 08:00-12:00", "Asia/Jakarta")
QUARTER = timedelta(minutes=15)


def jakarta(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026 in Jakarta (UTC+7), as UTC; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=7)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (jakarta(23, 9), jakarta(23, 9, 15)),
        (jakarta(23, 15, 55), jakarta(24, 8, 10)),
        (jakarta(23, 3), jakarta(23, 8, 15)),
        (jakarta(28, 11, 50), jakarta(30, 8, 5)),
        (jakarta(29, 12), jakarta(30, 8, 15)),
    ],
    ids=["in hours", "before closing", "at night", "before the weekend", "on Sunday"],
)
def test_a_wait_ends_within_hours(now: datetime, due: datetime):
    assert OFFICE.after(now, QUARTER) == due


def test_without_hours_somebody_is_always_there():
    assert parse_hours("", "UTC").after(jakarta(29, 3), QUARTER) == jakarta(29, 3, 15)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.integers(1, 3000))  # noqa: DTZ001
def test_no_wait_ends_early(now: datetime, minutes: int):
    wait = timedelta(minutes=minutes)
    assert OFFICE.after(now, wait) >= now + wait


@pytest.mark.parametrize(
    "text", ["Mon 8-16", "Xyz 08:00-16:00", "Fri-Mon 08:00-16:00", "Mon 16:00-08:00", "Mon 25:00-26:00"]
)
def test_nonsense_is_refused(text: str):
    with pytest.raises(ValueError, match=r".+"):
        parse_hours(text, "UTC")
