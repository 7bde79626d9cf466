"""Templates, pure: what must be filled in, whether a message fits, what it will read like. Knows no channel's limits.

Meta checks the same and answers with 132000, 132001, 132012 or 132018, after which the message is lost: so a wrong one
is refused here, with words that say what is wrong. Source: Meta's pages on templates.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

Json = dict[str, Any]

APPROVED = "APPROVED"
UTILITY = "UTILITY"
NAMED = "NAMED"
_VARIABLE = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
_UNFIT = re.compile(r"[\n\r\t]| {5,}")
_MEDIA = frozenset({"IMAGE", "VIDEO", "DOCUMENT", "LOCATION"})


class Known(Protocol):
    """What is known of a template: its row."""

    name: str
    language: str
    status: str
    category: str
    parameter_format: str
    components: list[Json]


@dataclass(frozen=True)
class Slot:
    """A place to fill in. `part` is header, body or button; `index` tells buttons apart; `name` is 1, 2... or a name.

    `media` names the type of a header that is no text; its value is a file, never words.
    """

    part: str
    name: str
    index: int = 0
    media: str = ""

    @property
    def key(self) -> str:
        """Unique in its template: `body.1`, `header.order`, `button.0.1`."""
        return f"{self.part}.{self.index}.{self.name}" if self.part == "button" else f"{self.part}.{self.name}"


def slots(template: Known) -> list[Slot]:
    """What must be filled in, in the order of the template."""
    return [slot for component in template.components for slot in _slots_of(component)]


def problem(template: Known | None, message: Json, *, name: str, language: str) -> str:
    """Why a message (Meta's `template` object) cannot be sent; empty: it fits. `template` is what has its name."""
    if template is None:
        return f"There is no template {name!r} in {language!r}: choose one of those listed, or sync them again."
    if template.status != APPROVED:
        return f"The template {name!r} ({language}) is {template.status or 'not approved'}: choose another one."
    given = _given(message)
    if isinstance(given, str):
        return given
    wanted = {slot.key: slot for slot in slots(template)}
    if missing := [key for key in wanted if key not in given]:
        return f"The template {name!r} needs a value for {', '.join(missing)}."
    if extra := [key for key in given if key not in wanted]:
        return f"The template {name!r} has no place for {', '.join(extra)}."
    return next((words for key, slot in wanted.items() if (words := _value_problem(slot, given[key]))), "")


def filled(template: Known, values: Mapping[str, str]) -> Json:
    """The message object with these words in its slots, by `Slot.key`. A slot without a value stays empty."""
    parts: dict[tuple[str, int], list[Json]] = {}
    for slot in slots(template):
        parameter: Json = {"type": "text", "text": values.get(slot.key, "")}
        if template.parameter_format == NAMED and slot.part != "button":
            parameter["parameter_name"] = slot.name
        parts.setdefault((slot.part, slot.index), []).append(parameter)
    components = [
        {"type": part, "parameters": parameters}
        | ({"sub_type": "url", "index": str(index)} if part == "button" else {})
        for (part, index), parameters in parts.items()
    ]
    content: Json = {"name": template.name, "language": {"code": template.language}}
    return {"type": "template", "template": content | ({"components": components} if components else {})}


def preview(template: Known, message: Json | None = None) -> str:
    """What the customer reads: header, body and footer, with the values of a message (Meta's `template` object)."""
    given = _given(message) if message is not None else {}
    values = given if isinstance(given, dict) else {}
    lines = []
    for component in template.components:
        part = str(component.get("type", "")).lower()
        text = component.get("text")
        if part in ("header", "body", "footer") and isinstance(text, str):
            lines.append(_VARIABLE.sub(partial(_shown, values, part), text))
    return "\n".join(lines)


def in_order(known: Iterable[Any], language: str) -> list[Any]:
    """The templates that may be offered, the likeliest first: in the customer's language, utility, with few gaps."""
    offered = [one for one in known if one.status == APPROVED and not any(slot.media for slot in slots(one))]
    return sorted(
        offered,
        key=lambda one: (
            one.language.partition("_")[0] != language,
            one.category != UTILITY,
            len(slots(one)),
            one.name,
            one.language,
        ),
    )


def _slots_of(component: Json) -> list[Slot]:
    part = str(component.get("type", "")).lower()
    kind = str(component.get("format", "TEXT")).upper()
    if part == "header" and kind in _MEDIA:
        return [Slot("header", "1", media=kind.lower())]
    if part in ("header", "body"):
        return [Slot(part, name) for name in _names(component.get("text"))]
    buttons = component.get("buttons") if part == "buttons" else None
    listed: Sequence[Any] = buttons if isinstance(buttons, list) else []
    return [
        Slot("button", name, index)
        for index, button in enumerate(listed)
        if isinstance(button, dict)
        for name in _names(button.get("url"))
    ]


def _names(text: Any) -> list[str]:
    return list(dict.fromkeys(_VARIABLE.findall(text))) if isinstance(text, str) else []


def _given(message: Json) -> dict[str, Any] | str:
    """The parameters of a message by the key of their slot, or what is wrong with their shape."""
    found: dict[str, Any] = {}
    components = message.get("components", [])
    if not isinstance(components, list):
        return "template.components must be a list."
    for component in components:
        parameters = component.get("parameters") if isinstance(component, dict) else None
        if not isinstance(parameters, list) or not all(isinstance(one, dict) for one in parameters):
            return "Each of template.components needs a list of parameters."
        part, index = str(component.get("type", "")).lower(), str(component.get("index", "0"))
        if part == "button" and component.get("sub_type") != "url":
            continue
        for number, parameter in enumerate(parameters, start=1):
            name = str(parameter.get("parameter_name", number))
            slot = Slot(part, name, int(index) if index.isascii() and index.isdigit() else 0)
            found[slot.key] = parameter
    return found


def _value_problem(slot: Slot, parameter: Json) -> str:
    if slot.media:
        fits = parameter.get("type") == slot.media and isinstance(parameter.get(slot.media), dict)
        return "" if fits else f"The header of this template takes one {slot.media}."
    kind = parameter.get("type", "text")
    text = parameter.get("text")
    if kind != "text":
        return "" if kind in ("currency", "date_time") else f"The value of {slot.key} must be text."
    if not isinstance(text, str) or not text.strip():
        return f"The value of {slot.key} is empty."
    if _UNFIT.search(text):
        return f"The value of {slot.key} has a new line, a tab or more than four spaces in a row: write it in one line."
    return ""


def _shown(values: dict[str, Any], part: str, found: re.Match[str]) -> str:
    parameter = values.get(Slot(part, found[1]).key)
    text = parameter.get("text") if isinstance(parameter, dict) else None
    return text if isinstance(text, str) else found[0]
