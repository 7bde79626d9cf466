"""The node that fills forms: it gives the customer's words to the state machine and says how the turn ends.

Authority stays with the screening: a form is sent only where a write is allowed. Nothing is written here, the new
progress leaves with the reply.
"""

import asyncio
from zoneinfo import ZoneInfo

from langgraph.runtime import Runtime

from agent.authority import may_write
from agent.deciding import WANTS_HUMAN, asked_again
from agent.filling import machine as filling
from agent.filling.machine import Ear, Step
from agent.filling.questions import presses_old_summary
from agent.language.phrases import say
from agent.language.words import tokens
from agent.nodes import MOST_CHARACTERS
from agent.reading import burst as reading
from agent.reading.proposing import propose
from agent.state import Deps, Ending, State
from sahut.forms import Edition, Filling, TextField, say_in
from sahut.toolcall import ToolCall
from sahut.turn import Turn
from tools import forms

# In free words a wish for a form is only believed where hardly anything else is said.
_FEW_WORDS = 12


async def fill(state: State, runtime: Runtime[Deps]) -> State:
    """One step of a form: begun, answered, corrected, cancelled or sent; or a question for the documents."""
    turn, deps = state["turn"], runtime.context
    if "begun" in state:
        return await _begin(state, state["begun"])
    assert turn.filling is not None  # noqa: S101  # the graph comes here for nothing else
    way_out = _way_out(state, turn.filling)
    if way_out is not None:
        return {"ending": way_out}
    if any(presses_old_summary(message.choice, turn.filling) for message in turn.burst):
        return {"ending": asked_again(Step(turn.filling))}
    # Off the event loop: a form's own patterns may be slow on what customers write.
    step = await asyncio.to_thread(filling.take, turn.filling, _texts(turn), _photo(turn), _ear(state))
    other = await _other_form(state, deps, turn.filling, step)
    if other is not None:
        step = _refused(turn.filling, other, state["language"])
    return _told(state, deps, step)


def _way_out(state: State, now: Filling) -> Ending | None:
    """What counts for more than the form: a STOP, and a wish for a person."""
    turn = state["turn"]
    if turn.text and reading.opts_out(turn):
        dropped = Step(now.model_copy(update={"state": "cancelled"}))
        return Ending("reply", say("opted_out", state["language"]), step=dropped)
    if state["screening"].wants_human >= WANTS_HUMAN:
        return Ending("hand_off", reason="asked_for_human")
    return None


async def _begin(state: State, edition: Edition) -> State:
    step = _flagged(state, await asyncio.to_thread(filling.begin, edition, state["turn"].text, _ear(state)))
    call = ToolCall(name=forms.NAME, arguments={"form": edition.form.name}, key=step.filling.id)
    return {**_called(state, call), "ending": Ending("clarify", step=step)}


def _told(state: State, deps: Deps, step: Step) -> State:
    """How the turn ends after a step, or that the documents are asked first."""
    if step.filling.state == "submitted":
        return _sent(state, deps, step)
    if step.filling.state == "cancelled":
        title = say_in(step.filling.form.title, state["language"])
        return _over(state, step, say("form_cancelled", state["language"], title=title))
    if step.otherwise is not None:
        otherwise = _flagged(state, step.otherwise)
        return {**_question(state, step), "step": step, "otherwise": otherwise}
    return {"ending": asked_again(_flagged(state, step))}


def _over(state: State, step: Step, text: str) -> State:
    """The form has come to its end; what was said beside it is answered like any message."""
    if not step.unclear:
        return {"ending": Ending("reply", text, step=step)}
    return {**_question(state, step), "preface": text, "step": step}


def _question(state: State, step: Step) -> State:
    """What the documents are asked: "how long does it take?" is about the form that is being filled."""
    message = step.unclear[:MOST_CHARACTERS]
    title = say_in(step.filling.form.title, state["language"])
    return {"message": message, "question": f"{title}\n{message}" if reading.leans(message) else message}


def _sent(state: State, deps: Deps, step: Step) -> State:
    now, language = step.filling, state["language"]
    call = ToolCall(name=forms.NAME, arguments={"form": now.form.name, "answers": now.answers}, key=now.id)
    if not may_write(state):
        refused = call.model_copy(update={"state": "refused", "result": "Writing is not allowed in this turn."})
        return {**_called(state, refused), "ending": Ending("hand_off", reason="rule")}
    said = say("form_sent", language, title=say_in(now.form.title, language), reference=now.reference)
    thanks = say_in(now.form.thanks, language)
    # Without performing nothing is received, so nothing may be promised.
    text = (f"{said}\n\n{thanks}" if thanks else said) if deps.perform else say("done", language)
    done = call.model_copy(update={"state": "done", "result": text})
    return {**_called(state, done), **_over(state, step, text)}


def _called(state: State, call: ToolCall) -> State:
    exchange = {"kind": "tool", "call": call.model_dump(mode="json")}
    return {"calls": (*state.get("calls", ()), call), "exchanges": (exchange,)}


def _flagged(state: State, step: Step) -> Step:
    """What came in a doubtful message is marked for whoever reads the submission."""
    if may_write(state) or step.filling.flagged:
        return step
    return Step(step.filling.model_copy(update={"flagged": True}), step.notes)


async def _other_form(state: State, deps: Deps, before: Filling, step: Step) -> Edition | None:
    """The form that the words call for, where they are no answer, or hardly more than that call.

    Asked once: whoever says it again means it as the answer.
    """
    text = state["turn"].text
    free = before.step == "field" and isinstance(before.form.field(before.field), TextField)
    missed = step.filling.misses > before.misses
    if before.misses or not may_write(state) or not (missed or (free and len(tokens(text)) <= _FEW_WORDS)):
        return None
    if step.filling.state != "open" or step.unclear or not reading.says_something(text):
        return None
    editions = await forms.offered(deps.store)
    card = forms.card(editions)
    call = await propose(text, (card,), deps.embedder) if card else None
    return forms.called(editions, (call,)) if call else None


def _refused(before: Filling, other: Edition, language: str) -> Step:
    """One form at a time; a call for the open one only brings its question again."""
    again = Step(before.model_copy(update={"misses": before.misses + 1}))
    if other.form.name == before.form.name:
        return again
    title, wanted = say_in(before.form.title, language), say_in(other.form.title, language)
    return Step(again.filling, (say("form_other", language, title=title, other=wanted),))


def _ear(state: State) -> Ear:
    turn = state["turn"]
    return Ear(state["language"], turn.now.astimezone(ZoneInfo(turn.guidance.timezone)).date())


def _texts(turn: Turn) -> list[str]:
    return [message.text for message in turn.burst if message.kind in reading.TEXT_KINDS]


def _photo(turn: Turn) -> dict[str, str] | None:
    """The last message of the burst that brought something to look at."""
    looks = [one for one in turn.burst if one.kind not in reading.SILENT_KINDS | reading.TEXT_KINDS]
    return {"message": looks[-1].id, "kind": looks[-1].kind} if looks else None
