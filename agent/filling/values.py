"""Reads a customer's words as the value of a form's field, or says which mistake it is; pure, keeps no progress.

`strict`: only words that are nothing but the answer, for a question that the customer has not seen.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import regex

from agent.language import days, figures
from agent.language.concepts import told
from agent.language.phrases import Key, is_no, is_yes, say
from agent.language.words import tokens, words
from sahut.forms import (
    LONGEST_PATTERN_ANSWER,
    PATTERN_TIMEOUT_S,
    AnyField,
    ChoiceField,
    DateField,
    EmailField,
    NumberField,
    PatternField,
    PhoneField,
    PhotoField,
    TextField,
    YesNoField,
    say_in,
)

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-zA-Z]{2,24}(?![\w-])")
_PHONE = re.compile(r"(?<![\d+])\+?\d[\d\s().-]{5,22}\d(?!\d)")
_FEWEST_DIGITS, _MOST_DIGITS, _SURE_DIGITS = 7, 15, 9
# Overrides and isolates would turn our summary around; marks and joiners that scripts need stay.
_TURNS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MOST_READ = 4096
_FEW_WORDS = 8


@dataclass(frozen=True)
class Found:
    """An answer. `value` is what is stored: text, number, true or false, an ISO date, or a message's id."""

    value: Any


@dataclass(frozen=True)
class Problem:
    """Why words are no answer: a phrase and its values."""

    key: Key
    values: dict[str, str]

    def said(self, language: str) -> str:
        """The mistake, in the customer's language."""
        return say(self.key, language, **self.values)


Read = Found | Problem


def read(field: AnyField, text: str, *, language: str, today: date, strict: bool = False) -> Read:
    """`text` as the answer to `field`. `today` is the organisation's day."""
    plain = tidy(text)
    return _READERS[type(field)](field, plain, language, today, strict)


def tidy(text: str) -> str:
    """The words without what would turn a line around, composed, without spaces at the ends."""
    return unicodedata.normalize("NFC", _TURNS_TEXT.sub("", text[:_MOST_READ])).strip()


def shown(field: AnyField, value: Any, language: str) -> str:
    """A stored value as the customer reads it, on one line."""
    if value is None:
        return say("form_blank", language)
    if isinstance(field, PhotoField):
        return say("form_received", language)
    if isinstance(field, YesNoField):
        return say("form_yes" if value else "form_no", language)
    if isinstance(field, ChoiceField):
        return next((say_in(one.label, language) for one in field.choices if one.value == value), str(value))
    if isinstance(field, DateField):
        return days.written(date.fromisoformat(value), language)
    return figures.written(value, language) if isinstance(field, NumberField) else " ".join(str(value).split())


def _text(field: TextField, text: str, language: str, today: date, strict: bool) -> Read:
    if strict or not any(map(str.isalnum, text)):
        return _wrong("form_wants_text")
    if len(text) < field.min_length:
        return _wrong("form_too_short", least=str(field.min_length))
    if len(text) > field.max_length:
        return _wrong("form_too_long", most=str(field.max_length))
    return Found(text)


def _number(field: NumberField, text: str, language: str, today: date, strict: bool) -> Read:
    found = {value for value, whole in figures.numbers_in(text, language) if whole or not strict}
    if len(found) != 1:
        return _wrong("form_wants_number")
    value = found.pop()
    if field.integer and not value.is_integer():
        return _wrong("form_wants_whole")
    if field.min is not None and value < field.min:
        return _wrong("form_least", least=figures.written(field.min, language))
    if field.max is not None and value > field.max:
        return _wrong("form_most", most=figures.written(field.max, language))
    return Found(int(value) if value.is_integer() else value)


def _date(field: DateField, text: str, language: str, today: date, strict: bool) -> Read:
    found = [day for day, whole in days.days_in(text, today=today) if whole or not strict]
    if not found:
        return _wrong("form_wants_date")
    earliest = today if field.earliest == "today" else field.earliest
    latest = today if field.latest == "today" else field.latest
    for day in found:
        if (earliest is None or day >= earliest) and (latest is None or day <= latest):
            return Found(day.isoformat())
    if earliest is not None and found[0] < earliest:
        return _wrong("form_earliest", day=days.written(earliest, language))
    assert latest is not None  # noqa: S101  # one of the bounds refused it
    return _wrong("form_latest", day=days.written(latest, language))


