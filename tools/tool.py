"""A tool as the toolbox keeps it, wherever it comes from: how it presents itself, what it declares, how it is run.

Knows no source of tools and no rule.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sahut.authority import Authority
from sahut.tool import Refusal, Told, ToolContext
from sahut.toolcall import ToolCard

Arguments = dict[str, Any]
TIMEOUT_S = 15.0


class ToolFailed(ValueError):  # noqa: N818  # the name says what happened
    """Why a tool failed, in our own words: nothing that a customer or a server said, so that it may be logged."""


class BadArgumentsError(Exception):
    """Arguments that do not fit the tool; the text says which and why, in words that a model can act on."""


@dataclass(frozen=True)
class Tool:
    """`read` checks arguments and gives them back whole, as JSON (raises `BadArgumentsError`); `run` acts on those.

    `prepare` completes them before somebody is asked; `questions` ask the customer, by language.
    """

    card: ToolCard
    authority: Authority
    read: Callable[[Mapping[str, Any]], Arguments]
    run: Callable[[ToolContext, Arguments], Awaitable[str | Told]]
    prepare: Callable[[ToolContext, Arguments], Awaitable[Arguments | Refusal]] | None = None
    questions: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S

    @property
    def name(self) -> str:
        """Its name."""
        return self.card.name
