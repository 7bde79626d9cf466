"""The nodes of the graph: each takes the state, does one thing, and gives back what it found or an ending.

Authority comes from the screening alone: no draft, document or customer can raise it. Nothing here knows a
channel, and nothing is written except through the toolbox's own journal.
"""

import asyncio
import re

from langgraph.runtime import Runtime

from agent import confidence, reading
from agent.asking import ask
from agent.check import Checked, check, join
from agent.facts import facts
from agent.features import features_of
from agent.phrases import say
from agent.state import Deps, Ending, State
from sahut.errors import ModelFailed
from sahut.tool import ToolContext
from sahut.turn import Brief, Draft, Reason, ToolCall, ToolCard, Usage
from tools import handoff
from tools.toolbox import call_key

WANTS_HUMAN = 0.5
INJECTION = 0.5
PASSAGES = 8
MOST_ROUNDS = 4
SMALL_TALK_CHARACTERS = 300
QUESTION_CHARACTERS = 200
MOST_CHARACTERS = 2000
# Below this the documents do not hold the answer, whatever a model says.
ANSWERABLE_FLOOR = 0.1
_SENTENCE_END = re.compile(r"[.!?]\s")


async def screen(state: State, runtime: Runtime[Deps]) -> State:
    """Silence for what asks nothing, a human for what cannot be read, and the screen's verdict on the text."""
    turn, deps = state["turn"], runtime.context
    if not turn.text:
        return {"ending": _without_text({message.kind for message in turn.burst})}
    screening = await deps.screen.screen(turn.text, hint=turn.language, spam_threshold=turn.guidance.spam_threshold)
    found: State = {
        "screening": screening,
        "language": reading.language(screening.language, turn),
        "exchanges": ({"kind": "screening", "result": screening.model_dump(mode="json")},),
    }
    if turn.confirmation is not None and deps.perform:
        earlier = await deps.toolbox.finished(turn.confirmation.id, deps.store)
        if earlier is not None:
            found |= {"calls": (earlier,), "preface": earlier.result}
    # "unsubscribe" stands in spam too; as the whole message it is a wish, and `understand` answers it.
    if screening.verdict.label == "spam" and not reading.opts_out(turn):
        found["ending"] = _hand_off("spam")
    elif reading.has_media(turn):
        found["ending"] = _hand_off("media")
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
    if answer == "no" and not texts:
        return {"ending": Ending("reply", say("cancelled", language))}
    ending = _without_search(state, texts)
    if ending is not None:
        return {"ending": ending}
    # A pasted novel is read by humans, in the conversation; here it must not cost the others' seconds.
    message = "\n".join(text for text in texts if not reading.small_talk(text))[:MOST_CHARACTERS]
    if not message:
        return {"ending": Ending("reply", "" if preface else _small_talk(state, texts))}
    if not reading.says_something(message):
        return {"ending": Ending("silent") if reading.asked_back(turn) else Ending("clarify", say("clarify", language))}
    return {"message": message, "question": reading.question(message, turn)}


async def retrieve(state: State, runtime: Runtime[Deps]) -> State:
    """The passages that may hold the answer.

    A few words that do not say that they go on may be a new question ("STNK hilang"), so they are searched alone too.
    """
    deps, question, message = runtime.context, state["question"], state["message"]
    try:
        found = await deps.retriever.search(question, top=PASSAGES)
        if question != message and not reading.continues(message) and not reading.asked_back(state["turn"]):
            alone = await deps.retriever.search(message, top=PASSAGES)
            found = alone if alone.answerable >= found.answerable else found
    except ModelFailed:
        return {"ending": _hand_off("model_failed")}
    seen = [{"chunk": passage.chunk, "score": passage.score} for passage in found.passages]
    exchange = {"kind": "retrieval", "question": found.question, "answerable": found.answerable, "passages": seen}
    return {"found": found, "question": found.question, "exchanges": (exchange,)}


