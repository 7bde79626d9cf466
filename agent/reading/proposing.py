"""Sees in a customer's words that a tool is wanted, and fills its arguments from those words.

It proposes only: whether a call may happen is the toolbox's to say. Must not know what a tool does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from agent.language.words import tokens, words
from agent.reading.remembering import facts_in
from sahut.ports import Embedder
from sahut.toolcall import ToolCall, ToolCard
from sahut.turn import FactKind, Remembered

# Cosine of a clause with a tool's own example phrase from which the customer means the tool. Measured on 100 messages
# in five languages: requests in other words reach .67 and more, other wishes ("I want to request a refund") .65.
ENOUGH_LIKE_AN_EXAMPLE = 0.66
# The same where examples settle an argument, as with forms: they lie closer together, and whoever runs the house wrote
# them. Measured on the sample forms: calls for one in other words reach .85 and more, other wishes ("saya mau
# perpanjang STNK" beside "tolong perbarui alamat STNK saya") .78.
ENOUGH_TO_IMPLY = 0.8
# A tool that only looks something up runs without a yes, and for a question too: "did anybody look at my ticket"
# reaches .78, "how do I open a ticket" .75.
ENOUGH_TO_LOOK_UP = 0.76
# A clause names the request ("I want to complain"), what stands beside it is the matter.
_CLAUSE = re.compile(
    r"[.,;:!?\n]+|\s[-–—]\s"
    r"|\s(?:about|regarding|soal|tentang|mengenai|perihal|sobre|acerca de|a respeito de|vegna|varðandi)\s",
    re.IGNORECASE,
)
# Plates, amounts and dates say nothing of what is wanted.
_CODE = re.compile(r"(?:\b[A-Z]{1,3} ?)?\d[\w./-]*(?: ?[A-Z]{1,3}\b)?")
_SHORT = ("topic", "subject", "title")
_WHOLE = ("description", "message", "details", "text", "about")
_PHONE = re.compile(r"(?<![\w-])\+?[0-9][0-9 ().-]{6,18}[0-9](?![\w-])", re.ASCII)
_LONGEST_TOPIC = 60
# Each clause is embedded, and a message may hold thousands: what is wanted is said in the first of them.
_READ = 2000
_MOST_CLAUSES = 40
# A plain `name` may be a file's or a form's.
_ASKED_AS: dict[FactKind, tuple[str, ...]] = {
    "name": ("customer_name", "full_name"),
    "plate": ("plate", "plate_number", "license_plate", "vehicle"),
    "order": ("order", "order_number", "order_id"),
    "email": ("email", "email_address"),
}


async def propose(
    message: str,
    tools: Sequence[ToolCard],
    embedder: Embedder,
    known: Sequence[Remembered] = (),
    *,
    request: str = "",
) -> ToolCall | None:
    """The call that the message asks for, `None` where it asks for none or leaves an argument open.

    A question asks for no effect: only a tool that reads may answer it. A code that one of the tools takes ("T-7K3M9Q")
    calls for a tool that takes it. `known` is what the customer said of themselves before. `request` is what of the
    message may call for a tool, where the rest of it asks something.
    """
    cards = [card for card in tools if card.examples]
    taking = [card for card in cards if code(card, message)]
    wish = request or message
    plain = _PHONE.sub(" ", wish.replace(code(taking[0], message), " ") if taking else wish)
    best = await _nearest(plain, taking or cards, embedder)
    if best is None and taking:
        best = next((_Wanted(1.0, message, card, "") for card in taking if card.effect == "read"), None)
    if best is None:
        return None
    arguments = fill(
        best.card, message, without=best.clause, known=best.card.implied.get(best.example), own=_own(message, known)
    )
    return None if arguments is None else ToolCall(name=best.card.name, arguments=arguments)


class _Wanted(NamedTuple):
    likeness: float
    clause: str
    card: ToolCard
    example: str


async def _nearest(message: str, cards: Sequence[ToolCard], embedder: Embedder) -> _Wanted | None:
    """The tool with the example that a clause is most like, where one is enough like it."""
    beginning = message[:_READ]
    texts = (beginning, _CODE.sub(" ", beginning))
    parts = (clause.strip() for text in texts for clause in (text, *_CLAUSE.split(text)))
    clauses = [part for part in dict.fromkeys(parts) if part][:_MOST_CLAUSES]
    if not clauses:
        return None
    questions = asks(message)
    asked = np.array([questions or asks(clause) for clause in clauses])
    vectors = await embedder.embed(clauses)
    found: list[_Wanted] = []
    for card in cards:
        likeness = vectors @ (await embedder.embed(card.examples)).T
        if card.effect != "read":
            likeness[asked] = -1.0
        row, example = np.unravel_index(int(likeness.argmax()), likeness.shape)
        if (value := float(likeness[row, example])) >= _enough(card):
            found.append(_Wanted(value, clauses[row], card, card.examples[example]))
    return max(found, key=lambda wanted: wanted.likeness, default=None)


def _enough(card: ToolCard) -> float:
    if card.implied:
        return ENOUGH_TO_IMPLY
    return ENOUGH_TO_LOOK_UP if card.effect == "read" else ENOUGH_LIKE_AN_EXAMPLE


def asks(message: str) -> bool:
    """Whether the message is a question for information rather than a request: "how do I complain" is one."""
    row = tokens(message)
    openings = words("question")
    return any(tuple(row[at : at + n]) in openings for at in range(min(3, len(row))) for n in (1, 2, 3, 4))


def fill(
    card: ToolCard,
    message: str,
    *,
    without: str = "",
    known: Mapping[str, Any] | None = None,
    own: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """Arguments by the names of the parameters, beside what is `known`; `None` where a required one cannot be had.

    An optional one is filled only by what can be told apart: a code by its pattern, a telephone number. `own` is what
    the customer said of themselves, by the names of parameters.
    """
    found = {"reference": code(card, message), "phone": phone(message)}
    optional = [name for name in card.parameters["properties"] if found.get(name)]
    arguments: dict[str, Any] = dict(known or {})
    for name in (*card.parameters.get("required", ()), *optional):
        if name in arguments:
            continue
        if card.parameters["properties"][name].get("type") != "string":
            return None
        if found.get(name):
            arguments[name] = found[name]
        elif "default" in card.parameters["properties"][name]:
            arguments[name] = card.parameters["properties"][name]["default"]
        elif name in _SHORT:
            arguments[name] = topic(message, without)
        elif name in _WHOLE:
            arguments[name] = message.strip()
        elif own and name in own and _fits(card.parameters["properties"][name], own[name]):
            arguments[name] = own[name]
        else:
            return None
    return arguments


def _own(message: str, known: Sequence[Remembered]) -> dict[str, str]:
    """What the customer said of themselves, by the parameters that ask for it; this message's word is the newest."""
    newest = {one.kind: one.value for one in known} | dict(facts_in(message))
    return {name: newest[kind] for kind, names in _ASKED_AS.items() if kind in newest for name in names}


def _fits(schema: Mapping[str, Any], value: str) -> bool:
    pattern = schema.get("pattern")
    return "enum" not in schema and (pattern is None or re.search(pattern, value) is not None)


def code(card: ToolCard, message: str) -> str:
    """The first code in the message that the tool's parameter `reference` has the pattern of; empty where none is."""
    pattern = card.parameters["properties"].get("reference", {}).get("pattern")
    found = re.search(pattern, message) if pattern else None
    return found[0] if found else ""


def phone(message: str) -> str:
    """The first telephone number in the message, as it is written there; empty where none is."""
    found = _PHONE.search(message)
    return found[0] if found else ""


def topic(message: str, without: str = "") -> str:
    """A few words: the message without the clause that only makes the request, cut at a word."""
    rest = message.replace(without, " ", 1) if without != message.strip() else message
    rest = " ".join(rest.split()).strip(" .,;:!?-–—") or " ".join(message.split())
    if len(rest) <= _LONGEST_TOPIC:
        return rest
    return rest[: _LONGEST_TOPIC - 1].rsplit(" ", 1)[0].rstrip(" .,;:") + "…"
