"""Plays of cases as lines of a file, by the content of the case. Must not know what is expected of a case."""

import hashlib
import json
from pathlib import Path

from evals.cases import Case
from evals.kept import Kept
from evals.played import Take
from sahut.values import Value

_UNKEPT = {"takes": {"__all__": {"reply": {"exchanges"}}}}


class Play(Value):
    """One line: the case as it was said, and what came of each turn."""

    key: str
    id: str
    run: int
    said: tuple[tuple[str, ...], ...]
    takes: tuple[Take, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every turn was answered: what had an error is played again."""
        return not any(take.error for take in self.takes)

    def written(self) -> str:
        """The line, without the models' raw exchanges."""
        return self.model_dump_json(exclude=_UNKEPT, exclude_defaults=True)


def key_of(case: Case, run: int) -> str:
    """Names what is said in a play of a case; what is expected does not matter."""
    said = [[(line.role, line.content) for line in case.opening], [turn.user for turn in case.turns], run]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def play_of(case: Case, run: int, takes: tuple[Take, ...]) -> Play:
    """The line of a case that was played."""
    said = tuple(turn.user for turn in case.turns)
    return Play(key=key_of(case, run), id=case.id, run=run, said=said, takes=takes)


class Plays(Kept[Play]):
    """The plays of one file."""

    def __init__(self, path: Path, *, only_whole: bool = False) -> None:
        super().__init__(path, Play, only_whole=only_whole)

    def get(self, case: Case, run: int) -> Play | None:
        """What was played of a case as it is said now, if it was."""
        return self.find(key_of(case, run))
