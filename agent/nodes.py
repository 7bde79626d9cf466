"""The nodes of the graph: each takes the state, does one thing, and gives back what it found or an ending.

Nothing here knows a channel, and nothing is written except through the toolbox's own journal.
"""

import asyncio
from dataclasses import replace

from langgraph.runtime import Runtime

from agent import beside, ranking, several
from agent.asking import ask
from agent.authority import grant_of, ground_of, is_subverted
from agent.briefing import MOST_ROUNDS, brief_of, offers_of
from agent.checking.check import check, join
from agent.checking.features import features_of
from agent.checking.grounding import grounded
from agent.checking.leaks import without_leaks
from agent.checking.own_words import objection
from agent.checking.promises import without_empty
from agent.deciding import (
    ABUSE,
    ANSWERABLE_FLOOR,
    DISTRESS,
    flagged,
    hand_off,
    in_distress,
    please_write,
    refusal,
    small_talk,
    told_off,
    unanswered,
    without_search,
    without_text,
    without_weighing,
)
from agent.language.phrases import say
from agent.reading import burst as reading
from agent.screening.circumstances import circumstances, is_flood
from agent.screening.second_look import second_look
from agent.state import Deps, Ending, State
from sahut.authority import Grant
from sahut.brief import Draft
from sahut.errors import ModelFailed, Trouble
from sahut.tool import ToolContext
from sahut.toolcall import ToolCall
from sahut.turn import Screening, Turn, Usage
from tools import forms, handoff
from tools.toolbox import call_key

MOST_CHARACTERS = 2000
MOST_SCREENED = 8000
# Of the confidence from which an answer is sent: a draft from here on is worth a human's look.
SUGGESTED = 0.5
# A draft may ask for so many calls at once; what a model asks for beyond them is left aside.
MOST_CALLS = 8


async def screen(state: State, runtime: Runtime[Deps]) -> State:
    """Silence for what asks nothing, a human for what cannot be read, and the screen's verdict on the text."""
    turn, deps = state["turn"], runtime.context
    if not turn.text:
        return _without_words(state, deps)
    screening = await deps.screen.screen(
        turn.text,
        hint=turn.language,
        spam_threshold=turn.guidance.spam_threshold,
        around=circumstances(turn),
    )
    if turn.attached:
        inside = await deps.screen.screen(turn.attached[:MOST_SCREENED], hint=turn.language)
        screening = screening.model_copy(update={"injection": max(screening.injection, inside.injection)})
    if is_flood(turn):
        screening = flagged(screening)
    seen = {"kind": "screening", "result": screening.model_dump(mode="json")}
    look = await second_look(deps.judge, turn, screening)
    screening = look.screening
    found: State = {
        "screening": screening,
        "language": reading.language(screening.language, turn),
        "usage": look.usage,
        "exchanges": (seen, *look.exchanges),
    }
    if turn.confirmation is not None and deps.perform:
        earlier = await deps.toolbox.finished(turn.confirmation.id, deps.store)
        if earlier is not None and earlier.state == "done":
            found |= {"calls": (earlier,), "preface": earlier.result}
    ending = _alarm(turn, screening, found["language"])
    if ending is not None:
        found["ending"] = ending
    elif deps.coming is not None:
        deps.coming()
    return found


async def understand(state: State, runtime: Runtime[Deps]) -> State:
    """What the burst wants: an answer to our question, a person, a greeting back, or something to be looked up.

    A yes to our question ends here without a question of its own, and `act` comes next.
    """
    turn, preface, language = state["turn"], state.get("preface", ""), state["language"]
    texts = reading.left_to_answer(turn)
    answer = reading.confirmation_answer(turn) if turn.confirmation and not preface else None
    if answer == "yes":
        return {}
    ending = told_off(state, texts, answer) or without_search(state, texts)
    if ending is not None:
        return {"ending": ending}
    # A pasted novel is read by humans, in the conversation; here it must not cost the others' seconds.
    said = "\n".join(text for text in texts if not reading.small_talk(text))
    message = reading.picked(turn) or said[:MOST_CHARACTERS]
    if not message:
        return {"ending": Ending("reply", "" if preface else small_talk(state, texts))}
    if not reading.says_something(message):
        return {"ending": Ending("silent") if reading.asked_back(turn) else Ending("clarify", say("clarify", language))}
    return {"message": message, "question": reading.question(message, turn)}


