"""Hears a promise in a sentence, with what is promised and by when; pure, knows no table.

"We will call you" binds somebody. The assistant may say so only where a tool has made it true; what an operator
writes is theirs to keep, and is kept in the ledger.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from agent.language.days import days_in
from agent.language.words import DATA
from knowledge.chunk import sentences
from sahut.brief import Sentence
from sahut.hours import Hours
from sahut.toolcall import Promised, PromiseKind, ToolCall

# Of business time, where no hour and no day is named.
DUE = timedelta(hours=8)
# Further ahead than this no promise is due: a slip, or a boast.
FURTHEST = timedelta(days=366)
MOST = 5
# Of a sentence, and of a message: nobody waits for more to be heard.
_READ, _MOST_READ = 1000, 10_000
# A longer sentence of a draft is read in parts, which overlap, or a promise could hide between two.
_OVERLAP = 200
_KINDS: tuple[PromiseKind, ...] = ("call", "contact", "send", "other")
# What a person has to do for this very customer; of the rest a document may speak too ("refunds take 21 days").
_PERSONAL = ("call", "contact")
_TERM = re.compile(
    r"\b(?:within|in|after|dalam|dlm|setelah|em|dentro de|daqui a|en|innan|eftir)\s+"
    r"(?:the next |next |waktu |até |cerca de |sekitar |about )?"
    r"(?:(?P<times>\d)\s?x\s?)?"
    r"(?P<count>\d{1,3}|an?|one|two|three|four|five|half an|satu|dua|tiga|empat|lima|um|uma|dois|duas|três"
    r"|una?|dos|tres|cuatro|cinco|einn?ar?|tveggja|þriggja)\s*"
    r"(?P<working>working |business )?"
    r"(?P<unit>minutes?|mins?|menit|minutos?|mínút\w+|hours?|hrs?|jam|horas?|klukku\w+|klst"
    r"|days?|hari|dias?|días?|dag\w*|weeks?|minggu|semanas?|vik\w+)\b"
    r"(?P<after> kerja| úteis| útil| hábiles| hábil)?",
    re.IGNORECASE,
)
_COUNTS = {
    **dict.fromkeys(("a", "an", "one", "satu", "um", "uma", "un", "una", "half an"), 1),
    **dict.fromkeys(("two", "dua", "dois", "duas", "dos", "tveggja"), 2),
    **dict.fromkeys(("three", "tiga", "três", "tres", "þriggja"), 3),
    **dict.fromkeys(("four", "empat", "cuatro"), 4),
    **dict.fromkeys(("five", "lima", "cinco"), 5),
}
_CLOCK = re.compile(
    r"\b(?:at|by|jam|pukul|pkl|às|as|até as|até às|a las|klukkan|kl)\.?\s*(\d{1,2})(?:[:.h](\d\d))?h?\b", re.IGNORECASE
)
_LAST_MINUTE = time(23, 59)
_CALLING = re.compile(r"call|tele?pon|liga|ligo|telefon|llama|hring", re.IGNORECASE)


def kind_of(sentence: str) -> PromiseKind | None:
    """What a sentence promises; `None` for a question, a denial and whatever else binds nobody."""
    said = " ".join(sentence[:_READ].split())
    if said.endswith("?"):
        return None
    for kind in _KINDS:
        if any(pattern.search(said) for pattern in _patterns(kind)):
            return kind
    whole = next((found for pattern in _wholes() if (found := pattern.search(said))), None)
    return None if whole is None else _kind_of_whole(whole[0])


def promises_in(text: str, *, now: datetime, hours: Hours, zone: str) -> tuple[Promised, ...]:
    """The promises that a colleague's message makes, at most `MOST`; each due by its own words, else after `DUE`."""
    found = []
    for start, end in sentences(text[:_MOST_READ]):
        said = " ".join(text[start:end].split())
        kind = kind_of(said)
        if kind is not None:
            found.append(Promised(kind=kind, what=said, due_at=due(said, now=now, hours=hours, zone=zone)))
    return tuple(found[:MOST])


def without_empty(said: Sequence[Sentence], calls: Sequence[ToolCall]) -> tuple[Sentence, ...]:
    """The sentences of a draft without promises that nothing stands behind.

    A tool's own words stand, and so does what is quoted word for word. That somebody will call or write takes a tool
    that promised it in this turn; any other promise takes one that did, or a source that says so.
    """
    return tuple(sentence for sentence in said if _is_kept(sentence, calls))


