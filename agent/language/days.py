"""Days as people write them in five languages, read and written out; pure, knows no form."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from agent.language.words import tokens, word_for, words

_RELATIVE = {"yesterday": -1, "tomorrow": 1, "today": 0}
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
_NUMBERS = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})(?P<mark>[-/. ])(?P<month>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2}))(?!\d)"
)
_NO_YEAR = re.compile(r"(?<!\d)(?P<day>\d{1,2})[-/](?P<month>\d{1,2})(?![-/\d])")


def days_in(text: str, *, today: date) -> Iterator[tuple[date, bool]]:
    """Every day that a text names, with whether the text says nothing else.

    A day without a year is the one nearest to `today`, and comes out three times, the nearest first: whoever knows
    what may be meant takes the first that can be.
    """
    bare = text.strip(" .,;!?")
    for pattern in (_ISO, _NUMBERS, _worded(), _worded_first(), _NO_YEAR):
        found = list(pattern.finditer(text))
        for match in found:
            whole = match.group(0).strip(" .,") == bare
            yield from ((day, whole) for day in _read(match, today))
        if found:
            return
    row = tokens(text)
    for meaning, offset in _RELATIVE.items():
        for phrase in words(meaning):
            if any(tuple(row[at : at + len(phrase)]) == phrase for at in range(len(row))):
                yield today + timedelta(days=offset), len(row) == len(phrase)
                return


def written(day: date, language: str) -> str:
    """The day as people of that language write it out, so that a mistake shows: "24 November 2026"."""
    month = word_for(f"month_{day.month}", language)
    if language in ("pt", "es"):
        return f"{day.day} de {month} de {day.year}"
    return f"{day.day}. {month} {day.year}" if language == "is" else f"{day.day} {month.capitalize()} {day.year}"


def _read(match: re.Match[str], today: date) -> Iterator[date]:
    parts = match.groupdict()
    day, year = int(parts["day"]), parts.get("year")
    month = _month(parts["month"])
    if month > 12 >= day and match.re in (_NUMBERS, _NO_YEAR):
        day, month = month, day
    if year is not None:
        years = [int(year) + (2000 if len(year) == 2 else 0)]
    else:
        years = [today.year, today.year - 1, today.year + 1]
    found = [one for number in years if (one := _date(number, month, day))]
    yield from sorted(found, key=lambda one: abs((one - today).days))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return int(name) if name.isdigit() else _months()[name.casefold()]


@cache
def _months() -> dict[str, int]:
    return {phrase[0]: number for number in range(1, 13) for phrase in words(f"month_{number}")}


@cache
def _names() -> str:
    return "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))


@cache
def _worded() -> re.Pattern[str]:
    return re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|º)?\s*[-/ ]?\s*(?:de\s+|of\s+)?(?P<month>{_names()})\b\.?"
        r"(?:[-/, ]+(?:del?\s+)?(?P<year>\d{4}))?",
        re.IGNORECASE,
    )


@cache
def _worded_first() -> re.Pattern[str]:
    return re.compile(
        rf"\b(?P<month>{_names()})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<year>\d{{4}}))?",
        re.IGNORECASE,
    )