async def think(state: State, runtime: Runtime[Deps]) -> State:
    """A draft by the model in the time that is left, else by the fallback: the customer never meets silence."""
    deps, rounds = runtime.context, state.get("rounds", 0)
    brief, failures = _brief(state, deps), []
    draft: Draft | None = None
    degraded = state.get("degraded", False)
    if not degraded and not _is_subverted(state) and rounds < MOST_ROUNDS:
        try:
            async with asyncio.timeout_at(state["deadline"]):
                draft = await deps.model.think(brief)
        except (ModelFailed, TimeoutError) as error:
            failures.append({"kind": "model", "model": deps.model.name, "error": type(error).__name__})
            degraded = True
    try:
        draft = draft or await deps.fallback.think(brief)
    except ModelFailed:
        return {"ending": _hand_off("model_failed"), "exchanges": tuple(failures)}
    return {
        "draft": _hand_off_called(draft),
        "note": _note(draft),
        "degraded": degraded,
        "rounds": rounds + 1,
        "usage": state.get("usage", Usage()) + draft.usage,
        "exchanges": (*failures, {"kind": "model", "model": draft.model, "draft": draft.model_dump(mode="json")}),
    }


async def act(state: State, runtime: Runtime[Deps]) -> State:
    """The tool calls that the customer confirmed or the draft asks for, each under its own key."""
    turn, deps = state["turn"], runtime.context
    draft, waiting = state.get("draft"), turn.confirmation
    if draft is not None:
        wanted = [(call.name, call.arguments, "") for call in draft.tool_calls]
    else:
        wanted = [(waiting.tool, waiting.arguments, waiting.id)] if waiting else []
    calls: list[ToolCall] = []
    for name, arguments, confirmed in wanted:
        key = confirmed or call_key(turn.conversation_id, turn.burst[0].id, name, arguments)
        calls.append(
            await deps.toolbox.call(
                name,
                arguments,
                _context(state, deps, key),
                perform=deps.perform,
                may_write=_may_write(state),
                confirmed=bool(confirmed),
            )
        )
    found: State = {
        "calls": (*state.get("calls", ()), *calls),
        "exchanges": tuple({"kind": "tool", "call": call.model_dump(mode="json")} for call in calls),
    }
    return found | _after_calls(state, deps, calls)


async def check_draft(state: State, runtime: Runtime[Deps]) -> State:
    """What of the draft is supported, how likely it is right, and so whether it is sent."""
    turn, draft = state["turn"], state["draft"]
    found = state["found"]
    checked = check(draft.sentences, found.passages, calls=state.get("calls", ()), message=turn.text)
    text = join(checked.sentences)
    settled = _without_weighing(state, checked, text)
    if settled is not None:
        return {"ending": settled}
    try:
        features = await features_of(
            state["question"], found=found, checked=checked, draft=draft, embedder=runtime.context.embedder
        )
    except ModelFailed:
        return {"ending": _hand_off("model_failed")}
    sure = confidence.probability(features)
    ending = Ending("reply", text, sentences=checked.sentences)
    if found.answerable < ANSWERABLE_FLOOR:
        ending = _unanswered(state, "no_answer")
    elif sure < confidence.threshold(turn.guidance.max_wrong):
        ending = _unanswered(state, "low_confidence")
    return {"features": features, "confidence": sure, "ending": ending}


def _without_text(kinds: set[str]) -> Ending:
    if kinds <= reading.SILENT_KINDS:
        return Ending("silent")
    return Ending("clarify") if kinds <= reading.SILENT_KINDS | {"text"} else _hand_off("media")


def _without_search(state: State, texts: tuple[str, ...]) -> Ending | None:
    """How a burst ends that no document can answer: STOP, a wish for a person, a doubt, or a note taken."""
    if reading.opts_out(state["turn"]):
        return Ending("reply", say("opted_out", state["language"]))
    if state["screening"].wants_human >= WANTS_HUMAN:
        return _hand_off("asked_for_human")
    if reading.objects(state["turn"], texts):
        return _hand_off("low_confidence")
    return _aside(state, texts) if reading.is_aside(state["turn"]) else None


def _hand_off(reason: Reason) -> Ending:
    return Ending("hand_off", reason=reason)


def _small_talk(state: State, texts: tuple[str, ...]) -> str:
    turn, language = state["turn"], state["language"]
    kinds = [kind for text in reversed(texts) if (kind := reading.small_talk(text))]
    return say(kinds[0] if kinds else "thanks_reply", language, organisation=turn.guidance.organisation)


