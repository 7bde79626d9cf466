"""The embedded chat model: it quotes the best supported sentences of the documents and invents nothing.

Needs no server and no key. It must not know thresholds for replying: how far to trust a quote is decided after it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.beside import matter_of
from agent.choosing import choices_of
from agent.language.concepts import told
from agent.language.facts import facts
from agent.language.phrases import quote_frame, say
from agent.language.sought import named, sought
from agent.language.words import tokens, words
from agent.reading.proposing import propose
from knowledge.chunk import sentences
from sahut.brief import Brief, Draft, Sentence
from sahut.found import Citation, Passage
from sahut.ports import Embedder
from sahut.toolcall import ToolCall

NAME = "extractive"
MOST_CHARACTERS = 480  # of quotes; with its frame the answer fits a phone's screen
_LEAST_SHARE = 240  # of each of several questions
MOST_SENTENCES = 4
PASSAGES_READ = 8
LOOKED_AT = 10  # sentences that are embedded; measured, more of them change no answer

# Weights of what speaks for a sentence, chosen on half of the suite `support`, on `office` and on what is asked of the
# made-up organisations (docs/retrieval.md).
W_WORDS = 1.25  # share of what the question speaks of that the sentence speaks of, or its headings
W_PASSAGE = 0.5  # retrieval's own score
W_FOUND_FIRST = 0.25  # it stands in the passage that retrieval puts first
W_CONTEXT = 1.0  # cosine of the question and the sentence under its heading
W_MEANING = 1.3  # cosine of the question and the sentence alone
W_HEADINGS = 0.55  # cosine of the question and the headings
W_SOUGHT = 0.75  # the kind of thing that the question seeks: a place, a sum, a time
W_FIGURE = 0.2  # a figure, where the question asks how much, how long or when
W_LANGUAGE = 0.1  # the customer's own language
ALSO_WITHIN = 0.45  # how far behind the best sentence another one of the passage may lie to be quoted too
_FIGURE = re.compile(r"\d")

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """A span that could be quoted. `start` and `end` are offsets in the version's text."""

    passage: Passage
    text: str
    start: int
    end: int

    @property
    def headings(self) -> str:
        """The headings it stands under, the document's title first."""
        return ". ".join(dict.fromkeys((self.passage.title, *self.passage.headings)))

    @property
    def context(self) -> str:
        """The sentence under its nearest heading: alone it rarely names its subject."""
        nearest = self.passage.headings[-1] if self.passage.headings else self.passage.title
        return f"{nearest}. {self.text}"

    @property
    def citation(self) -> Citation:
        """The span as a receipt wants it."""
        passage = self.passage
        return Citation(
            document=passage.document,
            version=passage.version,
            start=self.start,
            end=self.end,
            quote=self.text,
            title=passage.title,
        )


