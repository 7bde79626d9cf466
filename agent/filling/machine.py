"""Filling a form in chat, a pure state machine: progress and the customer's words in, new progress and notes out.

It must not know whether somebody may send the form, what the documents say, or how a question looks on a phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from agent.filling.correcting import (
    Correction,
    correction,
    field_named,
    is_question,
    other_answers,
    plainly_asks,
    segments_left,
    unmarked,
)
from agent.filling.values import Found, read, shown
from agent.language.phrases import is_no, is_noted, is_yes, say
from agent.language.words import consists_of, tokens
from agent.reading.burst import small_talk
from sahut.forms import REFERENCE_PREFIX, AnyField, Edition, Filling, PhotoField, TextField, say_in
from sahut.ids import new_id
from sahut.references import reference

# So many answers in a row that cannot be used, and a human looks at it.
MOST_MISSES = 3
# A longer text with a question mark in it is a story rather than a question to us.
LONGEST_QUESTION_WORDS = 25
# Of an answer that is said back, so that the open question stays in sight.
LONGEST_ALOUD = 100


@dataclass(frozen=True)
class Step:
    """Where the filling stands now, and what the customer is told before the open question.

    `unclear`: words that may be a question to us; `otherwise` is the step to take if the documents have no answer.
    """

    filling: Filling
    notes: tuple[str, ...] = ()
    unclear: str = ""
    otherwise: "Step | None" = None


@dataclass(frozen=True)
class Ear:
    """In which language a customer is heard, and the day it is at the organisation."""

    language: str
    today: date

    def read(self, field: AnyField, text: str, *, strict: bool = False) -> Any:
        return read(field, text, language=self.language, today=self.today, strict=strict)


def begin(edition: Edition, text: str, ear: Ear) -> Step:
    """A fresh filling at its first open question; what the message says of it already is not asked again."""
    key = new_id()
    fresh = Filling(id=key, reference=reference(key, prefix=REFERENCE_PREFIX), edition=edition.id, form=edition.form)
    known = other_answers(fresh, text, ear.read, inside=True)
    title = say_in(edition.form.title, ear.language)
    note = say("form_begin", ear.language, title=title)
    return Step(_onward(fresh.model_copy(update={"answers": known})), (note,))


def take(filling: Filling, texts: Sequence[str], photo: dict[str, str] | None, ear: Ear) -> Step:
    """One burst. `photo` is the message that brought something to look at: `{"message": id, "kind": kind}`.

    A form that ends here may leave words `unclear` all the same: what was said beside it.
    """
    step = _looked_at(Step(filling), photo, ear) if photo else Step(filling)
    waiting, asked = _joined(filling, texts, ear), list[str]()
    for at, text in enumerate(waiting):
        heard = _heard(step.filling, text, ear, unseen=at > 0)
        if heard.filling.state != "open":
            return _ended(step, heard, [*asked, *waiting[at + 1 :]], ear)
        if heard.unclear and len(waiting) > 1:
            asked.append(text)
            continue
        step = replace(heard, notes=(*step.notes, *heard.notes))
    if not asked:
        return step
    unanswered = (*step.notes, say("form_unanswered", ear.language))
    return replace(step, unclear="\n".join(asked), otherwise=Step(step.filling, unanswered))


def _ended(before: Step, step: Step, left: Sequence[str], ear: Ear) -> Step:
    """The form's end, unless a later word of the same burst takes the yes back ("ya", "eh, batal")."""
    if step.filling.state == "submitted":
        for text in left:
            after = _heard(before.filling, text, ear, unseen=True)
            if after.filling.state == "cancelled" or _differs(before.filling, after.filling):
                return after
    said = [text for text in left if not small_talk(text) and not is_noted(text, ear.language)]
    return replace(step, notes=(), unclear="\n".join(said))


def _differs(one: Filling, other: Filling) -> bool:
    return (one.step, one.field, one.answers) != (other.step, other.field, other.answers)


