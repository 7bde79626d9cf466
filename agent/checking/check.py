"""Takes out of a draft what its citations and tool results do not support. Pure: knows no model and no threshold.

The contract: a sentence with a number, date, price, address or link that no citation or tool result supports is
not sent. A number or date that the customer wrote may be repeated beside a supported fact, never alone, and a
customer's link, price or percentage never counts: otherwise "is it 5%?" would make 5% true.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.language.facts import Fact, facts, implied
from sahut.brief import Sentence
from sahut.found import Citation, Passage
from sahut.toolcall import ToolCall

_MAY_BE_REPEATED = ("number", "date", "phone", "code")


@dataclass(frozen=True)
class Checked:
    """What is left of a draft, and what was taken out of it."""

    sentences: tuple[Sentence, ...]
    removed: tuple[str, ...]

    @property
    def support(self) -> float:
        """The share of what is left, by length, that stands on citations or tools."""
        total = sum(len(sentence.text) for sentence in self.sentences)
        grounded = sum(len(sentence.text) for sentence in self.sentences if sentence.citations or sentence.tools)
        return grounded / total if total else 0.0

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every span cited, once, in the order of the sentences."""
        return tuple(dict.fromkeys(span for sentence in self.sentences for span in sentence.citations))


def check(
    sentences: Sequence[Sentence],
    passages: Sequence[Passage],
    *,
    calls: Sequence[ToolCall] = (),
    message: str = "",
) -> Checked:
    """Keep the supported sentences. `calls` are the turn's tool calls."""
    results = results_of(calls)
    kept: list[Sentence] = []
    removed: list[str] = []
    for sentence in sentences:
        real = _with_real_support(sentence, passages, results)
        if not sentence.text.strip() or not _is_supported(real, results, message):
            removed.append(sentence.text)
        else:
            kept.append(real)
    return Checked(tuple(kept), tuple(removed))


def results_of(calls: Iterable[ToolCall]) -> dict[str, str]:
    """What tools said in this turn, by the key of the call."""
    return {call.key: call.result for call in calls if call.state == "done" and call.result}


def exists(citation: Citation, passages: Iterable[Passage]) -> bool:
    """Whether the cited span is really in one of the passages found, character by character."""
    return any(
        passage.document == citation.document
        and passage.version == citation.version
        and passage.start <= citation.start < citation.end <= passage.end
        and passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
        for passage in passages
    )


def join(sentences: Iterable[Sentence]) -> str:
    """The sentences as one text; one that ends with a colon introduces what follows on the next line."""
    text = ""
    for sentence in sentences:
        said = sentence.text.strip()
        text = f"{text}{'' if not text else chr(10) if text.endswith(':') else ' '}{said}"
    return text


def _with_real_support(sentence: Sentence, passages: Sequence[Passage], results: dict[str, str]) -> Sentence:
    return sentence.model_copy(
        update={
            "citations": tuple(span for span in sentence.citations if exists(span, passages)),
            "tools": tuple(key for key in sentence.tools if key in results),
        }
    )


def unsupported(text: str, sources: Iterable[str]) -> frozenset[Fact]:
    """The facts of a text that none of the sources states."""
    claims = facts(text)
    if not claims:
        return claims
    texts = list(sources)
    known = implied(fact for source in texts for fact in facts(source))
    whole = " ".join(texts).casefold()
    return frozenset(claim for claim in claims if claim not in known and not _stands_in(claim, whole))


def _is_supported(sentence: Sentence, results: dict[str, str], message: str) -> bool:
    cited = [text for span in sentence.citations for text in (span.quote, span.title)]
    missing = unsupported(sentence.text, [*cited, *results.values()])
    if not missing:
        return True
    repeated = {fact for fact in implied(facts(message)) if fact.kind in _MAY_BE_REPEATED}
    return missing < facts(sentence.text) and missing <= repeated


def _stands_in(claim: Fact, text: str) -> bool:
    """Whether a name or a code stands in a text that reads on behind it; "B1" does not stand in "AB12"."""
    return claim.kind in ("street", "code") and bool(re.search(rf"(?<!\w){re.escape(claim.value)}(?!\w)", text))
