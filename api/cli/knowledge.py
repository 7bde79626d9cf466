"""`sahut learn` and `sahut search`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

if TYPE_CHECKING:
    from knowledge.learn import LearnReport
    from sahut.turn import SearchResult

Paths = Annotated[list[Path], typer.Argument(help="Files or folders: Markdown, text, HTML, CSV.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(learn)
    app.command()(search)


def learn(
    paths: Paths,
    collection: Annotated[str, typer.Option(help="The collection to learn into.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents of these folders that are gone.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the vector index again from the rows.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn documents; what has not changed costs nothing."""
    quiet_logs()
    report = run(_learn(paths, collection, dry_run=dry_run, prune=prune, rebuild=rebuild))
    if as_json:
        show_json(_plain(report))
    else:
        _print_report(report, dry_run=dry_run)
    if report.failed:
        raise typer.Exit(1)


async def _learn(paths: list[Path], collection: str, *, dry_run: bool, prune: bool, rebuild: bool) -> "LearnReport":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from api.build import open_store
    from knowledge.embed import make_embedder
    from knowledge.learn import Step
    from knowledge.learn import learn as learn_paths

    chosen = settings()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_store(chosen) as store:
        embedder = make_embedder(chosen)
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Learning", total=None)

            def progress(step: Step) -> None:
                bar.update(task, completed=step.number, total=step.total)

            report = await learn_paths(
                store, embedder, paths, collection=collection, dry_run=dry_run, prune=prune, progress=progress
            )
        if rebuild and not dry_run:
            await _rebuild(chosen, embedder.name, store)
    return report


async def _rebuild(chosen: Any, embedder: str, store: Any) -> None:
    import asyncio

    from knowledge.index import open_index

    index = await asyncio.to_thread(open_index, chosen, embedder)
    try:
        await index.rebuild(store)
    finally:
        await index.close()


def _plain(report: "LearnReport") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report)


def _print_report(report: "LearnReport", *, dry_run: bool) -> None:
    counts = [
        f"{len(names)} {word}"
        for word, names in (
            ("added", report.added),
            ("changed", report.changed),
            ("unchanged", report.unchanged),
            ("removed", report.removed),
            ("failed", report.failed),
        )
        if names
    ]
    verb = "Would learn" if dry_run else "Learned"
    print(f"{verb}: {', '.join(counts) or 'nothing'} ({report.chunks} chunks).")
    for path, reason in report.failed:
        print(f"  failed: {path}: {reason}")
    for path, folder in report.replaced:
        print(f"  replaced: {path}: it was learned from {folder} before")
    if report.skipped:
        print(f"  skipped ({len(report.skipped)} files of other kinds): {', '.join(report.skipped[:5])}")


def search(
    question: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    batch: Annotated[Path | None, typer.Option(help="JSONL of questions.")] = None,
    out: Annotated[Path | None, typer.Option(help="JSONL of results.")] = None,
    collection: Annotated[str | None, typer.Option(help="One collection instead of all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find passages, without an answer."""
    quiet_logs()
    if batch is not None and out is not None and question is None:
        raise typer.Exit(1 if run(_search_batch(batch, out, top, collection)) else 0)
    if question is None or batch is not None or out is not None:
        raise typer.BadParameter("give a question, or --batch IN.jsonl --out OUT.jsonl")
    result = run(_search(question, top, collection))
    if as_json:
        show_json({"question": question, **_shape(result)})
        return
    print(f"answerable: {result.answerable:.2f}")
    for rank, passage in enumerate(result.passages, start=1):
        print(f"\n{rank}. {passage.document}  {passage.score:.2f}  {' > '.join(passage.headings)}")
        print(passage.text)


async def _search(question: str, top: int, collection: str | None) -> "SearchResult":
    from api.build import open_mind

    async with open_mind(settings()) as mind:
        return await mind.search.search(question, top=top, collection=collection)


async def _search_batch(source: Path, out: Path, top: int, collection: str | None) -> int:
    from agent.dialogue import turn_from_messages
    from agent.reading import question as condensed
    from api.build import open_mind
    from api.cli.batch import Row, run_batch, text_of
    from sahut.clock import SystemClock

    async with open_mind(settings()) as mind:

        async def work(row: Row) -> Row:
            if "messages" in row:
                turn = turn_from_messages(row["messages"], now=SystemClock().now())
                asked = condensed(turn.text, turn)
            else:
                asked = text_of(row, "question")
            return _shape(await mind.search.search(asked, top=top, collection=collection))

        return await run_batch(source, out, work)


def _shape(result: "SearchResult") -> dict[str, Any]:
    from knowledge.search import hits

    return {"answerable": round(result.answerable, 6), "hits": hits(result)}