def _joined(filling: Filling, texts: Sequence[str], ear: Ear) -> list[str]:
    """Several bubbles are one answer where free words are asked for, unless one of them is a command."""
    said = [text for text in texts if text.strip()]
    free = filling.step == "field" and isinstance(filling.form.field(filling.field), TextField)
    if free and not any(_command(filling, text, ear) or is_question(text) for text in said):
        return ["\n".join(said)] if said else []
    return said


def _heard(filling: Filling, text: str, ear: Ear, *, unseen: bool) -> Step:
    command = _command(filling, text, ear)
    if command is not None:
        return command
    if filling.step == "field":
        return _at_field(filling, text, ear, unseen=unseen)
    return _at_summary(filling, text, ear) if filling.step == "summary" else _at_change(filling, text, ear)


def _command(filling: Filling, text: str, ear: Ear) -> Step | None:
    """Cancel, back, skip and change: whole messages that steer."""
    if consists_of(text, "form_cancel") or consists_of(unmarked(text), "form_cancel"):
        if filling.step == "change":
            return Step(_onward(filling))
        return Step(filling.model_copy(update={"state": "cancelled"}))
    if consists_of(text, "form_back"):
        return _back(filling, ear)
    if filling.step == "field" and consists_of(text, "form_skip"):
        return _skipped(filling, ear)
    if filling.step != "change" and filling.answers and consists_of(text, "form_change"):
        return Step(_moved(filling, step="change", field=""))
    return None


def _back(filling: Filling, ear: Ear) -> Step:
    names = [field.name for field in filling.form.fields]
    if filling.step == "change":
        return Step(_onward(filling))
    at = names.index(filling.field) if filling.step == "field" else len(names)
    if at == 0:
        return Step(filling, (say("form_first", ear.language),))
    return Step(_moved(filling, field=names[at - 1]))


def _skipped(filling: Filling, ear: Ear) -> Step:
    field = filling.form.field(filling.field)
    if field.required:
        return _missed(filling, say("form_needed", ear.language))
    return Step(_answered(filling, {field.name: None}))


def _at_field(filling: Filling, text: str, ear: Ear, *, unseen: bool) -> Step:
    """An answer to the open question; `unseen`: the customer wrote it before the question came."""
    field = filling.form.field(filling.field)
    others = other_answers(filling, text, ear.read)
    rest = segments_left(filling, text, ear.read) if others else text
    mended = correction(filling, rest, ear.read)
    if mended is not None:
        return _mended(filling, others, mended, ear)
    if isinstance(field, TextField) and not unseen:
        return _free_words(filling, field, rest, others, ear)
    # "Is the fine higher after 3 March?" holds a date and is no answer.
    found = ear.read(field, text, strict=unseen or plainly_asks(text))
    if isinstance(found, Found):
        return Step(_answered(filling, {**others, field.name: found.value}))
    if others:
        return _kept(filling, others, ear)
    if is_question(text):
        return _asked(filling, text, ear)
    return Step(filling) if unseen or small_talk(text) else _missed(filling, found.said(ear.language))


def _free_words(filling: Filling, field: TextField, text: str, others: dict[str, Any], ear: Ear) -> Step:
    """The words are the answer, unless they are a word between friends; `others` are parted from them already."""
    if small_talk(text) or consists_of(text, "noted"):
        return Step(_with(filling, others))
    found = ear.read(field, text)
    if not isinstance(found, Found):
        return _kept(filling, others, ear) if others else _missed(filling, found.said(ear.language))
    step = Step(_answered(filling, {**others, field.name: found.value}))
    asks = is_question(text) and len(tokens(text)) <= LONGEST_QUESTION_WORDS
    return Step(filling, unclear=text, otherwise=step) if asks else step


