"""The last nodes of the graph: the ending that was decided becomes the Reply. They decide nothing any more."""

from zoneinfo import ZoneInfo

from langgraph.runtime import Runtime

from agent.authority import may_write
from agent.chat.trouble import TROUBLES
from agent.confidence import CALIBRATION_VERSION
from agent.filling.machine import Step
from agent.filling.questions import MOST_CHARACTERS as MOST_BESIDE_CHOICES
from agent.filling.questions import Asked, question
from agent.language.phrases import acknowledge, say
from agent.reading.remembering import remembered
from agent.state import Deps, Ending, State
from sahut.text import cut, utf16_length
from sahut.toolcall import Promised, ToolCall
from sahut.turn import Reply, Turn, Usage

# What a text message of WhatsApp may hold; one turn sends one message, so it is cut to fit.
MOST_CHARACTERS = 4096
_SUMMARY_QUESTION = 240


async def reply(state: State, runtime: Runtime[Deps]) -> State:
    """An answer with what it stands on."""
    ending = state["ending"]
    files = [call.file for call in state.get("calls", ()) if call.state == "done" and call.file]
    # One turn sends one message, and a message carries one file.
    return {"answer": _reply(state, ending.text).model_copy(update={"file": files[-1] if files else None})}


async def clarify(state: State, runtime: Runtime[Deps]) -> State:
    """A question back, perhaps with buttons and a call that waits for the yes."""
    ending = state["ending"]
    if ending.step is not None:
        return {"answer": _reply(state, ending.text)}
    answer = _reply(state, ending.text or say("clarify", _language(state)))
    asked = {"buttons": ending.buttons, "menu": ending.menu, "confirmation": ending.confirmation}
    return {"answer": answer.model_copy(update=asked)}


async def hand_off(state: State, runtime: Runtime[Deps]) -> State:
    """A human takes over: acknowledged to the customer, except to spam, and summed up for the operators."""
    ending = state["ending"]
    is_spam = ending.reason == "spam"
    answer = _reply(state, ending.text or acknowledge(ending.reason, _language(state)), silent=is_spam)
    known = {
        "lane": "spam" if is_spam else "support",
        "summary": summary(state),
        "suggestion": cut(ending.suggestion, MOST_CHARACTERS),
        "confirmation": ending.confirmation,
    }
    return {"answer": answer.model_copy(update=known)}


async def silent(state: State, runtime: Runtime[Deps]) -> State:
    """Nothing is said."""
    return {"answer": _reply(state, "", silent=True)}


def summary(state: State) -> str:
    """What an operator should know before reading on: what was asked, in which language, what was tried."""
    turn, found = state["turn"], state.get("found")
    kinds = ", ".join(dict.fromkeys(message.kind for message in turn.burst))
    asked = f"“{cut(' '.join(turn.text.split()), _SUMMARY_QUESTION)}”" if turn.text else f"a message of kind {kinds}"
    lines = [f"Asked ({_language(state)}): {asked}"]
    if state.get("question", "") != state.get("message", ""):
        lines.append(f"Follows: “{cut(state['question'].split(chr(10))[0], _SUMMARY_QUESTION)}”")
    if found is not None:
        near = ", ".join(dict.fromkeys(passage.title for passage in found.passages[:3]))
        lines.append(f"Searched: {f'nearest are {near}' if near else 'nothing found'}")
    if state["ending"].open_parts:
        left = "; ".join(f"“{cut(' '.join(part.split()), _SUMMARY_QUESTION)}”" for part in state["ending"].open_parts)
        lines.append(f"Answered in part. Open: {left}")
    if turn.attached:
        lines.append(f"Read in a file of the customer's: {cut(' '.join(turn.attached.split()), _SUMMARY_QUESTION)}")
    lines += [_called(call) for call in state.get("calls", ())]
    if turn.filling is not None:
        known, fields = len(turn.filling.answers), len(turn.filling.form.fields)
        lines.append(f"In the middle of the form {turn.filling.form.name}: {known} of {fields} answers")
    lines += [_promised(promise, turn) for promise in turn.promises]
    if state.get("note"):
        lines.append(f"The model's note: {cut(' '.join(state['note'].split()), _SUMMARY_QUESTION)}")
    if trouble := state.get("trouble"):
        lines.append(TROUBLES[trouble])
    return "\n".join(lines)


