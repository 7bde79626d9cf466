"""Hides personal data from a chat server behind stand-ins and puts it back into what the model answers.

Stand-ins hold a tag that nobody outside can guess and that no text of the turn contains, so that what a customer
writes is never taken for one. Values are kept in memory for the one question; knows no client and no database.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from agent.chat.completion import UnusableError
from agent.prompts import STAND_INS
from sahut.brief import Brief
from sahut.found import NOTES
from sahut.personal import essence, find
from sahut.turn import Turn

DEFAULT_KINDS = ("email", "card", "id", "phone")
_TAG_LETTERS = 6

CHANGED = "it changed a stand-in: copy words such as {example} exactly"
UNKNOWN = "{stand_in} stands for nothing: use only those that you were given"


@dataclass(frozen=True)
class Hiding:
    """What is hidden: the kinds of `sahut.personal`, with the national phone numbers of these languages."""

    kinds: Collection[str] = DEFAULT_KINDS
    languages: Collection[str] = ("id", "en", "pt", "es", "is")

    def over(self, brief: Brief) -> "Veil":
        """The veil over one brief. What the organisation itself publishes is not hidden, whoever repeats it."""
        guidance = brief.turn.guidance
        documents = [part for one in brief.passages if not one.document.startswith(NOTES) for part in _texts(one)]
        public = (guidance.organisation, guidance.persona, guidance.public_url, *documents)
        return Veil(self, _tag(brief.turn.id, str(brief.model_dump())), public)

    def over_turn(self, turn: Turn) -> "Veil":
        """The veil over a turn's own text."""
        return Veil(self, _tag(turn.id, turn.text), (turn.guidance.organisation,))

    def over_text(self, text: str) -> "Veil":
        """The veil over a text of no turn in particular."""
        return Veil(self, _tag("", text), ())


class Veil:
    """Stand-ins for the personal data of one turn: the same value has the same one, in every round of the turn."""

    def __init__(self, hiding: Hiding, tag: str, public: Iterable[str]) -> None:
        self._hiding, self._tag = hiding, tag
        self._numbers: dict[tuple[str, str], int] = {}
        self._values: dict[str, str] = {}
        self._public = {(kind, value) for text in public if text for kind, value, _, _ in self._found(text)}
        # A hyphen or a backslash is what careless models make of the underscores.
        self._stand_in = re.compile(rf"\b([A-Z]+)\\?[_-](\d+)\\?[_-]{tag}\b", re.IGNORECASE)

    def rows(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Messages in OpenAI's chat shape as they may leave the house; the rules say what a stand-in is."""
        hidden = [self._row(row) for row in rows]
        if self._values and hidden and hidden[0]["role"] == "system":
            told = STAND_INS.format(example=next(iter(self._values)))
            hidden[0] = {**hidden[0], "content": f"{hidden[0]['content']}\n{told}\n"}
        return hidden

    def hide(self, text: str) -> str:
        """The text with stand-ins."""
        parts, at = [], 0
        for kind, value, start, end in self._found(text):
            if (kind, value) not in self._public:
                parts += [text[at:start], self._named(kind, value, text[start:end])]
                at = end
        return "".join((*parts, text[at:]))

    def restore(self, value: Any) -> Any:
        """What a model answered, JSON of any depth, with the values. Raises `UnusableError` for a spoilt stand-in."""
        if isinstance(value, str):
            whole = self._stand_in.sub(self._value, value)
            if self._tag in whole.casefold():
                raise UnusableError(CHANGED.format(example=next(iter(self._values), self._name("phone", 1))))
            return whole
        if isinstance(value, dict):
            return {self.restore(name): self.restore(item) for name, item in value.items()}
        return [self.restore(item) for item in value] if isinstance(value, list) else value

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = dict(row)
        if isinstance(row.get("content"), str):
            shown["content"] = self.hide(row["content"])
        if row.get("tool_calls"):
            shown["tool_calls"] = [self._call(call) for call in row["tool_calls"]]
        return shown

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        arguments = self._hidden(json.loads(call["function"]["arguments"]))
        return {**call, "function": {**call["function"], "arguments": json.dumps(arguments, ensure_ascii=False)}}

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.hide(name): self._hidden(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            hidden = self.hide(str(value))
            return value if hidden == str(value) else hidden
        return self.hide(value) if isinstance(value, str) else value

    def _found(self, text: str) -> list[tuple[str, str, int, int]]:
        found = find(text, kinds=self._hiding.kinds, languages=self._hiding.languages)
        return [(one.kind, essence(one.kind, text[one.start : one.end]), one.start, one.end) for one in found]

    def _named(self, kind: str, value: str, written: str) -> str:
        number = self._numbers.setdefault((kind, value), len(self._numbers) + 1)
        name = self._name(kind, number)
        self._values.setdefault(name, written)
        return name

    def _name(self, kind: str, number: int) -> str:
        return f"{kind.upper()}_{number}_{self._tag}"

    def _value(self, match: re.Match[str]) -> str:
        name = self._name(match[1], int(match[2]))
        if name not in self._values:
            raise UnusableError(UNKNOWN.format(stand_in=name))
        return self._values[name]


def _texts(passage: Any) -> tuple[str, ...]:
    return (passage.title, *passage.headings, passage.text)


def _tag(turn_id: str, told: str) -> str:
    """Letters that stand in no text of the turn, the same for a replay of it."""
    told = told.casefold()
    for salt in range(1_000):
        digest = hashlib.sha256(f"stand-in {salt} {turn_id}".encode()).digest()
        tag = "".join(chr(ord("a") + byte % 26) for byte in digest[:_TAG_LETTERS])
        if tag not in told:
            break
    return tag