def _at_summary(filling: Filling, text: str, ear: Ear) -> Step:
    if is_yes(text, ear.language) or consists_of(text, "form_send", beside=("yes", "thanks")):
        return Step(filling.model_copy(update={"state": "submitted", "misses": 0}))
    return _about_answers(filling, text, ear, say("form_press", ear.language))


def _at_change(filling: Filling, text: str, ear: Ear) -> Step:
    if is_no(text, ear.language) or is_yes(text, ear.language):
        return Step(_onward(filling))
    return _about_answers(filling, text, ear, say("form_wants_choice", ear.language))


def _about_answers(filling: Filling, text: str, ear: Ear, miss: str) -> Step:
    """What is said of the answers as a whole: a new one, the name of one, that something is wrong."""
    mended = correction(filling, text, ear.read)
    if mended is not None:
        return _mended(filling, {}, mended, ear)
    named = field_named(filling.form, text)
    if named is not None:
        return Step(_moved(filling, field=named.name))
    if is_no(text, ear.language):
        return Step(_moved(filling, step="change", field=""))
    if small_talk(text):
        return Step(filling)
    return _asked(filling, text, ear) if is_question(text) else _missed(filling, miss)


def _mended(filling: Filling, others: dict[str, Any], mended: Correction, ear: Ear) -> Step:
    """A taken-back answer: said aloud unless it is the answer to the open question."""
    after = _answered(filling, {**others, mended.field.name: mended.value})
    if filling.step == "field" and mended.field.name == filling.field:
        return Step(after)
    return Step(after, (_aloud(filling, mended.field, mended.value, ear),))


def _kept(filling: Filling, others: dict[str, Any], ear: Ear) -> Step:
    """Answers to other questions than the open one: said aloud, since the open one comes again."""
    fields = [field for field in filling.form.fields if field.name in others]
    notes = tuple(_aloud(filling, field, others[field.name], ear) for field in fields)
    return Step(_answered(filling, others), notes)


def _aloud(filling: Filling, field: AnyField, value: Any, ear: Ear) -> str:
    """That an answer was taken, in place of another one or as the first."""
    label, told = say_in(field.label, ear.language), shown(field, value, ear.language)
    told = told if len(told) <= LONGEST_ALOUD else f"{told[: LONGEST_ALOUD - 1]}…"
    return say("form_noted" if field.name in filling.answers else "form_kept", ear.language, label=label, value=told)


def _looked_at(step: Step, photo: dict[str, str], ear: Ear) -> Step:
    filling = step.filling
    field = filling.form.field(filling.field) if filling.step == "field" else None
    if isinstance(field, PhotoField) and photo["kind"] in ("image", "document"):
        return Step(_answered(filling, {field.name: photo}))
    return _missed(filling, say("form_media", ear.language))


def _asked(filling: Filling, text: str, ear: Ear) -> Step:
    otherwise = _missed(filling, say("form_unanswered", ear.language))
    return Step(filling, unclear=text, otherwise=otherwise)


def _missed(filling: Filling, note: str) -> Step:
    return Step(filling.model_copy(update={"misses": filling.misses + 1}), (note,))


def _moved(filling: Filling, **to: Any) -> Filling:
    return filling.model_copy(update={"step": "field", "misses": 0, **to})


def _answered(filling: Filling, answers: dict[str, Any]) -> Filling:
    """With these answers; an open question that is still open stays where it is."""
    after = _with(filling, answers).model_copy(update={"misses": 0})
    if filling.step == "field" and filling.field not in answers:
        return after
    return _onward(after)


def _with(filling: Filling, answers: dict[str, Any]) -> Filling:
    return filling.model_copy(update={"answers": {**filling.answers, **answers}})


def _onward(filling: Filling) -> Filling:
    """To the first field without an answer, else to the summary."""
    left = [field.name for field in filling.form.fields if field.name not in filling.answers]
    if left:
        return _moved(filling, field=left[0])
    return _moved(filling, step="summary", field="")
