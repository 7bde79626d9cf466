"""What a draft may put into a call: no links, addresses and phone numbers but the customer's own, none of our rules.

Arguments are shown to the customer, and acted on. A document, a file or a model that slips one in would have it
repeated under the organisation's name. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any

from agent.checking.leaks import tells_rules
from agent.language.facts import Fact, facts
from sahut.turn import Turn

FOREIGN = "An argument holds a link, an address or a phone number that the customer did not write."
OURS = "An argument repeats our own rules."
# Country codes are written or left out; what is left of two numbers is compared.
_TELLING_DIGITS = 8
# From so many digits on a number is no sum and no quantity, but somebody's telephone.
_PHONE_DIGITS = 11
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ ().-]+(?=\d)")


def objection(arguments: Mapping[str, Any], turn: Turn) -> str:
    """Why a draft may not call with these arguments; empty where it may."""
    given = _texts(arguments)
    if any(tells_rules(text, turn.guidance.persona) for text in given):
        return OURS
    written = _written(turn)
    links = {fact for fact in facts(written) if fact.kind == "link"}
    digits = _BETWEEN_DIGITS.sub("", written)
    foreign = any(not _is_own(fact, links, digits) for fact in facts(" \n ".join(given)))
    return FOREIGN if foreign else ""


def _is_own(fact: Fact, links: set[Fact], digits: str) -> bool:
    if fact.kind == "phone":
        return fact.value[-_TELLING_DIGITS:] in digits
    return fact.kind != "link" or fact in links


def _written(turn: Turn) -> str:
    lines = [line.content for line in turn.history if line.author == "contact" and line.role == "user"]
    answers = turn.filling.answers.values() if turn.filling else ()
    return " \n ".join((turn.text, *lines, *map(str, answers), *(one.value for one in turn.known)))


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for name, item in value.items() for text in (str(name), *_texts(item))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) >= _PHONE_DIGITS:
        return [f"+{value}"]  # a telephone number, where a tool takes numbers
    return [value] if isinstance(value, str) else []