def _promised(promise: Promised, turn: Turn) -> str:
    """What stands open between us and the customer, on the organisation's clock."""
    due = promise.due_at.astimezone(ZoneInfo(turn.guidance.timezone))
    late = "overdue since" if promise.due_at <= turn.now else "due"
    what = cut(" ".join(promise.what.split()), _SUMMARY_QUESTION)
    return f"Open promise: “{what}”, {late} {due:%d %b %Y, %H:%M}, {promise.owner or 'the team'}"


def _called(call: ToolCall) -> str:
    """What became of a call; of one that waits for an operator, who must decide."""
    if call.state == "proposed" and call.by == "operator":
        return f"Tool {call.name}: waits for your yes"
    return f"Tool {call.name}: {call.state}" + (f" ({cut(call.result, _SUMMARY_QUESTION)})" if call.denied else "")


def _language(state: State) -> str:
    turn = state["turn"]
    return state.get("language") or turn.language or turn.guidance.languages[0]


def _reply(state: State, text: str, *, silent: bool = False) -> Reply:
    turn, ending = state["turn"], state["ending"]
    screening, draft = state.get("screening"), state.get("draft")
    said = (
        ""
        if silent
        else _after_preface(state.get("preface", ""), text, has_choices=bool(ending.buttons or ending.menu))
    )
    step = ending.step or state.get("step")
    form = Asked("")
    if step is not None and ending.decision in ("reply", "clarify"):
        said, form = _with_form(said, step, _language(state))
    return Reply(
        decision=ending.decision,
        text=cut(said, MOST_CHARACTERS),
        buttons=form.buttons,
        menu=form.menu,
        filling=step.filling if step else None,
        remembered=remembered(turn) if screening and may_write(state) else (),
        language=_language(state),
        confidence=_confidence(state, ending),
        citations=tuple(dict.fromkeys(span for sentence in ending.sentences for span in sentence.citations)),
        tool_calls=state.get("calls", ()),
        **({"verdict": screening.verdict} if screening else {}),
        reason=ending.reason,
        aside=ending.aside,
        model=draft.model if draft else "",
        prompt_version=turn.guidance.prompt_version,
        calibration_version=state.get("calibration", CALIBRATION_VERSION),
        features=state.get("features", {}),
        usage=state.get("usage", Usage()),
        exchanges=state["exchanges"],
    )


def _after_preface(preface: str, text: str, *, has_choices: bool) -> str:
    """What was done, then what is said; beside buttons the question is never what is cut."""
    if has_choices:
        preface = cut(preface, MOST_BESIDE_CHOICES - utf16_length(text) - 2) if preface else ""
    return "\n\n".join(part for part in (preface, text) if part)


def _with_form(said: str, step: Step, language: str) -> tuple[str, Asked]:
    """What is said, then what the form notes, then its open question: the question is never what is cut."""
    asked = question(step.filling, language) or Asked("")
    after = "\n\n".join(part for part in (*step.notes, asked.text) if part)
    room = (MOST_BESIDE_CHOICES if asked.buttons or asked.menu else MOST_CHARACTERS) - utf16_length(after) - 2
    return "\n\n".join(part for part in (cut(said, room) if said else "", after) if part), asked


def _confidence(state: State, ending: Ending) -> float:
    """The fitted probability where there is one; our own phrases and tools' results are certain."""
    if "confidence" in state:
        return state["confidence"]
    return 1.0 if ending.decision in ("reply", "clarify", "silent") else 0.0
