"""Sums up what a conversation's history no longer holds: the telling sentences of it, word for word. Pure.

A chat model may do so in its own words; what it says that the conversation does not is taken out. A summary is data:
no source, no word of the customer's for a tool, and no instruction.
"""

from collections.abc import Sequence

from agent.language.concepts import telling
from agent.language.facts import facts, implied
from agent.memory import Count
from agent.reading.burst import says_something, small_talk
from knowledge.chunk import sentences
from sahut.text import cut
from sahut.turn import Line

EXTRACTIVE = "extractive"
SUMMARY_TOKENS = 400
_MOST_CHARACTERS = 200
_MOST_WORDS = 8
_WHO = {"contact": "Customer", "assistant": "Assistant", "operator": "Colleague", "system": "System"}
_FACT, _CUSTOMER = 3, 2  # what a figure, and the customer's own voice, weigh beside a telling word


def summed(lines: Sequence[Line], earlier: str, count: Count, *, budget: int = SUMMARY_TOKENS) -> str:
    """The most telling sentence of each line, one a line, as many as fit, after what was summed up `earlier`."""
    rows = [row for row in earlier.splitlines() if row.strip()]
    rows += [row for line in lines if (row := _row(line))]
    order = sorted(range(len(rows)), key=lambda at: (-_weight(rows[at]), -at))
    chosen: list[int] = []
    for at in order:
        cost = count(rows[at]) + 1
        if cost <= budget:
            chosen.append(at)
            budget -= cost
    return "\n".join(rows[at] for at in sorted(chosen))


def borne_out(text: str, lines: Sequence[Line], earlier: str) -> str:
    """A model's summary without the sentences that name a figure, date or code which nobody has said."""
    said = implied(facts("\n".join((earlier, *(line.content for line in lines)))))
    parts = [" ".join(text[a:b].split()) for a, b in sentences(text)]
    return " ".join(part for part in parts if facts(part) <= said)


def transcript(lines: Sequence[Line], earlier: str) -> str:
    """What is to be summed up, as one text."""
    rows = [f"{_WHO.get(line.author, line.author)}: {' '.join(line.content.split())}" for line in lines]
    return "\n".join((earlier, *rows)) if earlier else "\n".join(rows)


def _row(line: Line) -> str:
    """Who, and the sentence that tells most; empty for courtesies."""
    if small_talk(line.content) or not says_something(line.content):
        return ""
    parts = [" ".join(line.content[a:b].split()) for a, b in sentences(line.content)]
    best = max(parts, key=_weight, default="")
    return f"{_WHO.get(line.author, line.author)}: {cut(best, _MOST_CHARACTERS)}" if best else ""


def _weight(row: str) -> int:
    own = _CUSTOMER if row.startswith(f"{_WHO['contact']}:") else 0
    return min(len(telling(row)), _MOST_WORDS) + _FACT * min(len(facts(row)), 3) + own
