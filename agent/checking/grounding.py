"""How likely a sentence says what its sources say: for prose, where there is no figure to compare. Decides nothing.

A small logistic, fitted by `python -m evals.grounding` on sentences written for the sample handbook in five languages,
half of them true to their source and half plausible and made up; figures in `docs/grounding.md`. What stands in a
source word for word is certain.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agent.checking.check import Checked, results_of
from agent.checking.features import word_likeness
from agent.language.phrases import is_goodbye, is_greeting, is_thanks
from agent.language.words import tokens, words
from knowledge.chunk import sentences
from sahut.brief import Sentence
from sahut.ports import Embedder
from sahut.toolcall import ToolCall

# By the embedder that they were fitted for: cosines of another one mean something else.
FITTED_FOR = "use-multilingual-v3"
BIAS = -3.99
WEIGHTS: Mapping[str, float] = {
    "meaning": 5.79,  # cosine with the nearest sentence of the sources
    "told": 1.98,  # how well it speaks of each telling word of that sentence, in the mean
    "turned": -2.46,  # one of the two denies or limits something, the other does not
}
# Below it a sentence is taken out. Few true ones are lost there; see `docs/grounding.md`.
LEAST = 0.2


async def likelihood(text: str, sources: Sequence[str], embedder: Embedder) -> float:
    """The probability that `text` says what the sources say; 0 where there is none."""
    if not sources:
        return 0.0
    if any(" ".join(text.split()).casefold() in " ".join(source.split()).casefold() for source in sources):
        return 1.0
    return probability(await features(text, sources, embedder))


async def features(text: str, sources: Sequence[str], embedder: Embedder) -> dict[str, float]:
    """What speaks for and against it; each in [0, 1]."""
    parts = [source[a:b] for source in sources for a, b in sentences(source)] or list(sources)
    vectors = await embedder.embed([text, *parts])
    nearest = parts[int(np.argmax(vectors[1:] @ vectors[0]))]
    told = await word_likeness(nearest, text, embedder)
    return {
        "meaning": max(0.0, float(np.max(vectors[1:] @ vectors[0]))),
        "told": float(np.mean(told)) if told else 0.5,
        "turned": float(denies(text) != denies(nearest)),
    }


def probability(found: Mapping[str, float]) -> float:
    """The fitted probability of the features."""
    return 1 / (1 + math.exp(-(BIAS + sum(weight * found[name] for name, weight in WEIGHTS.items()))))


def denies(text: str) -> bool:
    """Whether something is denied or limited in it."""
    return any((word,) in words("denial") for word in tokens(text))


async def grounded(checked: Checked, calls: Sequence[ToolCall], embedder: Embedder) -> Checked:
    """Without the sentences that their sources do not say.

    One that names no source is held against those of the whole reply; questions, courtesies and what introduces the
    next sentence claim nothing. Under another embedder than the fitted one everything stays.
    """
    if embedder.name != FITTED_FOR:
        return checked
    results = results_of(calls)
    everything = [text for sentence in checked.sentences for text in _sources(sentence, results)]
    kept: list[Sentence] = []
    removed = list(checked.removed)
    for sentence in checked.sentences:
        sources = _sources(sentence, results) or everything
        if _claims_nothing(sentence.text) or await likelihood(sentence.text, sources, embedder) >= LEAST:
            kept.append(sentence)
        else:
            removed.append(sentence.text)
    return Checked(tuple(kept), tuple(removed))


def _claims_nothing(text: str) -> bool:
    """Whether all of it is a question, a courtesy or an introduction: what a model calls a sentence may be several."""
    return all(_is_idle(text[start:end].strip()) for start, end in sentences(text))


def _is_idle(said: str) -> bool:
    return said.endswith((":", "?")) or is_greeting(said) or is_thanks(said) or is_goodbye(said)


def _sources(sentence: Sentence, results: Mapping[str, str]) -> list[str]:
    told = (results[key] for key in sentence.tools if key in results)
    return [*(span.quote for span in sentence.citations), *told]
