"""The features that a reply's confidence is made of. Knows no weights."""

from collections.abc import Sequence

import numpy as np

from agent.checking.check import Checked
from agent.language.concepts import telling
from agent.language.sought import named, sought
from sahut.brief import Draft
from sahut.found import Citation, Passage, SearchResult
from sahut.ports import Embedder

UNKNOWN = 0.5


async def features_of(
    question: str,
    *,
    found: SearchResult,
    checked: Checked,
    draft: Draft,
    embedder: Embedder,
) -> dict[str, float]:
    """What speaks for and against a checked draft; each feature in [0, 1].

    The embedder remembers the vectors of the question and of what was quoted, so they cost hardly anything.
    """
    citations = checked.citations
    quotes = [citation.quote for citation in citations]
    vectors = await embedder.embed([question, *quotes])
    cited = [passage for passage in found.passages if any(within(span, passage) for span in citations)]
    above = [text for passage in cited for text in (passage.title, *passage.headings)]
    words = await word_likeness(question, " ".join([*quotes, *above]), embedder)
    return {
        "answerable": found.answerable,
        "likeness": max(0.0, float(np.max(vectors[1:] @ vectors[0]))) if quotes else 0.0,
        "words": float(np.mean(words)) if words else UNKNOWN,
        "weakest": min(words, default=UNKNOWN),
        "sought": _names_what_is_sought(question, quotes),
        "support": checked.support,
        "own": draft.confidence if draft.confidence is not None else UNKNOWN,
    }


def _names_what_is_sought(question: str, quotes: Sequence[str]) -> float:
    """1 where a quote names a thing of the kind that is sought, 0 where none does; unknown where none is sought."""
    kinds = sought(question)
    return max((named(kinds, quote) for quote in quotes), default=0.0) if kinds else UNKNOWN


def within(span: Citation, passage: Passage) -> bool:
    """Whether the cited span lies in the passage."""
    same = span.document == passage.document and span.version == passage.version
    return same and passage.start <= span.start and span.end <= passage.end


async def word_likeness(question: str, text: str, embedder: Embedder) -> list[float]:
    """For each telling word of the question how well the text speaks of it: 1 where it does, else the nearest cosine.

    A question about electric cars is not answered by a text about cars: the word that nothing comes near to tells.
    """
    asked, said = telling(question), telling(text)
    meanings = set(said.values())
    open_words = [word for word, meaning in asked.items() if meaning not in meanings]
    if not open_words or not said:
        return [0.0 if not said else 1.0] * len(asked)
    vectors = await embedder.embed([*open_words, *said])
    nearest = (vectors[: len(open_words)] @ vectors[len(open_words) :].T).max(axis=1)
    return [1.0] * (len(asked) - len(open_words)) + [max(0.0, float(value)) for value in nearest]
