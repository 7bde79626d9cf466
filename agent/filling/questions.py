"""How the open question of a form looks on a phone: its words, and buttons or a list; pure, changes no progress."""

from dataclasses import dataclass

from agent.filling.values import shown
from agent.language.phrases import say
from sahut.authority import digest_of
from sahut.forms import MOST_BUTTONS, MOST_ROWS, ROW_TITLE, AnyField, ChoiceField, Filling, YesNoField, say_in
from sahut.text import cut, utf16_length
from sahut.turn import Button, Menu, Row

# WhatsApp allows 1,024 characters in the body of a message with buttons or a list.
MOST_CHARACTERS = 1000
_LEAST_VALUE = 12


@dataclass(frozen=True)
class Asked:
    """The question as it is sent."""

    text: str
    buttons: tuple[Button, ...] = ()
    menu: Menu | None = None


def question(filling: Filling, language: str) -> Asked | None:
    """What is asked next; `None` where the filling has come to its end."""
    if filling.state != "open":
        return None
    if filling.step == "summary":
        buttons = [
            Button(id=f"form-{key}:{mark_of(filling)}", title=say(f"form_{key}", language))  # type: ignore[arg-type]
            for key in ("send", "change", "cancel")
        ]
        return Asked(summary(filling, language), tuple(buttons))
    if filling.step == "change":
        return _which(filling, language)
    return _field(filling.form.field(filling.field), language)


def mark_of(filling: Filling) -> str:
    """What the buttons of a summary are good for: these answers, and no others."""
    return digest_of(filling.id, filling.answers)[:16]


def presses_old_summary(choice: str, filling: Filling) -> bool:
    """Whether the id behind a pressed button is of a summary that showed other answers."""
    kind, _, mark = choice.partition(":")
    return kind.startswith("form-") and mark not in ("", mark_of(filling))


def summary(filling: Filling, language: str) -> str:
    """Every answer on a line of its own. Long ones are cut for the eye alone: what is sent is the whole answer."""
    lines = [
        (say_in(field.label, language), shown(field, filling.answers.get(field.name), language))
        for field in filling.form.fields
    ]
    title = say_in(filling.form.title, language)
    frame = utf16_length(say("form_summary", language, title=title, answers=""))
    room = MOST_CHARACTERS - frame - sum(utf16_length(label) + 3 for label, _ in lines)
    shares = _shares([utf16_length(value) for _, value in lines], room)
    answers = "\n".join(f"{label}: {cut(value, most)}" for (label, value), most in zip(lines, shares, strict=True))
    return say("form_summary", language, title=title, answers=answers)


def _shares(lengths: list[int], room: int) -> list[int]:
    """How many UTF-16 units each value gets: short ones all they need, long ones an equal share of what is left."""
    shares = [0] * len(lengths)
    waiting = sorted(range(len(lengths)), key=lengths.__getitem__)
    for place, at in enumerate(waiting):
        fair = room // (len(waiting) - place)
        shares[at] = max(_LEAST_VALUE, min(lengths[at], fair))
        room -= shares[at]
    return shares


def _which(filling: Filling, language: str) -> Asked:
    """The answers to choose from: as a list, or in words where there are more than a list holds."""
    text, fields = say("form_which", language), filling.form.fields
    labels = [say_in(field.label, language) for field in fields]
    if len(fields) > MOST_ROWS:
        return Asked("\n".join((text, *(f"• {label}" for label in labels))))
    rows = tuple(Row(id=f"field-{at}", title=label[:ROW_TITLE].strip()) for at, label in enumerate(labels))
    return Asked(text, menu=Menu(button=say("form_list", language), rows=rows))


def _field(field: AnyField, language: str) -> Asked:
    text = say_in(field.ask, language)
    skip = () if field.required else (say("form_skip", language),)
    if isinstance(field, YesNoField):
        return Asked(text, _buttons((say("form_yes", language), say("form_no", language), *skip)))
    if isinstance(field, ChoiceField):
        titles = (*(say_in(choice.label, language) for choice in field.choices), *skip)
        if len(titles) <= MOST_BUTTONS:
            return Asked(text, _buttons(titles))
        rows = tuple(Row(id=f"row-{at}", title=title) for at, title in enumerate(titles))
        return Asked(text, menu=Menu(button=say("form_list", language), rows=rows))
    return Asked(text, _buttons(skip))


def _buttons(titles: tuple[str, ...]) -> tuple[Button, ...]:
    return tuple(Button(id=f"answer-{at}", title=title) for at, title in enumerate(titles))