class Extractive:
    """A `ChatModel` without a model: proposes the tool that is asked for, else quotes, else calls a human."""

    name = NAME

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def think(self, brief: Brief) -> Draft:
        """A draft of verbatim quotes, a proposed tool call, or `hand_off` where there is nothing to quote."""
        told = [call for call in brief.done if call.state == "done" and call.result]
        if told:
            said = [Sentence(text=call.result, tools=(call.key,)) for call in told]
            return self._draft(*said, *beside(told, brief), *await self._answers(brief))
        story, request = matter_of(brief)
        proposal = await propose(story, brief.tools, self._embedder, brief.turn.known, request=request)
        if proposal is not None and not any(call.name == proposal.name for call in brief.done):
            return Draft(decision="reply", tool_calls=(proposal,), model=self.name)
        answers = await self._answers(brief)
        if answers:
            return self._draft(*answers)
        choices = choices_of(brief)
        if choices:
            asked = (Sentence(text=say("which", brief.language)),)
            return Draft(decision="clarify", sentences=asked, choices=choices, model=self.name)
        chosen, scores = await self._choose(brief)
        if not chosen:
            return Draft(decision="hand_off", reason="no_answer", model=self.name)
        return self._draft(*quoted(chosen, brief.language), scores=scores)

    async def _answers(self, brief: Brief) -> list[Sentence]:
        """What is quoted to each of several questions."""
        return [sentence for at in range(len(brief.parts)) for sentence in await self._answer(brief, at)]

    async def _answer(self, brief: Brief, at: int) -> tuple[Sentence, ...]:
        """What is quoted to one of several questions: less, since all of them share one message."""
        part = brief.parts[at]
        alone = brief.model_copy(update={"question": part.found.question, "passages": part.found.passages})
        most = max(_LEAST_SHARE, MOST_CHARACTERS // len(brief.parts))
        chosen, _ = await self._choose(alone, asked=part.text, most=most)
        return quoted(chosen, brief.language, part=at) if chosen else ()

    def _draft(self, *said: Sentence, scores: dict[str, float] | None = None) -> Draft:
        return Draft(decision="reply", sentences=said, model=self.name, exchange=dict(scores or {}))

    async def _choose(
        self, brief: Brief, *, asked: str = "", most: int = MOST_CHARACTERS
    ) -> tuple[list[Candidate], dict[str, float]]:
        """What to quote to what the customer asked (by default, their whole message), and by how much it won."""
        candidates = [one for passage in brief.passages[:PASSAGES_READ] for one in candidates_of(passage)]
        if not candidates:
            return [], {}
        # A follow-up is asked twice, with the question before it and alone: its own words are what is new.
        questions = list(dict.fromkeys((brief.question, asked or brief.turn.text.strip() or brief.question)))
        at_sight = score_at_sight(candidates, questions, brief.language)
        looked_at = np.argsort(-at_sight, kind="stable")[:LOOKED_AT]
        candidates = [candidates[at] for at in looked_at]
        scores = at_sight[looked_at] + await self._likeness(candidates, questions)
        best = int(scores.argmax())
        others = [s for one, s in zip(candidates, scores, strict=True) if one.passage != candidates[best].passage]
        margin = float(scores[best]) - max(map(float, others), default=0.0)
        return quote(candidates, scores, best, most), {"score": float(scores[best]), "margin": margin}

    async def _likeness(self, candidates: list[Candidate], asked: list[str]) -> Scores:
        looks = [(one.text, one.context, one.headings) for one in candidates]
        vectors = await self._embedder.embed([*asked, *(text for texts in zip(*looks, strict=True) for text in texts)])
        likeness = (vectors[len(asked) :] @ vectors[: len(asked)].T).mean(axis=1)
        alone, in_context, above = np.split(likeness, 3)
        return np.asarray(W_MEANING * alone + W_CONTEXT * in_context + W_HEADINGS * above, dtype=np.float32)


def beside(told: Sequence[ToolCall], brief: Brief) -> list[Sentence]:
    """What a document says of the telephone number that a tool told: the customer can compare the two."""
    for call in told:
        numbers = {fact for fact in facts(call.result) if fact.kind == "phone"}
        for one in (one for passage in brief.passages for one in candidates_of(passage)):
            if numbers & facts(one.text):
                source = one.passage
                frame = quote_frame(source.title, brief.language, source.language)
                text = f"{frame} {' '.join(one.text.split())}"
                return [Sentence(text=text, citations=(one.citation,), tools=(call.key,))]
    return []


def candidates_of(passage: Passage) -> list[Candidate]:
    """The sentences of a passage; the whole of it where its heading is the question that it answers."""
    spans = sentences(passage.text)
    if passage.headings and passage.headings[-1].rstrip().endswith("?") and spans:
        fitting = [end for _, end in spans if end - spans[0][0] <= MOST_CHARACTERS] or [spans[0][1]]
        spans = [(spans[0][0], fitting[-1])]
    return [
        Candidate(passage, passage.text[start:end], passage.start + start, passage.start + end) for start, end in spans
    ]


def score_at_sight(candidates: list[Candidate], asked: list[str], language: str) -> Scores:
    """What can be told without embedding anything; enough to leave most candidates aside."""
    shared: Scores = np.mean([word_shares(question, candidates) for question in asked], axis=0, dtype=np.float32)
    total: Scores = W_WORDS * shared
    total += W_PASSAGE * np.array([one.passage.score for one in candidates], dtype=np.float32)
    total += W_LANGUAGE * np.array([one.passage.language == language for one in candidates], dtype=np.float32)
    total += W_FOUND_FIRST * np.array([one.passage == candidates[0].passage for one in candidates], dtype=np.float32)
    if wants_figure(asked[0]):
        total += W_FIGURE * np.array([bool(_FIGURE.search(one.text)) for one in candidates], dtype=np.float32)
    if kinds := sought(asked[-1]) or sought(asked[0]):
        total += W_SOUGHT * np.array([named(kinds, one.text) for one in candidates], dtype=np.float32)
    return total


def word_shares(question: str, candidates: list[Candidate]) -> Scores:
    """For each candidate the share of what the question speaks of; what few candidates speak of weighs more.

    What only the headings say counts half; what no candidate speaks of weighs most, and nobody gets it.
    """
    asked = told(question)
    own = [told(one.text) & asked for one in candidates]
    above = [told(one.headings) & asked for one in candidates]
    seen = Counter(word for mine, upper in zip(own, above, strict=True) for word in mine | upper)
    weight = {word: float(np.log1p(len(candidates) / max(1, seen[word]))) for word in asked}
    total = sum(weight.values()) or 1.0
    shares = [
        sum(weight[word] for word in mine) + sum(weight[word] for word in upper - mine) / 2
        for mine, upper in zip(own, above, strict=True)
    ]
    return np.array(shares, dtype=np.float32) / np.float32(total)


def wants_figure(question: str) -> bool:
    """Whether the question asks how much, how many, how long or when."""
    row = tokens(question)
    asking = words("asks_figure")
    return any(tuple(row[at : at + n]) in asking for at in range(len(row)) for n in (1, 2, 3))


def quoted(chosen: list[Candidate], language: str, *, part: int | None = None) -> tuple[Sentence, ...]:
    """The quotes of one passage with the sentence that says where they stand."""
    source = chosen[0].passage
    frame = Sentence(
        text=quote_frame(source.title, language, source.language), citations=(chosen[0].citation,), part=part
    )
    return (
        frame,
        *(Sentence(text=" ".join(one.text.split()), citations=(one.citation,), part=part) for one in chosen),
    )


def quote(candidates: list[Candidate], scores: Scores, best: int, most: int = MOST_CHARACTERS) -> list[Candidate]:
    """The best sentence and those of its passage that come close, in the text's order, as far as they fit."""
    first = candidates[best]
    near = sorted(
        (at for at, one in enumerate(candidates) if one.passage == first.passage and at != best),
        key=lambda at: -float(scores[at]),
    )
    chosen, room = [best], most - len(first.text)
    for at in near[: MOST_SENTENCES - 1]:
        length = len(candidates[at].text)
        if length <= room and scores[at] >= scores[best] - ALSO_WITHIN:
            chosen.append(at)
            room -= length
    return sorted((candidates[at] for at in chosen), key=lambda one: one.start)