def _aside(state: State, texts: tuple[str, ...]) -> Ending:
    """A word back where words were written; emoji, and what follows our word back, are left to stand."""
    turn, language = state["turn"], state["language"]
    text = _small_talk(state, texts)
    if not reading.last_said(turn):
        return Ending("reply", say("greeting", language, organisation=turn.guidance.organisation))
    silent = not any(map(reading.says_something, texts)) or reading.last_said(turn) == text
    return Ending("silent") if silent else Ending("reply", text)


def _is_subverted(state: State) -> bool:
    return state["screening"].injection >= INJECTION


def _without_weighing(state: State, checked: Checked, text: str) -> Ending | None:
    """How a draft ends whose likelihood need not be weighed."""
    draft = state["draft"]
    if draft.decision == "clarify":
        return _question_back(state, text)
    if draft.decision != "reply":
        return _unanswered(state, draft.reason or "no_answer")
    if draft.small_talk and _is_small_talk(state, text):
        return Ending("reply", text)
    if not checked.support:
        return _unanswered(state, "no_answer")
    proven = all(sentence.tools for sentence in checked.sentences)
    return Ending("reply", text, sentences=checked.sentences) if proven else None


def _question_back(state: State, text: str) -> Ending:
    """A model's question, where it is no more than a question and we have not just asked one."""
    if reading.asked(state["turn"]):
        return _hand_off(state["draft"].reason or "no_answer")
    one = text.endswith("?") and len(text) <= QUESTION_CHARACTERS and not _SENTENCE_END.search(text)
    return Ending("clarify", text) if one else _unanswered(state, state["draft"].reason or "no_answer")


def _is_small_talk(state: State, text: str) -> bool:
    """Whether a model's word for it can be taken: nothing was there to be answered, and nothing is claimed."""
    found = state["found"]
    idle = not found.passages or found.answerable < ANSWERABLE_FLOOR or reading.small_talk(state["message"]) is not None
    return idle and 0 < len(text) <= SMALL_TALK_CHARACTERS and not facts(text)


def _may_write(state: State) -> bool:
    return state["screening"].verdict.label == "fine" and not _is_subverted(state)


def _cards(state: State, deps: Deps) -> tuple[ToolCard, ...]:
    """The tools that this turn may use: none under an injection, no writes where the message is doubtful."""
    if _is_subverted(state):
        return ()
    return tuple(card for card in deps.toolbox.cards if card.effect == "read" or _may_write(state))


def _brief(state: State, deps: Deps) -> Brief:
    """What the model is given. A call that the customer confirmed is told by the preface, not by the model."""
    turn, found = state["turn"], state["found"]
    confirmed = turn.confirmation.id if turn.confirmation else ""
    return Brief(
        turn=turn,
        question=state["question"],
        language=state["language"],
        passages=found.passages,
        answerable=found.answerable,
        tools=_cards(state, deps) if state.get("rounds", 0) < MOST_ROUNDS else (),
        done=tuple(call for call in state.get("calls", ()) if call.key != confirmed),
    )


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


def _context(state: State, deps: Deps, key: str) -> ToolContext:
    turn = state["turn"]
    return ToolContext(
        key=key,
        conversation_id=turn.conversation_id,
        contact_id=turn.contact_id,
        language=state["language"],
        now=turn.now,
        store=deps.store,
    )


def _after_calls(state: State, deps: Deps, calls: list[ToolCall]) -> State:
    """Where calls lead: a failure to a human, a proposal to the customer, a confirmed call to its result."""
    if any(call.state == "failed" for call in calls):
        return {"ending": _hand_off("tool_failed")}
    proposed = next((call for call in calls if call.state == "proposed"), None)
    if proposed is not None:
        return {"ending": ask(proposed, deps.toolbox.spec(proposed.name), state["language"])}
    if state.get("draft") is not None:
        return {}
    if any(call.state == "refused" for call in calls):
        return {"ending": _hand_off("rule")}
    return {"preface": calls[0].result or say("done", state["language"])}


def _unanswered(state: State, reason: Reason) -> Ending:
    """No answer can be sent: ask back where hardly anything was said, else call a human and say why."""
    turn = state["turn"]
    if state.get("degraded"):
        return _hand_off("model_failed")
    if _is_subverted(state):
        return _hand_off("rule")
    leaned = state["question"] != state["message"]
    if reading.is_brief(state["message"]) and not leaned and not reading.asked_back(turn):
        return Ending("clarify", say("clarify", state["language"]))
    return _hand_off(reason)
