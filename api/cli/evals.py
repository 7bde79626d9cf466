"""`sahut eval`: suites over the real assistant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import AsJson, quiet_logs, run, settings

if TYPE_CHECKING:
    from evals.report import Report
    from evals.run import Run
    from evals.suite import Suite

app = typer.Typer(help="Measure the assistant before you change it.", no_args_is_help=True)


@app.callback()
def _evals() -> None:
    """Measure the assistant before you change it."""


@app.command("run")
def run_suite(
    suite: Annotated[Path, typer.Argument(help="A suite (YAML) or its cases or transcripts (JSONL).")],
    k: Annotated[int | None, typer.Option(min=1, max=100, help="Repeats of each case.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.json.")] = Path("reports"),
    baseline: Annotated[Path | None, typer.Option(help="An earlier report.json to compare with.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite; exit code 1 below a gate."""
    quiet_logs()
    report = run(_run(suite, k, out, baseline, as_json=as_json))
    if not report.passed:
        raise typer.Exit(1)


async def _run(path: Path, k: int | None, out: Path, baseline: Path | None, *, as_json: bool) -> "Report":
    from rich.console import Console

    from evals.report import build_report, differences, read_baseline, to_json, write_report
    from evals.suite import load_suite
    from evals.table import show

    suite = load_suite(path, corpus=await _corpus())
    earlier = read_baseline(baseline, suite) if baseline else None
    report = build_report(await _play(suite, k))
    where = write_report(report, out)
    if as_json:
        print(to_json(report))
    else:
        console = Console()
        console.print(show(report, changed=differences(earlier, report) if earlier else None))
        console.print(f"Report: {where}")
    return report


async def _corpus() -> set[str] | None:
    """The paths of the known documents, to tell a typo in `cites`; None where nothing is learned yet."""
    from api.build import open_store
    from sahut.store import library

    paths: set[str] = set()
    after = ""
    async with open_store(settings()) as store, store.reading() as tx:
        while page := await library.listed(tx, after=after, limit=500):
            paths.update(document.path for document in page)
            after = page[-1].id
    return paths or None


async def _play(suite: "Suite", k: int | None) -> "Run":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from api.build import guidance_of, open_mind
    from evals.run import Player, Progress

    chosen = settings()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_mind(chosen) as mind:
        await mind.warm_up()
        player = Player(mind.assistant.take_turn, guidance_of(chosen))
        with Bar(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(suite.name, total=None)

            def progress(step: Progress) -> None:
                bar.update(task, completed=step.done, total=step.total)

            return await player.play(suite, k=k, progress=progress)