def _is_kept(sentence: Sentence, calls: Sequence[ToolCall]) -> bool:
    """Whether something stands behind every promise in it: what a model calls a sentence may be several."""
    return all(_stands(piece, sentence, calls) for piece in _pieces(sentence.text))


def _pieces(text: str) -> Iterator[str]:
    """What is looked at for a promise; of "we will call you, is that fine?" also what stands before the question."""
    for start, end in sentences(text):
        for at in range(start, end, _READ - _OVERLAP):
            piece = text[at : min(end, at + _READ)]
            yield piece
            if piece.rstrip().endswith("?") and "," in piece:
                yield piece.rpartition(",")[0]


def _stands(piece: str, sentence: Sentence, calls: Sequence[ToolCall]) -> bool:
    kind = kind_of(piece)
    if kind is None:
        return True
    made = [call for call in calls if call.state == "done"]
    plain = _plain(piece)
    if any(plain in _plain(text) for text in (*(call.result for call in made), *(c.quote for c in sentence.citations))):
        return True
    promised = {call.promise.kind for call in made if call.promise}
    if kind in promised or (kind == "contact" and promised):
        return True
    return kind not in _PERSONAL and bool(sentence.citations)


def due(text: str, *, now: datetime, hours: Hours, zone: str) -> datetime:
    """By when, as the words say: a term, a day, an hour of it; else after `DUE` of business time."""
    term = _TERM.search(text)
    if term is not None:
        return min(_after(term, now, hours, zone), now + FURTHEST)
    local = now.astimezone(ZoneInfo(zone))
    days = [day for day, _ in days_in(text, today=local.date()) if 0 <= (day - local.date()).days <= FURTHEST.days]
    clock = _clock(text)
    if days:
        moment = datetime.combine(days[0], clock or _closing(days[0].weekday(), hours), local.tzinfo)
        return max(moment.astimezone(now.tzinfo), now)
    if clock is not None and (moment := datetime.combine(local.date(), clock, local.tzinfo)) > local:
        return moment.astimezone(now.tzinfo)
    return hours.after(now, DUE)


def _after(term: re.Match[str], now: datetime, hours: Hours, zone: str) -> datetime:
    word, unit = term["count"].casefold(), term["unit"].casefold()
    count = int(word) if word.isdigit() else _COUNTS.get(word, 1)
    count *= int(term["times"] or 1)
    if unit.startswith(("min", "men", "mín")) and not unit.startswith("minggu"):
        return now + timedelta(minutes=count)
    if unit.startswith(("hour", "hr", "jam", "hora", "kl")):
        return now + (timedelta(minutes=30) if word == "half an" else timedelta(hours=count))
    if unit.startswith(("week", "minggu", "semana", "vik")):
        return now + timedelta(weeks=count)
    return _working_days(now, count, hours, zone) if term["working"] or term["after"] else now + timedelta(days=count)


def _working_days(now: datetime, count: int, hours: Hours, zone: str) -> datetime:
    """The same time of day, so many days later on which people are there; Monday to Friday where no hours are set."""
    working = {weekday for weekday, _, _ in hours.spans} or set(range(5))
    moment = now
    for _ in range(min(count, FURTHEST.days)):
        moment += timedelta(days=1)
        while moment.astimezone(ZoneInfo(zone)).weekday() not in working:
            moment += timedelta(days=1)
    return moment


def _closing(weekday: int, hours: Hours) -> time:
    return max((end for day, _, end in hours.spans if day == weekday), default=_LAST_MINUTE)


def _clock(text: str) -> time | None:
    found = _CLOCK.search(text)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def _kind_of_whole(words: str) -> PromiseKind:
    """A wording that needs no opening is a call where it speaks of one, else news."""
    return "call" if _CALLING.search(words) else "contact"


@cache
def _wordings() -> dict[str, dict[str, str]]:
    return tomllib.loads((DATA / "promises.toml").read_text(encoding="utf-8"))


@cache
def _patterns(kind: PromiseKind) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(rf"(?:{one['opening']})(?:\s+{one['between']}){{0,3}}\s+{one[kind]}", re.IGNORECASE)
        for one in _wordings().values()
    )


@cache
def _wholes() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one["whole"], re.IGNORECASE) for one in _wordings().values())
