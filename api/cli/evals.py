"""`sahut eval`: suites over the real assistant. Here are the verbs that play, score and compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import eval_calibrate, eval_files, eval_simulate
from api.cli.common import AsJson, quiet_logs, run, settings
from api.cli.eval_parts import bar, judging, load, player, resumable, tell_report

if TYPE_CHECKING:
    from evals.judge import RubricScorer
    from evals.report import Report, Taken
    from evals.suite import Suite

app = typer.Typer(help="Measure the assistant before you change it.", no_args_is_help=True)

Repeats = Annotated[int | None, typer.Option(min=1, max=100, help="Repeats of each case.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the run and its reports; by default a new one in reports/.")]
BaselineFile = Annotated[Path | None, typer.Option(help="An earlier report.json that the run must not fall behind.")]
AtOnce = Annotated[int, typer.Option(min=1, max=64, help="Cases played at a time.")]
JudgeModel = Annotated[
    str | None, typer.Option("--judge", metavar="MODEL", help="A chat model that judges the cases' rubrics.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Play every case, also those played before without a change.")]


@app.callback()
def _evals() -> None:
    """Measure the assistant before you change it."""


@app.command("run")
def run_suite(
    suite: Annotated[Path, typer.Argument(help="A suite (YAML), or cases, transcripts or questions (JSONL, CSV).")],
    k: Repeats = None,
    out: Out = None,
    baseline: BaselineFile = None,
    at_once: AtOnce = 4,
    fresh: Fresh = False,
    judge: JudgeModel = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite; exit code 1 below a gate.

    What was played before without a change of case or assistant costs nothing. An interrupted run goes on when it is
    started again.
    """
    quiet_logs()
    report = run(_run(suite, k, out, baseline, at_once=at_once, fresh=fresh, judge=judge, as_json=as_json))
    if not report.passed:
        raise typer.Exit(1)


@app.command("score")
def score_again(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.")],
    suite: Annotated[Path | None, typer.Option(help="The suite's file, where it has moved.")] = None,
    baseline: BaselineFile = None,
    judge: JudgeModel = None,
    as_json: AsJson = False,
) -> None:
    """Score a run again by the suite as it is now, without the assistant."""
    quiet_logs()
    report = run(_score(folder, suite, baseline, judge=judge, as_json=as_json))
    if not report.passed:
        raise typer.Exit(1)


@app.command("compare")
def compare_runs(
    before: Annotated[Path, typer.Argument(help="A run's folder or report.json.")],
    after: Annotated[Path, typer.Argument(help="A later one of the same suite.")],
    as_json: AsJson = False,
) -> None:
    """What differs between two runs of a suite, paired by case, with 95% intervals."""
    from rich.console import Console

    from evals.compare import compare
    from evals.report import read_report
    from evals.table import show_comparison

    quiet_logs()
    old, new = read_report(before), read_report(after)
    if old.suite != new.suite:
        raise typer.BadParameter(f"{after} is a run of `{new.suite}`, {before} of `{old.suite}`")
    known = old.assistant is not None and new.assistant is not None
    parts = old.assistant.differs(new.assistant) if known and old.assistant and new.assistant else ()
    found = compare(old.results, new.results, assistant=parts)
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        Console().print(show_comparison(found))


eval_files.register(app)
eval_calibrate.register(app)
eval_simulate.register(app)


async def _run(
    path: Path,
    k: int | None,
    out: Path | None,
    baseline: Path | None,
    *,
    at_once: int,
    fresh: bool,
    judge: str | None,
    as_json: bool,
) -> "Report":
    from datetime import UTC, datetime

    from evals.cases import RUBRIC
    from evals.folder import Manifest, absolute, finish, open_run
    from evals.report import build_report, read_baseline

    suite = await load(path)
    earlier = read_baseline(baseline, suite) if baseline else None
    now = datetime.now(UTC)
    async with (
        judging(settings(), suite, judge, fresh=fresh) as rubrics,
        player(settings(), at_once=at_once, fresh=fresh) as (plays, assistant),
    ):
        plays.scorers = {**plays.scorers, **({RUBRIC: rubrics} if rubrics else {})}
        chosen = suite if k is None else _repeated(suite, k)
        folder = out or Path("reports") / f"{suite.name}-{now:%Y%m%d-%H%M%S}"
        manifest = Manifest(suite=suite.name, path=absolute(path), k=chosen.k, started_at=now, assistant=assistant)
        with open_run(folder, manifest) as kept:
            plays.memories = (kept, *plays.memories)
            jobs = [(case, run) for case in chosen.cases for run in range(1, chosen.k + 1)]
            with resumable(kept.get, jobs, folder), bar(suite.name) as tell:
                played = await plays.play(chosen, progress=tell)
            report = build_report(played, baseline=earlier, assistant=assistant, judge=_taken(rubrics))
            finish(folder, datetime.now(UTC))
    tell_report(report, earlier, folder, played, as_json=as_json)
    return report


def _taken(rubrics: "RubricScorer | None") -> "Taken | None":
    from evals.report import taken_by

    return taken_by(rubrics.model, rubrics.usage) if rubrics else None


async def _score(
    folder: Path, path: Path | None, baseline: Path | None, *, judge: str | None, as_json: bool
) -> "Report":
    from dataclasses import replace

    from evals.cases import RUBRIC
    from evals.folder import read_manifest, read_run
    from evals.report import build_report, read_baseline
    from evals.scoring import chosen, installed_scorers, score_all
    from sahut.errors import ConfigurationError

    manifest = read_manifest(folder)
    if manifest.tasks:
        raise ConfigurationError(f"{folder}: is a simulation, whose worlds are gone: simulate again to score it anew")
    suite = await load(path or manifest.path)
    earlier = read_baseline(baseline, suite) if baseline else None
    found = read_run(folder, manifest, suite)
    async with judging(settings(), suite, judge) as rubrics:
        scorers = chosen(suite, {**installed_scorers(), **({RUBRIC: rubrics} if rubrics else {})})
        scored = replace(found, results=await score_all(found.results, scorers))
    report = build_report(scored, baseline=earlier, assistant=manifest.assistant, judge=_taken(rubrics))
    tell_report(report, earlier, folder, scored, as_json=as_json)
    return report


def _repeated(suite: "Suite", k: int) -> "Suite":
    from dataclasses import replace

    return replace(suite, k=k)
