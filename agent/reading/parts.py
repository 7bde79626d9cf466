"""Takes a message apart into the questions that it asks. Pure; searches nothing and decides nothing.

It is careful: what may be one question in two sentences stays one, since half a question finds less than the whole.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from agent.language.concepts import telling, told
from agent.language.words import tokens, words
from agent.reading import burst as reading
from agent.reading.proposing import asks

# So many of one message are answered; what is asked beyond them goes to a human.
MOST = 4
_MOST_JOINTS = 40

# A stop after one or two letters is an abbreviation's ("No. 5", "y. pestis").
_SENTENCE = re.compile(r"(?<=[?!…])\s+|(?<=\w{3}\.)\s+|\n+")
# Where a further question may begin inside a sentence.
_JOINT = re.compile(r"\s*[,;]\s+(?:(?:dan|serta|and|also|e|y|og)\s+)?|\s+(?:dan|serta|and|e|y|og)\s+", re.IGNORECASE)
_OPENING = re.compile(r"[\s¿¡,;.]*(?:(?:dan|terus|lalu|and|also|then|e|y|og)\b[\s,]+)?", re.IGNORECASE)
# An Indonesian question may have its question word behind its subject, before a particle: "kantornya di mana ya".
_BEHIND = 3


class Part(NamedTuple):
    """One question: as the customer wrote it, and as it is searched for, with what it leans on before it."""

    asked: str
    question: str


class Mixed(NamedTuple):
    """A message that asks for something to be done and asks questions too; `pieces` are all of it, in its order."""

    pieces: tuple[str, ...] = ()
    questions: tuple[Part, ...] = ()


def beside_request(message: str) -> Mixed:
    """The message taken apart, with its questions; empty where it requests nothing, or asks nothing beside."""
    sentences = [piece for piece in _SENTENCE.split(message) if piece.strip() and not reading.small_talk(piece)]
    pieces = tuple(_cleaned(piece) for sentence in sentences for piece in _apart(sentence, requests=True))
    asked = [piece for piece in pieces if _wants_to_know(piece) and _matter(piece)]
    if not asked or not any(_requests(piece) for piece in pieces):
        return Mixed()
    before = dict(zip(pieces[1:], pieces, strict=False))
    leaning = {piece: before[piece] for piece in asked if piece in before and reading.leans(piece)}
    return Mixed(pieces, tuple(Part(piece, "\n".join(filter(None, (leaning.get(piece), piece)))) for piece in asked))


def wants_something(message: str) -> bool:
    """Whether any sentence of it asks or requests something."""
    pieces = [piece for piece in _SENTENCE.split(message) if piece.strip()]
    return "?" in message or any(_is_question(piece) or _requests(piece) for piece in pieces)


def parts_of(message: str) -> tuple[Part, ...]:
    """The questions in the order of the message; empty where there are not several."""
    sentences = [piece for piece in _SENTENCE.split(message) if piece.strip() and not reading.small_talk(piece)]
    pieces = [piece for sentence in sentences for piece in _apart(sentence)]
    opening = ""
    if pieces and not _is_question(pieces[0]):
        opening = pieces.pop(0).strip()
    grouped = _grouped(pieces)
    if len(grouped) < 2 or len({told(piece) for piece in grouped}) < 2:
        return ()
    return tuple(_parts(grouped, opening))


def _parts(pieces: list[str], opening: str) -> Iterator[Part]:
    """Each with what the message opened with, and with the question before it where it makes no sense alone."""
    before = ""
    for piece in pieces:
        asked = _cleaned(piece)
        lines = (opening, before if before and reading.leans(asked) else "", asked)
        yield Part(asked, "\n".join(line for line in lines if line))
        before = asked if not (before and reading.leans(asked)) else before


def _grouped(pieces: list[str]) -> list[str]:
    """One piece for each question: what asks nothing stands with the question that follows it, else with the last."""
    found: list[str] = []
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece.strip())
        if found and _says_nothing_new(piece):
            found[-1] = " ".join((found[-1], *waiting))
            waiting = []
        elif _is_question(piece) and _matter(piece):
            found.append(" ".join(waiting))
            waiting = []
    if waiting and found:
        found[-1] = " ".join((found[-1], *waiting))
    return found


def _is_question(piece: str) -> bool:
    """Whether it asks something; who ends a sentence with a stop tells something, whatever it opens with."""
    said = piece.rstrip()
    if said.endswith((".", "!", "…")):
        return False
    return said.endswith("?") or asks(_OPENING.sub("", piece, count=1)) or _ends_as_question(piece)


def _says_nothing_new(piece: str) -> bool:
    """Whether it only asks on about what was asked before: "is that right?", "can you help?", "how can I fix it?"."""
    row = tokens(piece)
    points_back = any((word,) in words("pointing") for word in row)
    return len(row) < 2 or len(_matter(piece)) <= (1 if points_back else 0)


def _matter(piece: str) -> list[str]:
    """What it speaks of, without pleas."""
    pleas = {word for phrase in words("plea") for word in phrase}
    return [word for word in telling(piece) if word not in pleas]


def _apart(sentence: str, *, requests: bool = False) -> list[str]:
    """The questions that a sentence joins ("what does it cost and where is the office?"); else the sentence.

    With `requests` also a question and a request ("what does it cost, and please open a ticket").
    """
    pieces, start = [], 0
    for joint in islice(_JOINT.finditer(sentence), _MOST_JOINTS):
        left, right = sentence[start : joint.start()], sentence[joint.end() :]
        if not joint[0].strip(" ,;") and tuple(tokens(left)[:1]) in words("subordinate"):
            continue  # "when I pay late, what happens?"
        if requests and _is_seam(left, right):
            pieces.append(left)
            start = joint.end()
        elif _is_question(left) and told(left) and _opens_as_question(right) and told(right):
            pieces.append(f"{left.rstrip()}?" if sentence.rstrip().endswith("?") else left)
            start = joint.end()
    return [*pieces, sentence[start:]]


def _is_seam(left: str, right: str) -> bool:
    """Whether a question and a request meet here."""
    if _requests(right):
        return _is_question(left) and bool(told(left))
    return _requests(left) and _opens_as_question(right) and bool(told(right))


def _requests(text: str) -> bool:
    """Whether it opens as a request for something to be done: "please open", "saya mau lapor"."""
    row = tokens(_OPENING.sub("", text, count=1))
    return any(tuple(row[:n]) in words("request") for n in (1, 2, 3))


def _wants_to_know(piece: str) -> bool:
    """Whether it asks for information: "can you call me?" is a request, whatever stands at its end."""
    return _is_question(piece) and (asks(piece) or _ends_as_question(piece)) and not _requests(piece)


def _cleaned(piece: str) -> str:
    """A piece without the conjunction that joins it to the one before."""
    return _OPENING.sub("", piece, count=1).strip() or piece.strip()


def _opens_as_question(text: str) -> bool:
    """Whether a question begins right here: a relative "que" is none."""
    row = tokens(text)
    openings = (words("question") | words("joined_question")) - {("que",)}
    return any(tuple(row[:n]) in openings for n in (1, 2, 3, 4)) or _ends_as_question(_JOINT.split(text)[0])


def _ends_as_question(text: str) -> bool:
    row = tokens(text)[1:][-_BEHIND:]
    late = words("question", "id")
    return any(tuple(row[at : at + n]) in late for at in range(len(row)) for n in (1, 2))
