"""Finds the span of a source that supports a sentence best; pure, knows no model."""

from agent.language.facts import Fact, facts
from knowledge.chunk import sentences
from knowledge.lexical import stems
from sahut.found import Citation, Passage

MOST_SPANS = 3
_FACT = 3  # a shared number, date or link tells more than a shared word
_LEAST_GAIN = 3  # what a further span must add: a fact, or three words


def cite(text: str, passage: Passage) -> tuple[Citation, ...]:
    """The spans of the passage that share most with `text`, in the passage's order.

    Where nothing is shared, as across languages, the whole passage is cited: better too wide than wrong.
    """
    spans = sentences(passage.text)
    wanted_words, wanted_facts = set(stems(text)), set(facts(text))
    chosen: list[tuple[int, int]] = []
    while len(chosen) < MOST_SPANS:
        gains = [(_gain(passage.text[a:b], wanted_words, wanted_facts), -a, (a, b)) for a, b in spans]
        gain, _, best = max(gains, default=(0, 0, (0, 0)))
        if gain < (_LEAST_GAIN if chosen else 1):
            break
        chosen.append(best)
        wanted_words -= set(stems(passage.text[best[0] : best[1]]))
        wanted_facts -= set(facts(passage.text[best[0] : best[1]]))
    return tuple(_citation(passage, a, b) for a, b in sorted(chosen or _whole(spans)))


def _gain(span: str, wanted_words: set[str], wanted_facts: set[Fact]) -> int:
    return len(wanted_words & set(stems(span))) + _FACT * len(wanted_facts & facts(span))


def _whole(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(spans[0][0], spans[-1][1])] if spans else []


def _citation(passage: Passage, start: int, end: int) -> Citation:
    return Citation(
        document=passage.document,
        version=passage.version,
        start=passage.start + start,
        end=passage.start + end,
        quote=passage.text[start:end],
        title=passage.title,
    )
