"""What is found in the documents: passages, how likely they hold the answer, and spans that are cited.

Frozen and serialisable, as the turn that they go into. Knows no index and no database.
"""

from pydantic import Field

from sahut.values import Value

# Documents and files of no collection of their own are in this one: every number answers from it.
EVERYWHERE = "default"
# Paths of documents that were written from operators' answers to customers begin with this.
NOTES = "gaps/"


class Passage(Value):
    """What retrieval found; `start` and `end` are code points in the version's text, `text[start:end]`.

    `chunk` is the best of the chunks that it spans. `also` are passages of other documents with the same words.
    """

    chunk: str
    document: str
    title: str
    version: str
    headings: tuple[str, ...] = ()
    text: str
    start: int
    end: int
    score: float
    language: str = "en"
    also: tuple["Passage", ...] = ()


class SearchResult(Value):
    """Passages, best first, and the probability that they hold the answer."""

    question: str
    answerable: float
    passages: tuple[Passage, ...] = ()
    features: dict[str, float] = Field(default_factory=dict)


class Asked(Value):
    """One of several questions of a message, as the customer wrote it, with what was found for it."""

    text: str
    found: SearchResult


class Citation(Value):
    """A span of one version of a document: `version_text[start:end] == quote`. `version` is the content hash."""

    document: str
    version: str
    start: int
    end: int
    quote: str
    title: str = ""