async def retrieve(state: State, runtime: Runtime[Deps]) -> State:
    """The passages that may hold the answer, the best first: by a chat model's word too, where one is asked for it."""
    turn, deps, question = state["turn"], runtime.context, state["question"]
    asked = question if reading.asked_back(turn) else state["message"]
    top, within = ranking.depth(state, deps), turn.guidance.answers_from
    try:
        found = await several.search(question, asked, deps, top=top, within=within)
        parts = await several.look_up(state, deps)
        questions = await beside.look_up(state, deps)
    except ModelFailed:
        return _without_embedding()
    read = await ranking.ranked(state, deps, found, parts)
    return {
        "found": several.together(read.found, parts),
        "question": found.question,
        "parts": parts,
        "beside": questions,
        "usage": state.get("usage", Usage()) + read.usage,
        "exchanges": (*several.retrievals((found, *(one.found for one in (*parts, *questions)))), *read.exchanges),
    }


async def think(state: State, runtime: Runtime[Deps]) -> State:
    """A draft by the model in the time that is left, else by the fallback: the customer never meets silence."""
    deps, rounds = runtime.context, state.get("rounds", 0)
    offers = await offers_of(state, deps)
    brief, failures = await brief_of(state, deps, offers), []
    draft: Draft | None = None
    trouble = state.get("trouble")
    if not trouble and not is_subverted(state) and not is_flood(state["turn"]) and rounds < MOST_ROUNDS:
        try:
            async with asyncio.timeout_at(state["deadline"]):
                draft = await deps.model.think(brief)
        except (ModelFailed, TimeoutError) as error:
            trouble = error.trouble if isinstance(error, ModelFailed) else "slow"
            failed = {"kind": "model", "model": deps.model.name, "error": type(error).__name__, "trouble": trouble}
            failures.append(failed)
    try:
        draft = draft or await deps.fallback.think(brief)
    except ModelFailed:
        return {**_without_embedding(trouble), "exchanges": tuple(failures)}
    found: State = {
        "draft": _hand_off_called(draft),
        "offers": offers,
        "note": _note(draft),
        "rounds": rounds + 1,
        "usage": state.get("usage", Usage()) + draft.usage,
        "exchanges": (*failures, {"kind": "model", "model": draft.model, "draft": draft.model_dump(mode="json")}),
    }
    if trouble:
        found["trouble"] = trouble
    begun = forms.called(offers.editions, found["draft"].tool_calls) if "asking" not in state else None
    return found | {"begun": begun} if begun else found


async def act(state: State, runtime: Runtime[Deps]) -> State:
    """The tool call that the customer confirmed, or those that the draft asks for, each under its own key."""
    draft, waiting = state.get("draft"), state["turn"].confirmation
    calls: list[ToolCall] = []
    if draft is None and waiting is not None:
        asked = ToolCall(name=waiting.tool, arguments=waiting.arguments, key=waiting.id)
        calls.append(await _call(state, runtime.context, asked, calls, grant_of(waiting)))
    for wanted in draft.tool_calls[:MOST_CALLS] if draft is not None else ():
        calls.append(await _call(state, runtime.context, wanted, calls))
        if calls[-1].state == "proposed":
            break  # one question at a time: what else the draft wants waits for the answer
    deps = runtime.context
    found: State = {
        "calls": (*state.get("calls", ()), *calls),
        "exchanges": tuple({"kind": "tool", "call": call.model_dump(mode="json")} for call in calls),
    }
    return found | _after_calls(state, deps, calls)


async def check_draft(state: State, runtime: Runtime[Deps]) -> State:
    """What of the draft is supported, how likely it is right, and so whether it is sent."""
    turn, draft = state["turn"], state["draft"]
    found = state["found"]
    calls = state.get("calls", ())
    said = without_leaks(draft.sentences, found.passages, calls, turn.guidance.persona)
    said = without_empty(said, calls)
    checked = check(said, found.passages, calls=calls, message=turn.text)
    try:
        if draft.decision == "reply" and not draft.small_talk:
            checked = await grounded(checked, calls, runtime.context.embedder)
        text = join(checked.sentences)
        settled = without_weighing(state, checked, text)
        if settled is not None:
            return {"ending": beside.asked_anyway(state, settled) if "asking" in state else settled}
        if state.get("parts"):
            return await several.weigh(state, checked, runtime.context)
        features = await features_of(
            state["question"], found=found, checked=checked, draft=draft, embedder=runtime.context.embedder
        )
    except ModelFailed:
        return _without_embedding(state.get("trouble"))
    calibration = runtime.context.calibration
    sure = calibration.probability(features)
    enough = calibration.threshold(turn.guidance.max_wrong, state["language"])
    ending = Ending("reply", text, sentences=checked.sentences)
    if found.answerable < ANSWERABLE_FLOOR:
        ending = unanswered(state, "no_answer")
    elif sure < enough:
        ending = replace(unanswered(state, "low_confidence"), suggestion=text if sure >= enough * SUGGESTED else "")
    return {"features": features, "confidence": sure, "calibration": calibration.version, "ending": ending}


