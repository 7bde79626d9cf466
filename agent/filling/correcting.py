"""Hears what a message says of other answers than the open one: corrections, fields called by name, asides; pure.

It must not know the progress's next step; it only says which answer the words are.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.filling.values import Found, tidy
from agent.language.words import tokens, words
from agent.reading.proposing import asks
from sahut.forms import (
    AnyField,
    ChoiceField,
    DateField,
    EmailField,
    Filling,
    Form,
    NumberField,
    PatternField,
    PhoneField,
    PhotoField,
    TextField,
    YesNoField,
)

Reader = Callable[..., Any]

# Endings that Indonesian hangs on a noun: "platnya", "namaku".
_ENDING = r"(?:nya|ku|mu)?"
_MOST_LINKS = _MOST_OPENINGS = 3
# So many parts of a message are looked at for answers, each by every field; the rest is one part more.
_MOST_SEGMENTS = 20
_SEGMENT = re.compile(r"\n+|;|,(?=\s)")
# Kinds whose answers nobody mistakes for another's; only the first two also inside a sentence.
_SURE = (PatternField, EmailField, PhoneField, DateField, ChoiceField)
_SURE_INSIDE = (PatternField, EmailField)


@dataclass(frozen=True)
class Correction:
    """A field and its new value."""

    field: AnyField
    value: Any


def is_question(text: str) -> bool:
    """Whether the words ask something rather than tell it."""
    return text.rstrip().endswith("?") or asks(text)


def unmarked(text: str) -> str:
    """The words without an opening such as "eh" or "no, wait,"."""
    return _unmarked(tidy(text))[0]


def plainly_asks(text: str) -> bool:
    """Whether the words can hardly be anything but a question: they open or end as one."""
    row = tokens(text)
    return text.rstrip().endswith("?") or any(tuple(row[:n]) in words("question") for n in (1, 2, 3, 4))


def correction(filling: Filling, text: str, read: Reader) -> Correction | None:
    """The answer that the words take back or name: "salah, platnya B 1234 XY", "nama saya Budi"."""
    rest, marked, parted = _unmarked(tidy(text))
    named = _labelled(filling.form, rest)
    if named is not None:
        return _named_answer(filling, *named, read, marked=marked, parted=parted)
    if marked and rest:
        return _unnamed_answer(filling, rest, read, parted=parted)
    if filling.step == "summary":
        (value,) = found if len(found := other_answers(filling, text, read, known=True)) == 1 else (None,)
        return Correction(filling.form.field(value), found[value]) if value else None
    return None


def field_named(form: Form, text: str) -> AnyField | None:
    """The field that the whole message names, by its label, as a row of our list shows it, or by an alias."""
    said = tidy(text).casefold().strip(" .!?")
    for field in form.fields:
        names = [*field.label.values(), *field.aliases, field.name]
        if said in {name.casefold() for name in names} | {name[:24].strip().casefold() for name in names}:
            return field
    found = _labelled(form, text)
    return found[0] if found and not found[1] else None


def other_answers(
    filling: Filling, text: str, read: Reader, *, inside: bool = False, known: bool = False
) -> dict[str, Any]:
    """What parts of the message say of questions that are not open, where nobody could mistake it.

    A part counts if it is nothing but the answer, or, with `inside`, has it in it. With `known`, answers that are
    there already are meant.
    """
    fields = [
        field
        for field in filling.form.fields
        if (field.name in filling.answers) == known and field.name != filling.field and isinstance(field, _SURE)
    ]
    found: dict[str, Any] = {}
    for part in _segments(text):
        fits = [(field, one) for field in fields if isinstance(one := read(field, part, strict=True), Found)]
        if inside and not fits:
            sure = (field for field in fields if isinstance(field, _SURE_INSIDE))
            fits = [(field, one) for field in sure if isinstance(one := read(field, part), Found)]
        if len(fits) == 1 and fits[0][0].name not in found:
            found[fits[0][0].name] = fits[0][1].value
    return found


def segments_left(filling: Filling, text: str, read: Reader) -> str:
    """The message without the parts that are another question's answer."""
    left = [part for part in _segments(text) if not other_answers(filling, part, read)]
    return ", ".join(left)


