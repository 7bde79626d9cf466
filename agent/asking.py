"""Asks the customer, or an operator, whether a tool call may happen, showing its arguments. Performs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.language.phrases import say
from agent.state import Ending, State
from sahut.authority import digest_of
from sahut.brief import Sentence
from sahut.ids import new_id
from sahut.text import cut, utf16_length
from sahut.toolcall import NO, YES, Confirmation, ToolCall
from sahut.turn import Button

# WhatsApp allows 1,024 UTF-16 units in the body of a message with buttons.
MOST_CHARACTERS = 1000
_LEAST_SHARE = 40


def ask(call: ToolCall, questions: Mapping[str, str], language: str) -> Ending:
    """Whoever must agree is asked; the confirmation is what their yes will refer to."""
    if call.by == "operator":
        return _ask_operator(call, language)
    return _ask_customer(call, questions, language)


def _ask_operator(call: ToolCall, language: str) -> Ending:
    """A colleague sees the whole call at the desk; the customer is told that somebody must agree."""
    digest = digest_of(call.name, call.arguments)
    waiting = Confirmation(id=new_id(), tool=call.name, arguments=call.arguments, digest=digest, by="operator")
    return Ending("hand_off", say("acknowledgement_approval", language), reason="rule", confirmation=waiting)


def _ask_customer(call: ToolCall, questions: Mapping[str, str], language: str) -> Ending:
    """The question with its two buttons, which are good for this question alone.

    What does not fit into one message, however it is cut, is a person's to arrange: nobody agrees to
    what they cannot see.
    """
    shown = {name: str(value) for name, value in call.arguments.items()}
    listed = "; ".join(f"{name}: {{{name}}}" for name in shown)
    template = questions.get(language) or questions.get("en") or say("confirm", language, action=listed)
    shown = fitted(template, shown)
    text = template.format_map(shown)
    if utf16_length(text) > MOST_CHARACTERS:
        return Ending("hand_off", reason="rule")
    # What is shown is what will be done: an argument that had to be cut is cut in the call too.
    arguments = {name: v if shown[name] == str(v) else shown[name] for name, v in call.arguments.items()}
    waiting = Confirmation(
        id=new_id(), tool=call.name, arguments=arguments, digest=digest_of(call.name, arguments), by="customer"
    )
    return Ending(
        "clarify",
        text,
        confirmation=waiting,
        buttons=(
            Button(id=f"{YES}{waiting.id}", title=say("confirm_yes", language)),
            Button(id=f"{NO}{waiting.id}", title=say("confirm_no", language)),
        ),
    )


def with_question(state: State, text: str, sentences: Sequence[Sentence], still_open: Sequence[str]) -> Ending:
    """The tool's question after the answers, within what one message with buttons holds: the question is never cut."""
    asking, language = state["asking"], state["language"]
    everything = [one.text for one in state["parts"]]
    for answer, said, left in ((text, tuple(sentences), still_open), ("", (), everything)):
        note = say("left_open", language, question=" ".join(f"“{one}”" for one in left)) if left else ""
        whole = "\n\n".join(part for part in (answer, note, asking.text) if part)
        if utf16_length(whole) <= MOST_CHARACTERS:
            return replace(asking, text=whole, sentences=said)
    return asking


def fitted(template: str, shown: Mapping[str, str]) -> dict[str, str]:
    """The question's arguments, the longest of them cut, so that what is asked at its end is never lost."""
    room = MOST_CHARACTERS - utf16_length(template)
    values = dict(shown)
    while values and sum(lengths := [utf16_length(value) for value in values.values()]) > room:
        longest = max(values, key=lambda name: utf16_length(values[name]))
        length = max(lengths)
        most = max(room - (sum(lengths) - length), room // len(values), _LEAST_SHARE)
        if length <= most:
            break
        values[longest] = cut(values[longest], most)
    return values
