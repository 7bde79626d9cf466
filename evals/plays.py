"""Keeps what was played in a file of JSON lines, by the content of the case: for a run's folder and for the cache.

Each line is written whole as soon as its case has ended, so that an interrupt costs what was being played. Must not
know what is expected of a case.
"""

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from evals.cases import Case
from evals.played import Take
from sahut.errors import ConfigurationError
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


def key_of(case: Case, run: int) -> str:
    """Names what is said in a play of a case; what is expected does not matter."""
    said = [[(line.role, line.content) for line in case.opening], [turn.user for turn in case.turns], run]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def play_of(case: Case, run: int, takes: tuple[Take, ...]) -> Play:
    """The line of a case that was played."""
    said = tuple(turn.user for turn in case.turns)
    return Play(key=key_of(case, run), id=case.id, run=run, said=said, takes=takes)


class Plays:
    """The plays of one file, made where missing. Use as a context manager; `keep` appends.

    A cache keeps `only_whole` plays, a run's folder those with errors too.
    """

    def __init__(self, path: Path, *, only_whole: bool = False) -> None:
        self.path = path
        self._only_whole = only_whole
        self._kept: dict[str, Play] = {}
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._read()
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be used ({error.strerror or error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, case: Case, run: int) -> Play | None:
        """What was played of a case as it is said now, if it was."""
        return self._kept.get(key_of(case, run))

    def keep(self, play: Play) -> None:
        """Write a play down; it is on its way to the disk when this returns."""
        if self._only_whole and not play.is_whole:
            return
        self._kept[play.key] = play
        line = play.model_dump_json(exclude=_UNKEPT, exclude_defaults=True) + "\n"
        os.write(self._descriptor, line.encode())

    def _read(self) -> None:
        """Take up every line; half a line at the end is what an interrupt left, and is cut off."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)
        for number, line in enumerate(data[:whole].splitlines(), start=1):
            try:
                play = Play.model_validate_json(line)
            except ValidationError as error:
                what = error.errors(include_url=False)[0]["msg"]
                raise ConfigurationError(f"{self.path}:{number}: is no play of this version: {what}") from error
            self._kept[play.key] = play
