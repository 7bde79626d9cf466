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
    listed = "; ".join(f"{name}: {{{name}}}" for name in shown)
    template = questions.get(language) or questions.get("en") or say("confirm", language, action=listed)
    shown = fitted(template, shown)
    # What is shown is what will be done: an argument that had to be cut is cut in the call too.
    arguments = {name: v if shown[name] == str(v) else shown[name] for name, v in call.arguments.items()}
    return Ending(
        "clarify",
        template.format_map(shown),
        confirmation=Confirmation(id=new_id(), tool=call.name, arguments=arguments),
        buttons=(
            Button(id="yes", title=say("confirm_yes", language)),
            Button(id="no", title=say("confirm_no", language)),
        ),
    )


def fitted(template: str, shown: Mapping[str, str]) -> dict[str, str]:
    """The question's arguments, the longest of them cut, so that what is asked at its end is never lost."""
    room = MOST_CHARACTERS - len(template)
    values = dict(shown)
    while values and sum(map(len, values.values())) > room:
        longest = max(values, key=lambda name: len(values[name]))
        others = sum(len(value) for name, value in values.items() if name != longest)
        most = max(room - others, room // len(values), _LEAST_SHARE)
        if len(values[longest]) <= most:
            break
        values[longest] = cut(values[longest], most)
    return values


def cut(text: str, most: int) -> str:
    """At most `most` characters, with a mark where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
