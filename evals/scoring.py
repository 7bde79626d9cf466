"""Scores what was played, whether just now or read from a run's folder. Runs no turn and computes no rate."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from evals.played import PlayedCase, PlayedTurn
from evals.scorers import Answered, Score, Scorer, builtin_scorers
from evals.suite import Suite
from sahut.errors import ConfigurationError

ENTRY_POINTS = "sahut.scorers"


def installed_scorers() -> dict[str, Scorer]:
    """The scorers of the house and those that installed packages register under `sahut.scorers`.

    An entry point names a `Scorer`, or a class or function without arguments that makes one.
    """
    scorers = builtin_scorers()
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            loaded = entry.load()
            scorer = loaded() if isinstance(loaded, type) or not hasattr(loaded, "score") else loaded
        except Exception as error:
            raise ConfigurationError(f"The scorer {entry.name} ({entry.value}) cannot be loaded: {error}") from error
        if entry.name in scorers or not hasattr(scorer, "score"):
            raise ConfigurationError(f"The scorer {entry.name} ({entry.value}) is none, or its name is taken")
        scorers[entry.name] = scorer
    return scorers


def chosen(suite: Suite, scorers: Mapping[str, Scorer]) -> dict[str, Scorer]:
    """The scorers that a suite names; without a list all of them, since each asks what `expect` names."""
    names = list(scorers) if suite.scorers is None else suite.scorers
    return {name: scorers[name] for name in names}


async def score_all(
    results: Sequence[PlayedCase], scorers: Mapping[str, Scorer], *, at_once: int = 4
) -> tuple[PlayedCase, ...]:
    """All cases with their scores, `at_once` of them at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(played: PlayedCase) -> PlayedCase:
        async with gate:
            return await score_case(played, scorers)

    async with asyncio.TaskGroup() as group:
        scoring = [group.create_task(one(played)) for played in results]
    return tuple(task.result() for task in scoring)


async def score_case(played: PlayedCase, scorers: Mapping[str, Scorer]) -> PlayedCase:
    """The case with the scores of all its turns."""
    return played.model_copy(update={"turns": tuple([await _scored(turn, scorers) for turn in played.turns])})


async def _scored(played: PlayedTurn, scorers: Mapping[str, Scorer]) -> PlayedTurn:
    """The turn with its scores. A scorer that breaks makes it an error: the reply may be right or wrong."""
    answered = Answered(**{name: getattr(played, name) for name in Answered.model_fields})
    scores: dict[str, Score] = {}
    error = played.error
    for name, scorer in scorers.items():
        try:
            score = await scorer.score(answered)
        except Exception as wrong:
            error, score = (error or f"scorer {name}: {told(wrong)}"), None
        if score is not None:
            scores[name] = score
    return played.model_copy(update={"scores": scores, "error": error})


def told(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
