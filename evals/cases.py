"""The values of a suite: what customers say in a case, and what is expected of the answers.

Frozen data only. Nothing here reads files, runs a turn or scores one.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from sahut.turn import Decision, Line
from sahut.values import Value

RUBRIC = "rubric"
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


def _burst(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("`user` must be a text, or a list of texts for a burst")
    return value


Burst = Annotated[tuple[Text, ...], BeforeValidator(_burst)]


class ExpectedTool(Value):
    """A tool that must be called. `arguments`, where given, must be among the call's arguments."""

    name: Text
    arguments: dict[str, Any] = Field(default_factory=dict)


class Expectation(Value):
    """What is expected of one reply; what is absent (or an empty list) is not asked.

    Only `tools` differs: its empty list says that no tool may be called. `rubric` is for a judge (`evals/judge.py`);
    without one it is kept and not scored. `matches` are regular expressions; `supported` asks that each number, date,
    price and link of the text stands in a citation or a tool's result; `retrieves` are documents that retrieval must
    find; `spam`, `injection`, `wants_human`, `distress` and `abuse` are what the screen must think of the message.
    """

    decision: Decision | None = None
    cites: tuple[Text, ...] | None = None
    contains: tuple[Text, ...] | None = None
    not_contains: tuple[Text, ...] | None = None
    tools: tuple[ExpectedTool, ...] | None = None
    language: Text | None = None
    rubric: Text | None = None
    matches: tuple[Text, ...] | None = None
    max_characters: int | None = Field(default=None, ge=1, strict=True)
    supported: bool | None = None
    retrieves: tuple[Text, ...] | None = None
    spam: bool | None = None
    injection: bool | None = None
    wants_human: bool | None = None
    distress: bool | None = None
    abuse: bool | None = None

    @field_validator("matches")
    @classmethod
    def _patterns(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for pattern in value or ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"`matches`: {pattern!r} is no regular expression ({error})") from error
        return value

    @field_validator("cites", "contains", "not_contains", "matches", "retrieves")
    @classmethod
    def _nothing_asked(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value or None

    @property
    def wants_documents(self) -> bool:
        """Whether it names documents that must be known."""
        return bool(self.cites or self.retrieves)

    def asks(self, name: str) -> bool:
        """Whether the expectation named `name` is given."""
        return getattr(self, name, None) is not None


class CaseTurn(Value):
    """What the customer says (several messages are one burst), what is expected, what a human answered."""

    user: Burst
    expect: Expectation | None = None
    reference: str | None = None


class Case(Value):
    """One conversation to play. `opening` are lines that were said before the customer's first message.

    A `critical` case must pass in every play, whatever the rates are. `line` is where the case stands in its file.
    """

    id: Text
    language: Text | None = None
    topic: Text | None = None
    opening: tuple[Line, ...] = ()
    turns: tuple[CaseTurn, ...] = Field(min_length=1)
    critical: bool = False
    line: int = 0
