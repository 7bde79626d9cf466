"""Questions that a customer asks beside a request: answered together with the tool's own question, which stays last.

Nothing is done but what the customer then agrees to. What has no sure answer is named, so that nobody waits for it.
Must not know a model.
"""

from collections.abc import Sequence

from agent.asking import with_question
from agent.reading.parts import MOST, beside_request
from agent.several import found_for
from agent.state import Deps, Ending, State
from sahut.brief import Brief
from sahut.found import Asked
from sahut.toolcall import ToolCall

# From here on the documents seem to answer a question, so that it is no part of what is requested.
ANSWERED = 0.5
# Why a draft cannot end a turn in which the customer is to be asked: only these are for a human at once.
_FOR_A_HUMAN = ("asked_for_human", "sensitive")


async def look_up(state: State, deps: Deps) -> tuple[Asked, ...]:
    """The questions beside a request, with what was found for each; empty where there is none. Raises `ModelFailed`."""
    return await found_for(beside_request(state["message"]).questions[:MOST], state, deps)


def matter_of(brief: Brief) -> tuple[str, str]:
    """What of the message a call may be about, and what of that requests it.

    Questions that the documents answer are none of its matter. Those that they do not answer belong to the story, for
    whoever acts on it, and request nothing. Without questions beside a request both are the whole message.
    """
    text = brief.turn.text
    if not brief.beside:
        return text, text
    asked = {one.text for one in brief.beside}
    answered = {one.text for one in brief.beside if one.found.answerable >= ANSWERED}
    pieces = beside_request(text).pieces
    story = " ".join(piece for piece in pieces if piece not in answered) if answered else text
    return story, " ".join(piece for piece in pieces if piece not in asked)


def left_open(beside: Sequence[Asked], call: ToolCall) -> tuple[Asked, ...]:
    """The questions that the call does not hold: what is in its arguments is read by whoever acts on it."""
    told = _plain(" ".join(value for value in call.arguments.values() if isinstance(value, str)))
    return tuple(one for one in beside if _plain(one.text) not in told)


def asked_anyway(state: State, settled: Ending) -> Ending:
    """How a turn ends whose draft needed no weighing: with the tool's question all the same."""
    if settled.decision == "reply":
        return with_question(state, settled.text, settled.sentences, ())
    if settled.reason in _FOR_A_HUMAN:
        return settled
    return with_question(state, "", (), [one.text for one in state["parts"]])


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