async def _call(
    state: State, deps: Deps, wanted: ToolCall, before: list[ToolCall], grant: Grant | None = None
) -> ToolCall:
    """One call of a tool, on the ground of this turn."""
    turn = state["turn"]
    key = grant.id if grant else call_key(turn.conversation_id, turn.burst[0].id, wanted.name, wanted.arguments)
    wrong = objection(wanted.arguments, turn) if grant is None else ""
    if wrong:
        return ToolCall(name=wanted.name, arguments=wanted.arguments, state="refused", result=wrong, key=key)
    called = sum(call.name == wanted.name and call.state != "refused" for call in (*state.get("calls", ()), *before))
    return await deps.toolbox.call(
        wanted.name,
        wanted.arguments,
        _context(state, deps, key),
        ground=ground_of(state, called),
        grant=grant,
        perform=deps.perform,
    )


def _alarm(turn: Turn, screening: Screening, language: str) -> Ending | None:
    """How a burst ends that must not be answered: danger first, then spam, abuse, and what has to be looked at."""
    if screening.distress >= DISTRESS:
        return in_distress(language)
    # "unsubscribe" stands in spam too; as the whole message it is a wish, and `understand` answers it.
    if screening.verdict.label == "spam" and not (turn.cleared or reading.opts_out(turn)):
        return hand_off("spam")
    if screening.abuse >= ABUSE:
        return hand_off("sensitive")
    return hand_off("media") if reading.has_media(turn) and turn.filling is None else None


def _without_words(state: State, deps: Deps) -> State:
    """A burst with nothing to read: a form may have asked for the photo, else a human looks at it."""
    turn = state["turn"]
    if turn.filling is not None and reading.has_media(turn):
        if deps.coming is not None:
            deps.coming()
        return {"screening": Screening(), "language": turn.language or turn.guidance.languages[0]}
    language = turn.language or turn.guidance.languages[0]
    asked = please_write(turn, language)
    if asked is not None:
        if asked.decision == "clarify" and deps.coming is not None:
            deps.coming()
        return {"screening": Screening(), "language": language, "ending": asked}
    return {"ending": without_text({message.kind for message in turn.burst})}


def _without_embedding(before: Trouble | None = None) -> State:
    """To a human: nothing can be looked up or weighed. A trouble before this one is the one to tell."""
    return {"ending": hand_off("model_failed"), "trouble": before or "embedding"}


def _hand_off_called(draft: Draft) -> Draft:
    """The draft, where it calls the tool `hand_off`, as the decision that it means."""
    called = next((call for call in draft.tool_calls if call.name == handoff.NAME), None)
    if called is None:
        return draft
    reason = called.arguments.get("reason")
    known = reason if reason in handoff.REASONS else "no_answer"
    return draft.model_copy(update={"decision": "hand_off", "reason": known, "tool_calls": ()})


def _note(draft: Draft) -> str:
    """What the model wants the colleague to know."""
    called = next((call for call in draft.tool_calls if call.name == handoff.NAME), None)
    return str(called.arguments.get("summary") or "") if called else ""


def _asked(state: State, asking: Ending, call: ToolCall) -> State:
    """The question to the customer; what they ask beside their request is thought about first."""
    questions = beside.left_open(state.get("beside", ()), call) if asking.decision == "clarify" else ()
    if not questions:
        return {"ending": asking}
    return {"asking": asking, "parts": questions, "found": several.together(state["found"], questions)}


def _context(state: State, deps: Deps, key: str) -> ToolContext:
    turn = state["turn"]
    return ToolContext(
        key=key,
        conversation_id=turn.conversation_id,
        contact_id=turn.contact_id,
        language=state["language"],
        now=turn.now,
        store=deps.store,
        guidance=turn.guidance,
    )


def _after_calls(state: State, deps: Deps, calls: list[ToolCall]) -> State:
    """Where calls lead: a failure to a human, a refusal or proposal to the customer, a confirmed call to its result."""
    if any(call.state == "failed" for call in calls):
        return {"ending": hand_off("tool_failed")}
    proposed = next((call for call in calls if call.state == "proposed"), None)
    refused = refusal(calls, state["language"])
    if refused is not None:
        return {"ending": refused}
    if proposed is not None and "asking" not in state:
        return _asked(state, ask(proposed, deps.toolbox.questions(proposed.name), state["language"]), proposed)
    if state.get("draft") is not None:
        return {}
    if any(call.state == "refused" for call in calls):
        return {"ending": hand_off("rule")}
    return {"preface": calls[0].result or say("done", state["language"])}
