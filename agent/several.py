"""Several questions in one message: each is looked up and weighed for itself, and all that is sure is one answer.

A reply is not surer than the weakest part of it that is sent. Where a part stays open the turn is handed off with the
parts that are answered, so that nobody waits for what is known. Must not know a model.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agent.asking import with_question
from agent.authority import is_subverted
from agent.checking.check import Checked, join
from agent.checking.features import features_of, within
from agent.deciding import ANSWERABLE_FLOOR, unanswered
from agent.language.phrases import say
from agent.reading.burst import continues
from agent.reading.parts import MOST, Part, parts_of
from agent.screening.circumstances import is_flood
from agent.state import Deps, Ending, State
from sahut.brief import Sentence
from sahut.found import Asked, Passage, SearchResult
from sahut.ports import Embedder
from sahut.turn import Reason

PASSAGES = 8
# What a chat model is given to read for all of them together.
MOST_PASSAGES = 12


@dataclass(frozen=True)
class Weighed:
    """A part with what the draft says to it, how sure that is, and why it stays open, if it does."""

    part: Asked
    sentences: tuple[Sentence, ...] = ()
    sure: float = 0.0
    features: dict[str, float] = field(default_factory=dict)
    open: Reason | None = None


async def look_up(state: State, deps: Deps) -> tuple[Asked, ...]:
    """The questions of the message with what was found for each; empty where there are not several.

    In the middle of a form, in a flood and under an injection a message is taken as a whole. Raises `ModelFailed`.
    """
    parts = parts_of(state["message"])
    found = await found_for(parts[:MOST], state, deps)
    if not found:
        return ()
    left = (Asked(text=part.asked, found=SearchResult(question=part.asked, answerable=0.0)) for part in parts[MOST:])
    return (*found, *left)


async def found_for(parts: Sequence[Part], state: State, deps: Deps) -> tuple[Asked, ...]:
    """The questions with what was found for each; none where a message is taken as a whole. Raises `ModelFailed`."""
    turn = state["turn"]
    if turn.filling is not None or is_flood(turn) or is_subverted(state):
        return ()
    searches = (
        search(part.question, part.asked, deps, top=PASSAGES, within=turn.guidance.answers_from) for part in parts
    )
    found = await asyncio.gather(*searches)
    return tuple(Asked(text=part.asked, found=one) for part, one in zip(parts, found, strict=True))


async def search(question: str, asked: str, deps: Deps, *, top: int, within: Collection[str] | None) -> SearchResult:
    """What is found for a question, with what it seems to lean on or as it was asked: whichever the documents answer.

    A few words that do not say that they go on may be a new question ("STNK hilang"). Raises `ModelFailed`.
    """
    found = await deps.retriever.search(question, top=top, collections=within)
    if question != asked and not continues(asked):
        alone = await deps.retriever.search(asked, top=top, collections=within)
        found = alone if alone.answerable >= found.answerable else found
    return found


def together(whole: SearchResult, parts: Sequence[Asked]) -> SearchResult:
    """The passages of all parts, the best of each first, then those of the whole message."""
    if not parts:
        return whole
    rows = [one.found.passages for one in parts] + [whole.passages]
    deepest = max(map(len, rows))
    ranked = [row[rank] for rank in range(deepest) for row in rows if rank < len(row)]
    once = {(one.document, one.version, one.start, one.end): one for one in reversed(ranked)}
    order = list(dict.fromkeys((one.document, one.version, one.start, one.end) for one in ranked))
    surest = max(one.found.answerable for one in parts)
    return whole.model_copy(
        update={
            "passages": tuple(once[key] for key in order[:MOST_PASSAGES]),
            "answerable": max(whole.answerable, surest),
        }
    )


def retrievals(searches: Iterable[SearchResult]) -> tuple[dict[str, Any], ...]:
    """What a replay needs of the searches."""
    return tuple(
        {
            "kind": "retrieval",
            "question": one.question,
            "answerable": one.answerable,
            "passages": [{"chunk": passage.chunk, "score": passage.score} for passage in one.passages],
        }
        for one in searches
    )


async def weigh(state: State, checked: Checked, deps: Deps) -> State:
    """How a turn with several questions ends, by what the checked draft says to each. Raises `ModelFailed`."""
    parts, turn = state["parts"], state["turn"]
    placed = await _placed(checked.sentences, parts, deps.embedder)
    enough = deps.calibration.threshold(turn.guidance.max_wrong, state["language"])
    weighed = [await _weighed(part, said, state, enough, deps) for part, said in zip(parts, placed, strict=True)]
    sent = [one for one in weighed if one.open is None]
    left = [one for one in weighed if one.open is not None]
    noted = [{"asked": one.part.text, "confidence": one.sure, "open": one.open} for one in weighed]
    found: State = {"exchanges": ({"kind": "parts", "parts": noted},), "calibration": deps.calibration.version}
    weakest = min(sent or weighed, key=lambda one: one.sure)
    found |= {"features": weakest.features, "confidence": weakest.sure}
    if "asking" in state:
        text, said = _together(sent)
        return found | {"ending": with_question(state, text, said, [one.part.text for one in left])}
    if not sent:
        return found | {"ending": unanswered(state, left[0].open or "no_answer")}
    return found | {"ending": _ending(state, sent, left)}


def _together(sent: Sequence[Weighed]) -> tuple[str, list[Sentence]]:
    """Every part that is sure as one text, nothing twice, and all that it stands on."""
    said: list[Sentence] = []
    paragraphs: list[str] = []
    for one in sent:
        fresh = [sentence for sentence in one.sentences if sentence.text not in {before.text for before in said}]
        # A frame alone ("Our document says:") is left where all that it introduced was said above.
        if any(not sentence.text.rstrip().endswith(":") for sentence in fresh):
            paragraphs.append(join(fresh))
        said += one.sentences
    return "\n\n".join(paragraphs), said


def _ending(state: State, sent: Sequence[Weighed], left: Sequence[Weighed]) -> Ending:
    """One message with every part that is sure; a human for what is open."""
    text, said = _together(sent)
    if not left:
        return Ending("reply", text, sentences=tuple(said))
    questions = [one.part.text for one in left]
    asked = " ".join(f"“{question}”" for question in questions)
    return Ending(
        "hand_off",
        f"{text}\n\n{say('open_part', state['language'], question=asked)}",
        reason="model_failed" if state.get("trouble") else left[0].open,
        sentences=tuple(said),
        suggestion=" ".join(join(one.sentences) for one in left if one.open == "low_confidence"),
        open_parts=tuple(questions),
    )


async def _weighed(part: Asked, said: Sequence[Sentence], state: State, enough: float, deps: Deps) -> Weighed:
    """A part, weighed as a whole draft is."""
    # Where a tool has told it, nothing need be quoted beside it.
    proven = tuple(sentence for sentence in said if sentence.tools)
    if proven and all(sentence.tools or sentence.part is not None for sentence in said):
        return Weighed(part, proven, 1.0)
    checked = Checked(tuple(said), ())
    if not checked.citations or part.found.answerable < ANSWERABLE_FLOOR:
        return Weighed(part, open="no_answer")
    features = await features_of(
        part.found.question, found=part.found, checked=checked, draft=state["draft"], embedder=deps.embedder
    )
    sure = deps.calibration.probability(features)
    return Weighed(part, checked.sentences, sure, features, None if sure >= enough else "low_confidence")


async def _placed(sentences: Sequence[Sentence], parts: Sequence[Asked], embedder: Embedder) -> list[list[Sentence]]:
    """The sentences by the part that they answer: by the draft's word, by what they cite, else by their meaning."""
    placed: list[list[Sentence]] = [[] for _ in parts]
    unsure = [one for one in sentences if one.part is None]
    vectors = await embedder.embed([*(part.found.question for part in parts), *(one.text for one in unsure)])
    likeness = iter(vectors[len(parts) :] @ vectors[: len(parts)].T)
    for sentence in sentences:
        at = sentence.part
        if at is None:
            near = next(likeness)
            at = _citing(sentence, parts)
            at = int(np.argmax(near)) if at is None else at
        placed[at].append(sentence)
    return placed


def _citing(sentence: Sentence, parts: Sequence[Asked]) -> int | None:
    """The one part for which what the sentence cites was found; `None` where it is none or several."""
    found = [
        at
        for at, part in enumerate(parts)
        if any(within(span, passage) for span in sentence.citations for passage in _best(part.found.passages))
    ]
    return found[0] if len(found) == 1 else None


def _best(passages: Sequence[Passage]) -> Sequence[Passage]:
    return passages[:3]
