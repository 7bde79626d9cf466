"""Sees in a customer's words that a tool is wanted, and fills its arguments from those words.

It proposes only: whether a call may happen is the toolbox's to say. Must not know what a tool does.
"""

import re
from collections.abc import Sequence

from agent.words import tokens, words
from sahut.ports import Embedder
from sahut.turn import ToolCall, ToolCard

# Cosine of a clause with a tool's own example phrase from which the customer means the tool. Measured on 48 messages
# in four languages: requests in other words reach .67 and more, other wishes ("I want to request a refund") .65.
ENOUGH_LIKE_AN_EXAMPLE = 0.66
# A clause names the request ("I want to complain"), what stands beside it is the matter.
_CLAUSE = re.compile(r"[.,;:!?\n]+|\s[-–—]\s")
_SHORT = ("topic", "subject", "title")
_WHOLE = ("description", "message", "details", "text")
_LONGEST_TOPIC = 60


async def propose(message: str, tools: Sequence[ToolCard], embedder: Embedder) -> ToolCall | None:
    """The call that the message asks for, `None` where it asks for none or leaves an argument open."""
    if asks(message):
        return None
    parts = (clause.strip() for clause in (message, *_CLAUSE.split(message)))
    clauses = [clause for clause in parts if clause and not asks(clause)]
    best: tuple[float, str, ToolCard] | None = None
    vectors = await embedder.embed(clauses)
    for card in tools:
        if not card.examples:
            continue
        likeness = vectors @ (await embedder.embed(card.examples)).T
        row = int(likeness.max(axis=1).argmax())
        found = (float(likeness[row].max()), clauses[row], card)
        best = max(best, found, key=lambda item: item[0]) if best else found
    if best is None or best[0] < ENOUGH_LIKE_AN_EXAMPLE:
        return None
    arguments = fill(best[2], message, without=best[1])
    return None if arguments is None else ToolCall(name=best[2].name, arguments=arguments)


def asks(message: str) -> bool:
    """Whether the message is a question for information rather than a request: "how do I complain" is one."""
    row = tokens(message)
    openings = words("question")
    return any(tuple(row[at : at + n]) in openings for at in range(min(3, len(row))) for n in (1, 2, 3, 4))


def fill(card: ToolCard, message: str, *, without: str = "") -> dict[str, str] | None:
    """Arguments by the names of the parameters; `None` where a required one cannot be had from the words."""
    arguments: dict[str, str] = {}
    for name in card.parameters.get("required", ()):
        if card.parameters["properties"][name].get("type") != "string":
            return None
        if name in _SHORT:
            arguments[name] = topic(message, without)
        elif name in _WHOLE:
            arguments[name] = message.strip()
        else:
            return None
    return arguments


def topic(message: str, without: str = "") -> str:
    """A few words: the message without the clause that only makes the request, cut at a word."""
    rest = message.replace(without, " ", 1) if without != message.strip() else message
    rest = " ".join(rest.split()).strip(" .,;:!?-–—") or " ".join(message.split())
    if len(rest) <= _LONGEST_TOPIC:
        return rest
    return rest[: _LONGEST_TOPIC - 1].rsplit(" ", 1)[0].rstrip(" .,;:") + "…"
