"""What customers say of themselves, as facts: a name, a vehicle's plate, an order's number, an address. Pure.

Only what has an unmistakable shape or is introduced as such is taken, so that a fact can hold no instruction.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from agent.language.words import words
from sahut.turn import FactKind, Incoming, Remembered, Turn

MOST_CHARACTERS = 80
_READ = 5000
_MOST_NAMES = 4

_NAME = re.compile(
    r"\b(?:nama (?:lengkap )?(?:saya|aku|gue|sy)(?: adalah)?|my (?:full )?name is|(?:o )?meu nome (?:completo )?é"
    r"|me chamo|chamo-me|mi nombre (?:completo )?es|me llamo|ég heiti)\s*:?\s+(?P<value>[^\n,.;:!?()\d]{2,80})",
    re.IGNORECASE,
)
_PLATE = re.compile(
    r"\b(?:plat(?:nya)?|nopol(?:nya)?|nomor polisi(?:nya)?|no(?:mor)? kendaraan(?:nya)?|(?:licen[cs]e )?plate|placa"
    r"|matrícula|matricula|bílnúmer\w*)\s*(?:nomor|number|no\.?|nya|saya|mobil|motor|is|é|es|adalah|er|:|#)*\s*"
    r"(?P<value>[A-Z]{1,3}[ -]?\d{1,4}(?:[ -]?[A-Z]{1,3})?)\b",
    re.IGNORECASE,
)
# As Indonesian plates are written, in capitals: nothing else in a message looks so.
_BARE_PLATE = re.compile(r"\b(?P<value>[A-Z]{1,2} \d{1,4} [A-Z]{1,3})\b")
_ORDER = re.compile(
    r"\b(?:orders?|pesanan(?:nya)?|pedido|orden|pöntun\w*|invoice|resi|encomenda)\s*"
    r"(?:(?:saya|nomor|number|número|numero|no\.?|nr\.?|id|kode|code|is|adalah|é|es|:|#|n[º°])\s*)*"
    r"(?P<value>[A-Z]{0,4}-?\d[A-Z\d-]{2,19})\b",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"(?<![\w.+-])(?P<value>[\w.+-]{1,40}@[a-z0-9-]{1,30}(?:\.[a-z0-9-]{1,20}){1,3})(?![\w@])", re.IGNORECASE
)
_PATTERNS: tuple[tuple[FactKind, re.Pattern[str]], ...] = (
    ("name", _NAME),
    ("plate", _PLATE),
    ("plate", _BARE_PLATE),
    ("order", _ORDER),
    ("email", _EMAIL),
)
_PARTICLES = frozenset(["da", "de", "do", "dos", "das", "del", "la", "van", "von", "bin", "binti"])
_NAME_PART = re.compile(r"[^\W\d_][\w'’-]*")


def remembered(turn: Turn) -> tuple[Remembered, ...]:
    """What the burst says of the customer, and before it what they wrote to a person, each with its message.

    The last of two alike counts.
    """
    return _said((*turn.overheard, *turn.burst))


def recalled(turn: Turn) -> Turn:
    """The turn that knows what was said while a person held the conversation, too."""
    heard = _said(turn.overheard)
    return turn.model_copy(update={"known": (*turn.known, *heard)}) if heard else turn


def _said(messages: Sequence[Incoming]) -> tuple[Remembered, ...]:
    found = {
        (kind, value): Remembered(kind=kind, value=value, message_id=message.id)
        for message in messages
        if message.kind in ("text", "button", "interactive", "audio")
        for kind, value in facts_in(message.text)
    }
    return tuple(found.values())


def facts_in(text: str) -> Iterator[tuple[FactKind, str]]:
    """Every fact in a text, in one spelling."""
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text[:_READ]):
            value = _tidy(kind, match["value"])
            if 0 < len(value) <= MOST_CHARACTERS:
                yield kind, value


def _tidy(kind: FactKind, value: str) -> str:
    if kind == "name":
        return _person(value)
    if kind == "plate":
        return " ".join(re.findall(r"[A-Z]+|\d+", value.upper()))
    return value.casefold() if kind == "email" else value.upper()


def _person(words_after: str) -> str:
    """The words of a name, as far as it goes: a small word ends it, and so does a change to small letters."""
    row = words_after.split()
    parts: list[str] = []
    for at, part in enumerate(row[: _MOST_NAMES + 1]):
        follows = row[at + 1 : at + 2]
        if parts and part.casefold() in _PARTICLES and follows and follows[0][:1].isupper():
            parts.append(part.casefold())
            continue
        changed = bool(parts) and parts[0][:1].isupper() != part[:1].isupper()
        if not _NAME_PART.fullmatch(part) or part.casefold() in _never_a_name() or changed:
            break
        parts.append(part)
    return " ".join(part if part in _PARTICLES else part[:1].upper() + part[1:] for part in parts[:_MOST_NAMES])


@cache
def _never_a_name() -> frozenset[str]:
    meanings = ("small", "question", "joint", "common", "filler", "denial")
    return frozenset(phrase[0] for meaning in meanings for phrase in words(meaning) if len(phrase) == 1)
