"""The last nodes of the graph: the ending that was decided becomes the Reply. They decide nothing any more."""

from langgraph.runtime import Runtime

from agent.asking import cut
from agent.confidence import CALIBRATION_VERSION
from agent.phrases import acknowledge, say
from agent.state import Deps, Ending, State
from sahut.turn import Reply, Usage

# What a text message of WhatsApp may hold; one turn sends one message, so it is cut to fit.
MOST_CHARACTERS = 4096
_SUMMARY_QUESTION = 240


async def reply(state: State, runtime: Runtime[Deps]) -> State:
    """An answer with what it stands on."""
    ending = state["ending"]
    return {"answer": _reply(state, ending.text)}


async def clarify(state: State, runtime: Runtime[Deps]) -> State:
    """A question back, perhaps with buttons and a call that waits for the yes."""
    ending = state["ending"]
    answer = _reply(state, ending.text or say("clarify", _language(state)))
    return {"answer": answer.model_copy(update={"buttons": ending.buttons, "confirmation": ending.confirmation})}


async def hand_off(state: State, runtime: Runtime[Deps]) -> State:
    """A human takes over: acknowledged to the customer, except to spam, and summed up for the operators."""
    reason = state["ending"].reason
    is_spam = reason == "spam"
    text = acknowledge(reason, _language(state))
    answer = _reply(state, text, silent=is_spam)
    lane = "spam" if is_spam else "support"
    return {"answer": answer.model_copy(update={"lane": lane, "summary": summary(state)})}


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
    lines += [f"Tool {call.name}: {call.state}" for call in state.get("calls", ())]
    if state.get("note"):
        lines.append(f"The model's note: {cut(' '.join(state['note'].split()), _SUMMARY_QUESTION)}")
    if state.get("degraded"):
        lines.append("The chat model did not answer.")
    return "\n".join(lines)


def _language(state: State) -> str:
    turn = state["turn"]
    return state.get("language") or turn.language or turn.guidance.languages[0]


def _reply(state: State, text: str, *, silent: bool = False) -> Reply:
    turn, ending = state["turn"], state["ending"]
    screening, draft = state.get("screening"), state.get("draft")
    said = "" if silent else "\n\n".join(part for part in (state.get("preface", ""), text) if part)
    return Reply(
        decision=ending.decision,
        text=cut(said, MOST_CHARACTERS),
        language=_language(state),
        confidence=_confidence(state, ending),
        citations=tuple(dict.fromkeys(span for sentence in ending.sentences for span in sentence.citations)),
        tool_calls=state.get("calls", ()),
        **({"verdict": screening.verdict} if screening else {}),
        reason=ending.reason,
        model=draft.model if draft else "",
        prompt_version=turn.guidance.prompt_version,
        calibration_version=CALIBRATION_VERSION,
        features=state.get("features", {}),
        usage=state.get("usage", Usage()),
        exchanges=state["exchanges"],
    )


def _confidence(state: State, ending: Ending) -> float:
    """The fitted probability where there is one; our own phrases and tools' results are certain."""
    if "confidence" in state:
        return state["confidence"]
    return 1.0 if ending.decision in ("reply", "clarify", "silent") else 0.0
