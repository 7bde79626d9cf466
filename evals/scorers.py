"""Scores one reply against what was expected of it: the Protocol, and the scorers that come with the house.

Each scorer reads one key of the expectation. Knows nothing of files, repeats or statistics.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Protocol

from pydantic import Field

from agent.authority import INJECTION
from agent.checking.check import unsupported
from agent.deciding import ABUSE, DISTRESS, WANTS_HUMAN
from evals.cases import Expectation
from sahut.toolcall import ToolCall
from sahut.turn import Reply, Screening
from sahut.values import Value


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

    `reference` is what a human answered, where the case is a transcript. `found` are the documents that retrieval
    gave, best first; it and `screening` are `None` where the turn did not ask for them.
    """

    user: tuple[str, ...] = ()
    expect: Expectation | None = None
    reference: str | None = None
    reply: Reply | None = None
    found: tuple[str, ...] | None = None
    screening: Screening | None = None


class Scorer(Protocol):
    """Anything that can score an answered turn."""

    async def score(self, answered: Answered) -> Score | None:
        """The score, or `None` where this scorer has nothing to say about the turn. A missing reply is wrong."""
        ...


# The keys of `expect` that say what a right answer holds.
CONTENT = ("contains", "not_contains", "matches", "cites", "supported")

Rule = Callable[[Expectation, Reply], str]
Look = Callable[[Expectation, Answered], str]


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


@dataclass(frozen=True)
class SideScorer:
    """Like `KeyScorer`, over what the turn did on the way: `look` says what is wrong, or nothing."""

    name: str
    look: Look

    async def score(self, answered: Answered) -> Score | None:
        """1 or 0, or `None` where the key is not given."""
        if answered.expect is None or not answered.expect.asks(self.name):
            return None
        wrong = self.look(answered.expect, answered)
        return Score(value=0 if wrong else 1, explanation=wrong or "as expected")


def builtin_scorers() -> dict[str, Scorer]:
    """The scorers that come with the house, by the key of `expect` that they read, in the order of reports."""
    replies: dict[str, Scorer] = {name: KeyScorer(name, rule) for name, rule in _RULES.items()}
    return replies | {name: SideScorer(name, look) for name, look in _LOOKS.items()}


def same_document(expected: str, path: str) -> bool:
    """Whether a document's path is the expected one; ending and folders may be left out."""
    known = PurePosixPath(path)
    return expected in (path, str(known.with_suffix("")), known.stem)


def unmet_content(expect: Expectation, reply: Reply) -> tuple[str, ...]:
    """Which of the expectations about what is said the reply does not meet: it says something wrong."""
    return tuple(name for name in CONTENT if expect.asks(name) and _RULES[name](expect, reply))


def plain(text: str) -> str:
    """The form in which texts are compared: composed characters, case folded, whitespace collapsed."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _decision(expect: Expectation, reply: Reply) -> str:
    return "" if reply.decision == expect.decision else f"expected {expect.decision}, got {reply.decision}"


def _cites(expect: Expectation, reply: Reply) -> str:
    cited = {citation.document for citation in reply.citations}
    missing = [name for name in expect.cites or () if not any(same_document(name, path) for path in cited)]
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


def _matches(expect: Expectation, reply: Reply) -> str:
    missing = [pattern for pattern in expect.matches or () if not re.search(pattern, reply.text)]
    return f"does not match: {_quoted(missing)}" if missing else ""


def _max_characters(expect: Expectation, reply: Reply) -> str:
    most, has = expect.max_characters or 0, len(reply.text)
    return f"{has} characters, at most {most} were expected" if has > most else ""


_unsupported = lru_cache(maxsize=20_000)(unsupported)  # a report looks at each reply several times


def _supported(expect: Expectation, reply: Reply) -> str:
    """Each checkable fact of the text, looked for in the quotes and the tools' results, as the assistant does."""
    del expect
    told = [call.result for call in reply.tool_calls if call.state == "done"]
    sources = [f"{span.quote} {span.title}" for span in reply.citations] + told
    loose = sorted(fact.value for fact in _unsupported(reply.text, tuple(sources)))
    return f"nothing supports: {', '.join(loose)}" if loose else ""


def _retrieves(expect: Expectation, answered: Answered) -> str:
    if answered.found is None:
        return "nothing was searched for"
    missing = [name for name in expect.retrieves or () if not any(same_document(name, path) for path in answered.found)]
    return f"not found: {', '.join(missing)}; found: {', '.join(answered.found) or 'nothing'}" if missing else ""


def _screened(expected: bool | None, is_so: Callable[[Screening], bool], answered: Answered, word: str) -> str:
    if answered.screening is None:
        return "the message was not screened"
    got = is_so(answered.screening)
    return "" if got == expected else f"expected {'' if expected else 'not '}{word}, got {'' if got else 'not '}{word}"


def _spam(expect: Expectation, answered: Answered) -> str:
    return _screened(expect.spam, lambda seen: seen.verdict.label == "spam", answered, "spam")


def _injection(expect: Expectation, answered: Answered) -> str:
    return _screened(expect.injection, lambda seen: seen.injection >= INJECTION, answered, "an injection")


def _wants_human(expect: Expectation, answered: Answered) -> str:
    return _screened(expect.wants_human, lambda seen: seen.wants_human >= WANTS_HUMAN, answered, "a wish for a human")


def _distress(expect: Expectation, answered: Answered) -> str:
    return _screened(expect.distress, lambda seen: seen.distress >= DISTRESS, answered, "distress")


def _abuse(expect: Expectation, answered: Answered) -> str:
    return _screened(expect.abuse, lambda seen: seen.abuse >= ABUSE, answered, "abuse")


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
    "matches": _matches,
    "max_characters": _max_characters,
    "supported": _supported,
}
_LOOKS: dict[str, Look] = {
    "retrieves": _retrieves,
    "spam": _spam,
    "injection": _injection,
    "wants_human": _wants_human,
    "distress": _distress,
    "abuse": _abuse,
}