def _named_answer(
    filling: Filling, field: AnyField, said: str, read: Reader, *, marked: bool, parted: bool
) -> Correction | None:
    if not said or isinstance(field, PhotoField):
        return None
    open_field = filling.form.field(filling.field) if filling.step == "field" else None
    mine = open_field is not None and open_field.name == field.name
    # In a story "nama saya Budi ..." need not be a new name: a free answer is only broken into by what is unmistakable.
    story = isinstance(open_field, TextField) and not mine
    if story and not parted and isinstance(field, TextField | YesNoField | NumberField):
        return None
    found = read(field, said, strict=story and not marked)
    return Correction(field, found.value) if isinstance(found, Found) else None


def _unnamed_answer(filling: Filling, rest: str, read: Reader, *, parted: bool) -> Correction | None:
    """A taken-back answer without its name: the one that it can be, else the free words asked for just before."""
    known = [field for field in filling.form.fields if field.name in filling.answers and field.name != filling.field]
    sure = [field for field in known if isinstance(field, (*_SURE, NumberField))]
    fits = [(field, one) for field in sure if isinstance(one := read(field, rest, strict=True), Found)]
    if len(fits) == 1:
        return Correction(fits[0][0], fits[0][1].value)
    open_field = filling.form.field(filling.field) if filling.step == "field" else None
    if fits or not parted or open_field is None or isinstance(open_field, TextField | YesNoField):
        return None
    before = known[-1] if known else None
    if not isinstance(before, TextField) or isinstance(read(open_field, rest), Found):
        return None
    found = read(before, rest)
    return Correction(before, found.value) if isinstance(found, Found) else None


def _segments(text: str) -> Iterator[str]:
    return (part.strip() for part in _SEGMENT.split(tidy(text), maxsplit=_MOST_SEGMENTS) if part.strip())


def _unmarked(text: str) -> tuple[str, bool, bool]:
    """The words after openings such as "eh salah,"; whether there were any, and whether a stop stood behind one."""
    rest, parted = text, False
    for _ in range(_MOST_OPENINGS):
        match = _opening().match(rest)
        if match is None:
            break
        rest, parted = rest[match.end() :].strip(), parted or bool(match["stop"])
    return rest, rest != text, parted


def _labelled(form: Form, text: str) -> tuple[AnyField, str] | None:
    """The field whose name opens the words, the longest name first, and what is said of it."""
    best: tuple[int, AnyField, str] | None = None
    for field in form.fields:
        for name in (*field.label.values(), *field.aliases):
            row = tokens(name)
            match = _named(tuple(row)).match(text) if row else None
            if match and (best is None or len(name) > best[0]):
                best = (len(name), field, _unlinked(text[match.end() :]))
    return best[1:] if best else None


def _unlinked(text: str) -> str:
    """The answer behind "adalah", "should be", ":"."""
    rest = text.strip(" \t:=-,.")
    for _ in range(_MOST_LINKS):
        match = _link().match(rest)
        if match is None or not rest[match.end() :].strip(" :=-"):
            break
        rest = rest[match.end() :].strip(" :=-")
    return rest


@cache
def _named(row: tuple[str, ...]) -> re.Pattern[str]:
    name = r"\W+".join(re.escape(word) for word in row)
    return re.compile(rf"\W*(?:(?:{_any('form_link')})\W+){{0,2}}{name}{_ENDING}(?!\w)", re.IGNORECASE)


@cache
def _opening() -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{_any('correction')})(?!\w)\s*(?P<stop>[,.:;!-]?)", re.IGNORECASE)


@cache
def _link() -> re.Pattern[str]:
    return re.compile(rf"(?:{_any('form_link')})(?!\w)", re.IGNORECASE)


@cache
def _any(meaning: str) -> str:
    phrases = sorted((r"\s+".join(map(re.escape, phrase)) for phrase in words(meaning)), key=len)
    return "|".join(reversed(phrases))
