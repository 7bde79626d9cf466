"""Trials of simulated customers as lines of a file, by their task. Must not know how a task is played."""

import hashlib
from pathlib import Path

from evals.environment import Task
from evals.kept import Kept
from evals.played import PlayedCase, PlayedTurn
from sahut.turn import Usage
from sahut.values import Value

_UNKEPT = {"turns": {"__all__": {"reply": {"exchanges"}}}}


class Trial(Value):
    """One line: every turn of a play with its score, and what the model took that played the customer."""

    key: str
    id: str
    run: int
    turns: tuple[PlayedTurn, ...]
    customer: Usage = Usage()

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end: what broke is played again."""
        return not any(turn.error for turn in self.turns)

    def written(self) -> str:
        """The line, without the models' raw exchanges."""
        return self.model_dump_json(exclude=_UNKEPT, exclude_defaults=True)

    def played(self, task: Task) -> PlayedCase:
        """What reports hold of it."""
        about = {name: getattr(task, name) for name in ("language", "topic", "critical")}
        return PlayedCase(id=task.id, run=self.run, turns=self.turns, customer=self.customer, **about)


def trial_of(task: Task, run: int, turns: tuple[PlayedTurn, ...], customer: Usage) -> Trial:
    """The line of a play that has ended."""
    return Trial(key=_key(task, run), id=task.id, run=run, turns=turns, customer=customer)


class Trials(Kept[Trial]):
    """The trials of one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Trial)

    def get(self, task: Task, run: int) -> Trial | None:
        """The trial of a task as it is now, if it was played."""
        return self.find(_key(task, run))


def _key(task: Task, run: int) -> str:
    said = f"{task.model_dump_json()} {run}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]
