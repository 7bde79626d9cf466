"""What an environment is: a world with a policy, tools and tasks, in which the assistant is tried with a customer.

The shape is that of tau2-bench (policy, tools, a simulated user, a check of the end state), so that its environments
can be wrapped. Values and Protocols; knows no assistant and how none is run.
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from sahut.authority import Identity
from sahut.errors import ConfigurationError
from sahut.toolcall import ToolCall
from sahut.turn import Button, Decision, Reason
from sahut.values import Value
from tools.sources import Declaration

ENTRY_POINTS = "sahut.environments"


class Task(Value):
    """One thing that a customer wants. `wish` tells a chat model that plays the customer who it is and what it wants.

    A `critical` task must succeed in every play, whatever the rates are.
    """

    id: str
    wish: str = ""
    language: str | None = None
    topic: str | None = None
    critical: bool = False


class Heard(Value):
    """What the customer sees of a reply. A customer who says a button's title presses it."""

    text: str
    buttons: tuple[Button, ...] = ()

    @property
    def shown(self) -> str:
        """The text, with its buttons as `[title]`."""
        return "\n".join((self.text, *(f"[{button.title}]" for button in self.buttons)))


class Customer(Protocol):
    """A simulated user."""

    async def says(self, heard: Heard | None) -> str | None:
        """The next message; `None` where the customer is done. `heard` is `None` before the first one."""
        ...


@dataclass(frozen=True)
class WorldTool:
    """What the assistant may do in the world: `parameters` is a JSON Schema of type object.

    `run` gives back what the tool says, for refusals by the world's own rules too ("Error: it has left the house");
    what it raises is an error of the environment. Left out, `declared` is the strictest: it cannot be undone, and an
    operator must agree.
    """

    name: str
    parameters: dict[str, Any]
    run: Callable[[dict[str, Any]], Awaitable[str]]
    declared: Declaration = field(default_factory=Declaration)


class Exchange(Value):
    """One exchange as it went: what the customer said, and what the assistant decided, said and called."""

    said: str
    decision: Decision
    reason: Reason | None = None
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class End(Value):
    """How a play ended: the customer was done, or a human was called, who has not acted yet.

    `waiting` is the call that an operator would have to agree to.
    """

    why: Literal["customer", "handed_off"]
    exchanges: tuple[Exchange, ...] = ()
    waiting: ToolCall | None = None

    @property
    def told(self) -> str:
        """All that the customer was told."""
        return "\n".join(one.text for one in self.exchanges)


class Reward(Value):
    """How well the task was done, from 0 to 1 (only 1 passes), and why."""

    value: float = Field(ge=0, le=1, allow_inf_nan=False)
    why: str = ""


class World(Protocol):
    """The state of one play, its tools, and its customer. `identity` is how sure it is by now who the customer is."""

    tools: Sequence[WorldTool]
    customer: Customer
    identity: Identity

    async def check(self, end: End) -> Reward:
        """What the end state is worth."""
        ...


@runtime_checkable
class Environment(Protocol):
    """A world to be opened afresh for each play of a task.

    `policy` is told to the assistant as standing guidance. `documents` (texts by file name, such as `orders.md`) are
    what it answers questions from.
    """

    name: str
    organisation: str
    policy: str
    documents: Mapping[str, str]
    tasks: Sequence[Task]

    def open(self, task: Task) -> World:
        """The world of one play."""
        ...


def load_environment(name: str) -> Environment:
    """The environment of that name in the entry point group `sahut.environments`, or that of `module:attribute`.

    Either is an `Environment`, or a class or function without arguments that makes one. Raises `ConfigurationError`.
    """
    known = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in known and ":" not in name:
        names = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(f"There is no environment {name}: installed are {names}; or give MODULE:ATTRIBUTE.")
    try:
        found = known[name].load() if name in known else _attribute(name)
        made = found if isinstance(found, Environment) and not isinstance(found, type) else found()
    except Exception as error:
        raise ConfigurationError(f"The environment {name} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(made, Environment):
        parts = ("name", "organisation", "policy", "documents", "tasks", "open")
        lacks = ", ".join(part for part in parts if not hasattr(made, part))
        raise ConfigurationError(f"The environment {name} is none: it lacks {lacks} (see docs/evals.md).")
    return made


def _attribute(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
