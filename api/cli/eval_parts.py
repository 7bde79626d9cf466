"""What the verbs of `sahut eval` share: a suite that is checked, the assistant that plays it, a bar that shows how far.

Knows no verb.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.common import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.calibration import Calibration
    from api.mind import Mind
    from evals.fingerprint import Fingerprint
    from evals.judge import RubricScorer
    from evals.played import Run
    from evals.report import Baseline, Report
    from evals.run import Player, Progress
    from evals.suite import Suite
    from sahut.settings import Settings
    from sahut.turn import Guidance


async def load(path: Path) -> "Suite":
    """A suite, checked against the documents that are known and the scorers that are installed."""
    from evals.scoring import installed_scorers
    from evals.suite import load_suite
    from sahut.errors import ConfigurationError

    corpus = await _corpus()
    suite = load_suite(path, corpus=corpus or None, scorers=installed_scorers())
    wants = [case for case in suite.cases for turn in case.turns if turn.expect and turn.expect.wants_documents]
    if wants and not corpus:
        raise ConfigurationError(
            f"{path}: `{wants[0].id}` expects documents, and nothing is learned yet: run `sahut learn FOLDER`"
        )
    return suite


async def _corpus() -> set[str]:
    """The paths of the known documents, to tell a typo in `cites`."""
    from api.mind import open_store
    from sahut.store import library

    async with open_store(settings()) as store, store.reading() as tx:
        return {path for _, path, _ in await library.present(tx)}


@asynccontextmanager
async def player(
    chosen: "Settings", *, at_once: int = 4, fresh: bool = False, calibration: "Calibration | None" = None
) -> "AsyncIterator[tuple[Player, Fingerprint]]":
    """The real assistant, ready to play, with what it answered in earlier runs; and what it is."""
    from api.mind import calibration_of, guidance_of, open_mind
    from evals.folder import cache_of
    from evals.run import Player
    from evals.scoring import installed_scorers
    from evals.watching import watched

    guidance = guidance_of(chosen)
    async with open_mind(alone(chosen), calibration=calibration or calibration_of(chosen)) as mind:
        assistant = await named(mind, guidance)
        answer = watched(mind.assistant).take_turn
        with cache_of(chosen.home, assistant) as cache:
            memories = () if fresh else (cache,)
            made = Player(
                answer,
                guidance,
                scorers=installed_scorers(),
                concurrency=at_once,
                memories=memories,
                warm_up=mind.warm_up,
            )
            yield made, assistant


@asynccontextmanager
async def judging(
    chosen: "Settings", suite: "Suite", name: str | None, *, fresh: bool = False
) -> "AsyncIterator[RubricScorer | None]":
    """The chat model that judges rubrics, with its verdicts of before; `None` where none is named.

    Raises `ConfigurationError` for a judge without a rubric, and for the scorer `rubric` without a judge.
    """
    from evals.cases import RUBRIC
    from evals.scoring import installed_scorers
    from sahut.errors import ConfigurationError

    if name is None:
        if suite.scorers is not None and RUBRIC in suite.scorers and RUBRIC not in installed_scorers():
            raise ConfigurationError(f"{suite.path}: the scorer `rubric` takes a judge: give --judge MODEL")
        yield None
        return
    if not suite.has_rubrics:
        raise ConfigurationError(f"{suite.path}: there is no rubric to judge: leave out --judge, or write one")
    from agent.model import make_chat_model
    from evals.judge import RubricScorer, Verdicts

    model = make_chat_model(chosen, name)
    try:
        with Verdicts(chosen.home / "evals" / "judge" / "verdicts.jsonl") as kept:
            yield RubricScorer(where_served(name, chosen), model.grade, None if fresh else kept)
    finally:
        await model.close()


def alone(chosen: "Settings") -> "Settings":
    """Without the fallback model, whose answers would measure another assistant."""
    return chosen.model_copy(update={"fallback_model": ""})


async def named(mind: "Mind", guidance: "Guidance", environment: str = "") -> "Fingerprint":
    """What the assistant is that plays."""
    from evals.fingerprint import fingerprint
    from knowledge.space import space_of

    chosen = mind.settings
    return await fingerprint(
        mind.assistant.deps,
        model=where_served(chosen.chat_model, chosen),
        embedder=space_of(mind.embedder).name,
        guidance=guidance,
        settings=(chosen.screen_by_model, chosen.rerank, chosen.hidden_kinds, chosen.tools_allow_private),
        environment=environment,
    )


def where_served(model: str, chosen: "Settings") -> str:
    """A chat model with the address of its server, where one is set."""
    return " ".join(filter(None, (model, chosen.openai_base_url)))


@contextmanager
def resumable(kept: "Callable[..., object]", plays: "Sequence[tuple[object, int]]", folder: Path) -> "Iterator[None]":
    """Says of an interrupted run how many of its plays are `kept`, and how it goes on."""
    from asyncio import CancelledError

    try:
        yield
    except CancelledError:
        done = sum(kept(one, run) is not None for one, run in plays)
        print(
            f"{done} of {len(plays)} plays are kept in {folder}. The same command with --out {folder} plays the rest.",
            file=sys.stderr,
        )
        raise


@contextmanager
def bar(name: str) -> "Iterator[Callable[[Progress], None]]":
    """A progress bar with the time left, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, TextColumn("{task.fields[so_far]}"), console=Console(stderr=True)) as shown:
        task = shown.add_task(name, total=None, so_far="")

        def tell(step: "Progress") -> None:
            so_far = f"failed {step.failures}, errors {step.errors}"
            so_far += f", unchanged {step.remembered}" if step.remembered else ""
            shown.update(task, completed=step.done, total=step.total, so_far=so_far)

        yield tell


def tell_report(report: "Report", earlier: "Baseline | None", folder: Path, played: "Run", *, as_json: bool) -> None:
    """Write every form of a report into the run's folder, and show it."""
    from rich.console import Console

    from evals.folder import write_whole
    from evals.html import html
    from evals.junit import junit
    from evals.report import differences, to_json, write_report
    from evals.table import show

    write_report(report, folder)
    write_whole(folder / "junit.xml", junit(report))
    write_whole(folder / "report.html", html(report))
    if as_json:
        print(to_json(report))
        return
    console = Console()
    console.print(show(report, changed=differences(earlier, report) if earlier else None))
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True, highlight=False)
