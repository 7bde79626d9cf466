"""`sahut eval simulate`: simulated customers in an environment, and how reliably the assistant serves them."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import AsJson, quiet_logs, run, settings

if TYPE_CHECKING:
    from evals.customers import Speak
    from evals.environment import Environment, Task
    from evals.fingerprint import Fingerprint
    from evals.report import Report
    from evals.simulate import Simulator
    from sahut.settings import Settings

Name = Annotated[str, typer.Argument(help="An installed environment (`shop`), or MODULE:ATTRIBUTE.")]
Repeats = Annotated[int, typer.Option(min=1, max=100, help="Plays of each task: pass^1 to pass^K are told.")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only this task; may be repeated.")]
Customers = Annotated[
    str | None, typer.Option(metavar="MODEL", help="A chat model that plays the customers; else the tasks' own do.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the reports; by default a new one in reports/.")]
BaselineFile = Annotated[Path | None, typer.Option(help="An earlier report.json that the run must not fall behind.")]
AtOnce = Annotated[int, typer.Option(min=1, max=64, help="Plays at a time.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(simulate)


def simulate(
    environment: Name,
    k: Repeats = 4,
    task: Tasks = None,
    customers: Customers = None,
    out: Out = None,
    baseline: BaselineFile = None,
    at_once: AtOnce = 4,
    as_json: AsJson = False,
) -> None:
    """Play customers in an environment: a policy, tools, tasks and what the end must be.

    The real assistant answers, with the environment's tools and documents alone and a database of its own that is
    thrown away. Exit code 1 where an environment broke, a critical task failed or the run fell behind its baseline. An
    interrupted run goes on when it is started again.
    """
    quiet_logs()
    # An interrupt cuts connections to a database that is thrown away: nobody needs to read of it.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    report = run(_simulate(environment, k, task or [], customers, out, baseline, at_once=at_once, as_json=as_json))
    if not report.passed:
        raise typer.Exit(1)


async def _simulate(
    name: str,
    k: int,
    wanted: list[str],
    customers: str | None,
    out: Path | None,
    baseline: Path | None,
    *,
    at_once: int,
    as_json: bool,
) -> "Report":
    from datetime import UTC, datetime

    from api.cli.eval_parts import bar, resumable, tell_report, where_served
    from evals.environment import load_environment
    from evals.folder import Manifest, finish, open_simulation
    from evals.report import build_report, read_baseline
    from evals.simulate import suite_of

    chosen, environment, now = settings(), load_environment(name), datetime.now(UTC)
    tasks = _chosen(environment, wanted)
    suite = suite_of(environment, tasks, k)
    earlier = read_baseline(baseline, suite) if baseline else None
    folder = out or Path("reports") / f"{environment.name}-{now:%Y%m%d-%H%M%S}"
    async with _simulator(chosen, environment, customers) as (simulator, assistant):
        manifest = Manifest(
            suite=suite.name,
            path=Path(name),
            k=k,
            started_at=now,
            assistant=assistant,
            tasks=tuple(task.id for task in tasks),
            customers=where_served(customers, chosen) if customers else "",
        )
        with open_simulation(folder, manifest) as kept:
            simulator.concurrency, simulator.memory = at_once, kept
            jobs = [(task, run) for task in tasks for run in range(1, k + 1)]
            with resumable(kept.get, jobs, folder), bar(suite.name) as tell:
                played = await simulator.play(tasks, k=k, progress=tell)
            report = build_report(played, baseline=earlier, assistant=assistant)
            finish(folder, datetime.now(UTC))
    tell_report(report, earlier, folder, played, as_json=as_json)
    return report


def _chosen(environment: "Environment", wanted: list[str]) -> "list[Task]":
    """The tasks by their ids, in the environment's order; all of them where none is named."""
    from sahut.errors import ConfigurationError

    known = {task.id for task in environment.tasks}
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise ConfigurationError(f"{environment.name} has no task {unknown[0]}: it has {', '.join(sorted(known))}")
    return [task for task in environment.tasks if not wanted or task.id in wanted]


@asynccontextmanager
async def _simulator(
    chosen: "Settings", environment: "Environment", customers: str | None
) -> "AsyncIterator[tuple[Simulator, Fingerprint]]":
    """The real assistant over what the environment gives it to read, in a home that is thrown away."""
    from tempfile import TemporaryDirectory

    from api.cli.eval_parts import alone, named
    from api.mind import calibration_of, guidance_of, open_mind
    from evals.fingerprint import world_of
    from evals.simulate import Simulator, guidance_in
    from knowledge.learn import learn

    in_force, guidance = calibration_of(chosen), guidance_in(environment, guidance_of(chosen))
    with TemporaryDirectory(prefix="sahut-simulate-") as scratch:
        apart = {"home": Path(scratch), "database_url": "", "chroma_url": ""}
        async with (
            open_mind(alone(chosen).model_copy(update=apart), calibration=in_force) as mind,
            _speaker(chosen, customers) as speak,
        ):
            if environment.documents:
                await learn(mind.store, mind.embedder, [_written(environment, Path(scratch) / "documents")])
            await mind.warm_up()
            assistant = await named(mind, guidance, world_of(environment))
            yield Simulator(environment, mind.assistant.deps, guidance, speak, customers or ""), assistant


def _written(environment: "Environment", folder: Path) -> Path:
    """The environment's documents as files. Raises `ConfigurationError` for a name that is none."""
    from sahut.errors import ConfigurationError

    folder.mkdir()
    for name, text in environment.documents.items():
        if name != Path(name).name:
            raise ConfigurationError(f"{environment.name}: the document {name!r} needs a plain file name")
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@asynccontextmanager
async def _speaker(chosen: "Settings", name: str | None) -> "AsyncIterator[Speak | None]":
    """The chat model that plays the customers, where one is named."""
    if name is None:
        yield None
        return
    from agent.model import make_chat_model

    model = make_chat_model(chosen, name)
    try:
        yield model.speak
    finally:
        await model.close()
