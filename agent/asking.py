"""Asks the customer whether a tool call may happen, showing its arguments. Pure; performs nothing."""

from collections.abc import Mapping

from agent.phrases import say
from agent.state import Ending
from sahut.ids import new_id
from sahut.tool import ToolSpec
from sahut.turn import Button, Confirmation, ToolCall

# WhatsApp allows 1,024 characters in the body of a message with buttons.
MOST_CHARACTERS = 1000
_LEAST_SHARE = 40


def ask(call: ToolCall, spec: ToolSpec | None, language: str) -> Ending:
    """The question, its two buttons, and the confirmation that the customer's yes will refer to."""
    questions = spec.questions if spec else {}
    shown = {name: str(value) for name, value in call.arguments.items()}
    template = questions.get(language) or questions.get("en")
    if template is None:
        listed = "; ".join(f"{name}: {value}" for name, value in shown.items())
        text = say("confirm", language, action=cut(listed, MOST_CHARACTERS - 100))
    else:
        text = fitted(template, shown)
    return Ending(
        "clarify",
        text,
        confirmation=Confirmation(id=new_id(), tool=call.name, arguments=call.arguments),
        buttons=(
            Button(id="yes", title=say("confirm_yes", language)),
            Button(id="no", title=say("confirm_no", language)),
        ),
    )


def fitted(template: str, shown: Mapping[str, str]) -> str:
    """The question with its arguments, the longest of them cut, so that what is asked at its end is never lost."""
    room = MOST_CHARACTERS - len(template)
    values = dict(shown)
    while values and sum(map(len, values.values())) > room:
        longest = max(values, key=lambda name: len(values[name]))
        others = sum(len(value) for name, value in values.items() if name != longest)
        most = max(room - others, room // len(values), _LEAST_SHARE)
        if len(values[longest]) <= most:
            break
        values[longest] = cut(values[longest], most)
    return template.format_map(values)


def cut(text: str, most: int) -> str:
    """At most `most` characters, with a mark where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
