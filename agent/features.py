"""The features that a reply's confidence is made of. Knows no weights."""

import numpy as np

from agent.check import Checked
from knowledge.lexical import stems
from sahut.ports import Embedder
from sahut.turn import Draft, Passage, SearchResult

UNKNOWN = 0.5


async def features_of(
    question: str,
    *,
    language: str,
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
    cited = [p for p in found.passages if any(c.document == p.document and c.version == p.version for c in citations)]
    scores = [passage.score for passage in found.passages]
    others = [p.score for p in found.passages if p not in cited]
    likeness = float(np.max(vectors[1:] @ vectors[0])) if quotes else 0.0
    return {
        "answerable": found.answerable,
        "top": max(scores, default=0.0),
        "margin": max(0.0, max((p.score for p in cited), default=0.0) - max(others, default=0.0)),
        "likeness": max(0.0, likeness),
        "coverage": coverage(question, quotes, cited),
        "support": checked.support,
        "same_language": float(any(passage.language == language for passage in cited)),
        "own": draft.confidence if draft.confidence is not None else UNKNOWN,
    }


def coverage(question: str, quotes: list[str], cited: list[Passage]) -> float:
    """The share of the question's words, by stem, that the quotes hold or that stand above them."""
    asked = {stem for stem in stems(question) if len(stem) > 2 or stem.isdigit()}
    above = [text for passage in cited for text in (passage.title, *passage.headings)]
    held = {stem for text in (*quotes, *above) for stem in stems(text)}
    return len(asked & held) / len(asked) if asked else 0.0