def _choice(field: ChoiceField, text: str, language: str, today: date, strict: bool) -> Read:
    """The choice whose label is said; else, unless strict, the only one that the words fit."""
    said = tokens(text)
    labels = {one.value: [tokens(label) for label in one.label.values()] for one in field.choices}
    exact = [value for value, rows in labels.items() if said and (said in rows or said == tokens(value))]
    if len(exact) == 1:
        return Found(exact[0])
    if said and not strict:
        for fits in (_holds, _is_part):
            near = [value for value, rows in labels.items() if any(fits(row, said) for row in rows)]
            if len(near) == 1:
                return Found(near[0])
        telling = _telling(labels, text)
        if len(telling) == 1:
            return Found(telling.pop())
    return _wrong("form_wants_choice")


def _holds(label: list[str], said: list[str]) -> bool:
    """Whether the label is said among other words."""
    return bool(label) and any(said[at : at + len(label)] == label for at in range(len(said)))


def _is_part(label: list[str], said: list[str]) -> bool:
    """Whether what is said, without small words, is a part of the label."""
    telling = [word for word in said if not any((word,) in words(kind) for kind in ("filler", "small"))]
    return bool(telling) and set(telling) <= set(label)


def _telling(labels: dict[str, list[list[str]]], text: str) -> set[str]:
    """The choices that share a word with the text which no other choice has: "I sold it" says "Vehicle sold"."""
    meant = {value: frozenset[str]().union(*(told(" ".join(row)) for row in rows)) for value, rows in labels.items()}
    said = told(text)
    found = set()
    for value, mine in meant.items():
        others = frozenset[str]().union(*(theirs for other, theirs in meant.items() if other != value))
        if said & (mine - others):
            found.add(value)
    return found


def _yes_no(field: YesNoField, text: str, language: str, today: date, strict: bool) -> Read:
    first = tuple(tokens(text)[:1])
    for says, meaning, value in ((is_yes, "yes", True), (is_no, "no", False)):
        if not strict and (says(text, language) or first in words(meaning, language)):
            return Found(value)
    return _wrong("form_wants_yes_no")


def _phone(field: PhoneField, text: str, language: str, today: date, strict: bool) -> Read:
    found = set()
    for match in _PHONE.finditer(text):
        digits = "".join(filter(str.isdigit, match.group(0)))
        plus = match.group(0).startswith("+")
        whole = match.group(0).strip() == text.strip(" .") and len(digits) >= _SURE_DIGITS
        if _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS and (not strict or (whole and (plus or digits[0] == "0"))):
            found.add(f"+{digits}" if plus else digits)
    return Found(found.pop()) if len(found) == 1 else _wrong("form_wants_phone")


def _email(field: EmailField, text: str, language: str, today: date, strict: bool) -> Read:
    found = set(_EMAIL.findall(text))
    if len(found) == 1 and (not strict or text.strip(" .,") in found):
        return Found(found.pop())
    return _wrong("form_wants_email")


def _pattern(field: PatternField, text: str, language: str, today: date, strict: bool) -> Read:
    wrong = _wrong("form_wants_shape", explain=say_in(field.explain, language))
    bare = " ".join(text.strip(" .,!?").split())
    if len(bare) > LONGEST_PATTERN_ANSWER:
        return wrong
    # A pattern may be slow on what nobody foresaw: it gets a moment, and then the answer does not match.
    try:
        for form in dict.fromkeys((bare, bare.upper())):
            if regex.fullmatch(field.pattern, form, timeout=PATTERN_TIMEOUT_S):
                return Found(form)
        if not strict:
            found = _patterns_in(field.pattern, bare)
            return Found(found.pop()) if len(found) == 1 else wrong
    except TimeoutError:
        return wrong
    return wrong


def _patterns_in(pattern: str, text: str) -> set[str]:
    """What matches inside a sentence, as typed, or in capitals where only a few words stand around it."""
    inside = regex.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
    few = len(tokens(text)) <= _FEW_WORDS
    for form in (text, text.upper()) if few else (text,):
        found = {match.group(0) for match in inside.finditer(form, timeout=PATTERN_TIMEOUT_S)} - {""}
        if found:
            return found
    return set()


def _photo(field: PhotoField, text: str, language: str, today: date, strict: bool) -> Read:
    return _wrong("form_wants_photo")


def _wrong(key: Key, **values: str) -> Problem:
    return Problem(key, values)


_READERS: dict[type[Any], Callable[[Any, str, str, date, bool], Read]] = {
    TextField: _text,
    NumberField: _number,
    DateField: _date,
    ChoiceField: _choice,
    YesNoField: _yes_no,
    PhoneField: _phone,
    EmailField: _email,
    PatternField: _pattern,
    PhotoField: _photo,
}
