"""Scores one reply against what was expected of it: the Protocol, and the scorers that come with the house.

Each scorer reads one key of the expectation. Knows nothing of files, repeats or statistics.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from evals.cases import Expectation
from sahut.turn import Reply, ToolCall, Turn, Value


class Score(Value):
    """How right something is, from 0 (wrong) to 1 (right), and why."""

    value: float = Field(ge=0, le=1, allow_inf_nan=False)
    explanation: str

    @property
    def passed(self) -> bool:
        """Only wholly right passes."""
        return self.value == 1


class Answered(Value):
    """All that a scorer may look at. `reply` is `None` where the assistant gave none.

    `reference` is what a human answered, where the case is a transcript.
    """

    turn: Turn | None = None
    expect: Expectation | None = None
    reference: str | None = None
    reply: Reply | None = None


class Scorer(Protocol):
    """Anything that can score an answered turn."""

    async def score(self, answered: Answered) -> Score | None:
        """The score, or `None` where this scorer has nothing to say about the turn. A missing reply is wrong."""
        ...


Rule = Callable[[Expectation, Reply], str]


@dataclass(frozen=True)
class KeyScorer:
    """Scores the expectation's key `name` by `rule`, which says what is wrong with a reply, or nothing."""

    name: str
    rule: Rule

    async def score(self, answered: Answered) -> Score | None:
        """1 or 0, or `None` where the key is not given."""
        if answered.expect is None or not answered.expect.asks(self.name):
            return None
        if answered.reply is None:
            return Score(value=0, explanation="there is no reply")
        wrong = self.rule(answered.expect, answered.reply)
        return Score(value=0 if wrong else 1, explanation=wrong or "as expected")


def builtin_scorers() -> dict[str, Scorer]:
    """The scorers that come with the house, by the key of `expect` that they read, in the order of reports."""
    return {name: KeyScorer(name, rule) for name, rule in _RULES.items()}


def unmet_content(expect: Expectation, reply: Reply) -> tuple[str, ...]:
    """Which of `contains`, `not_contains` and `cites` the reply does not meet: it says something wrong."""
    return tuple(
        name for name in ("contains", "not_contains", "cites") if expect.asks(name) and _RULES[name](expect, reply)
    )


def plain(text: str) -> str:
    """The form in which texts are compared: composed characters, case folded, whitespace collapsed."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _decision(expect: Expectation, reply: Reply) -> str:
    return "" if reply.decision == expect.decision else f"expected {expect.decision}, got {reply.decision}"


def _cites(expect: Expectation, reply: Reply) -> str:
    cited = {citation.document for citation in reply.citations}
    missing = [document for document in expect.cites or () if document not in cited]
    return f"not cited: {', '.join(missing)}; cited: {', '.join(sorted(cited)) or 'nothing'}" if missing else ""


def _contains(expect: Expectation, reply: Reply) -> str:
    text = plain(reply.text)
    missing = [phrase for phrase in expect.contains or () if plain(phrase) not in text]
    return f"not in the text: {_quoted(missing)}" if missing else ""


def _not_contains(expect: Expectation, reply: Reply) -> str:
    text = plain(reply.text)
    found = [phrase for phrase in expect.not_contains or () if plain(phrase) in text]
    return f"in the text, and should not be: {_quoted(found)}" if found else ""


def _language(expect: Expectation, reply: Reply) -> str:
    same = reply.language.casefold() == (expect.language or "").casefold()
    return "" if same else f"expected {expect.language}, got {reply.language or 'none'}"


def _tools(expect: Expectation, reply: Reply) -> str:
    calls = [call for call in reply.tool_calls if call.state != "refused"]
    seen = ", ".join(f"{call.name}({call.arguments})" for call in calls) or "nothing"
    if not expect.tools:
        return f"no tool should be called, got {seen}" if calls else ""
    missing = [
        tool.name for tool in expect.tools if not any(_is_call(call, tool.name, tool.arguments) for call in calls)
    ]
    return f"not called as expected: {', '.join(missing)}; called: {seen}" if missing else ""


def _is_call(call: ToolCall, name: str, arguments: Mapping[str, Any]) -> bool:
    return call.name == name and _within(arguments, call.arguments)


def _within(expected: Any, actual: Any) -> bool:
    """Whether `actual` holds all of `expected`: objects may have more keys, all else is equal."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and _within(value, actual[key]) for key, value in expected.items()
        )
    return bool(expected == actual) and isinstance(expected, bool) == isinstance(actual, bool)


def _quoted(phrases: list[str]) -> str:
    return ", ".join(f'"{phrase}"' for phrase in phrases)


_RULES: dict[str, Rule] = {
    "decision": _decision,
    "cites": _cites,
    "contains": _contains,
    "not_contains": _not_contains,
    "language": _language,
    "tools": _tools,
}
