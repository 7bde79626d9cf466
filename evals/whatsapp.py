"""Reads a chat that was exported from WhatsApp (`_chat.txt`, Android or iPhone, any locale) as cases.

A pause of a day begins a new case. Knows nothing of suites or scores.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evals.cases import Case, CaseTurn
from sahut.errors import ConfigurationError
from sahut.turn import Line

SESSION = timedelta(hours=24)

# Digits in a bracket or before a dash: `[31/12/23, 21:15:03] Ana: hi`, `12/31/23, 9:15 PM - Ana: hi`,
# `31.12.23, 21:15 - Ana: hi`, `31/12/23 21.15 - Ana: hi`, `2023-12-31 21:15 - Ana: hi`, `31/12/23, 9:15 p. m. - Ana`.
_HEAD = re.compile(
    r"^\u200e?\[?(?P<a>\d{1,4})[/.\-](?P<b>\d{1,2})[/.\-](?P<c>\d{2,4}),?\s+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?\s?(?P<half>[AaPp]\.?\s?[Mm]\.?)?\]?"
    r"\s*(?:[-–]\s)?(?P<rest>.*)$"
)
_SAID = re.compile(r"^(?P<who>[^:]{1,80}):\s(?P<text>.*)$", re.DOTALL)
_SPACES = {ord(space): " " for space in "\u00a0\u202f\u2009"} | {
    ord(mark): None for mark in "\u202a\u202c\u2068\u2069\ufeff"
}
# What stands in place of a picture or a removed message; an iPhone marks these with U+200E.
_NO_TEXT = re.compile(
    r"^(<[^>]*(omit|disertakan|oculta|omitted|anexado|attached|terlampir)[^>]*>|null|.*\((file attached|file terlampir"
    r"|arquivo anexado|archivo adjunto)\)|this message was deleted|pesan ini dihapus|mensagem apagada"
    r"|se eliminó este mensaje|\S+ (omitted|tidak disertakan|ocultad[ao]|omitid[ao]))\.?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Said:
    line: int
    numbers: tuple[int, int, int]
    clock: tuple[int, int, int]
    who: str
    text: str


def read_chat(path: Path, *, us: str | None = None) -> tuple[Case, ...]:
    """The cases of an export; `us` is the name under which the organisation writes, else whoever did not begin.

    Raises `ConfigurationError`, with the line where there is one, where nothing can be read or it is not clear who is
    the customer.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 (byte {error.start + 1})") from error
    said = [one for one in _said(path, text) if one.text]
    if not said:
        raise ConfigurationError(f"{path}:1: no message of a WhatsApp export stands in this file")
    ours = _ours(path, said, us)
    return tuple(_cases(path, said, ours))


def _said(path: Path, text: str) -> list[_Said]:
    found: list[_Said] = []
    is_system = True
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.translate(_SPACES)
        head = _HEAD.match(line)
        if head is None:
            if not found and line.strip() and is_system:
                raise ConfigurationError(f"{path}:{number}: is no line of a WhatsApp export: no date stands before it")
            if found and not is_system:
                found[-1] = replace(found[-1], text=f"{found[-1].text}\n{line}".strip())
            continue
        said = _SAID.match(head["rest"])
        is_system = said is None or said["text"].startswith("\u200e") or bool(_NO_TEXT.match(said["text"].strip()))
        if said is not None and not is_system:
            found.append(_one(head, said, number))
    return found


def _one(head: re.Match[str], said: re.Match[str], line: int) -> _Said:
    hour = int(head["hour"])
    half = (head["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return _Said(
        line=line,
        numbers=(int(head["a"]), int(head["b"]), int(head["c"])),
        clock=(hour, int(head["minute"]), int(head["second"] or 0)),
        who=said["who"].strip().lstrip("~").strip(),
        text=said["text"].strip(),
    )


def _ours(path: Path, said: Sequence[_Said], us: str | None) -> str:
    names = list(dict.fromkeys(one.who for one in said))
    if us is not None:
        if us not in names:
            raise ConfigurationError(f"{path}: nobody writes as {us!r}; there are {', '.join(names)}")
        return us
    if len(names) > 2:
        raise ConfigurationError(f"{path}: several people write ({', '.join(names)}): say which is yours with --us")
    return names[-1] if len(names) == 2 else ""


def _cases(path: Path, said: Sequence[_Said], ours: str) -> Iterator[Case]:
    times = _times(path, said)
    cuts = [0, *(i for i in range(1, len(said)) if times[i] - times[i - 1] > SESSION), len(said)]
    number = 0
    for start, end in itertools.pairwise(cuts):
        case = _case(f"{path.stem}-{number + 1}", said[start:end], ours)
        if case is not None:
            number += 1
            yield case
    if not number:
        raise ConfigurationError(f"{path}: the customer says nothing in this export; is --us the right name?")


def _case(name: str, said: Sequence[_Said], ours: str) -> Case | None:
    """One session; `None` where only we wrote."""
    first = next((i for i, one in enumerate(said) if one.who != ours), None)
    if first is None:
        return None
    opening = tuple(Line(role="assistant", content=one.text, author="operator") for one in said[:first])
    turns: list[tuple[list[str], list[str]]] = []
    for one in said[first:]:
        if one.who == ours:
            turns[-1][1].append(one.text)
        elif turns and not turns[-1][1]:
            turns[-1][0].append(one.text)
        else:
            turns.append(([one.text], []))
    steps = tuple(CaseTurn(user=tuple(user), reference="\n".join(answer) or None) for user, answer in turns)
    return Case(id=name, opening=opening, turns=steps, line=said[0].line)


def _times(path: Path, said: Sequence[_Said]) -> list[datetime]:
    """When each was said. Which number is the day is told by one above 12, else by the order of the lines."""
    orders = [(0, 1, 2)] if any(one.numbers[0] > 31 for one in said) else [(2, 1, 0), (2, 0, 1)]
    found = [times for order in orders if (times := _as_times(said, order)) is not None]
    if not found:
        raise ConfigurationError(f"{path}:{said[0].line}: the dates of this export cannot be understood")
    return min(found, key=lambda times: sum(b < a for a, b in itertools.pairwise(times)))


def _as_times(said: Sequence[_Said], order: tuple[int, int, int]) -> list[datetime] | None:
    """`order`: where year, month and day stand. `None` where a date would not exist."""
    times = []
    for one in said:
        year, month, day = (one.numbers[place] for place in order)
        try:
            times.append(datetime(year if year > 99 else 2000 + year, month, day, *one.clock, tzinfo=UTC))
        except ValueError:
            return None
    return times
