"""`sahut learn` and `sahut search`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json, warn_empty

if TYPE_CHECKING:
    from knowledge.attachments import AttachReport
    from knowledge.report import LearnReport, Step
    from sahut.found import SearchResult
    from sahut.ports import Embedder
    from sahut.settings import Settings
    from sahut.store import Store

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH_OR_URL...",
        help="Files, folders or zip archives (PDF, Word, PowerPoint, Excel, e-mail, Markdown, text, HTML, CSV); "
        "corpora (JSONL: id, text, title); web sites or sitemaps by their address.",
        show_default=False,
    ),
]

REPLACE = "Replace documents of other folders that have the same path."
REBUILD = "Give what is known the vectors of the embedder in use, and build the index again; needs no PATHS."


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(learn)
    app.command()(search)


def learn(
    sources: Sources = None,
    collection: Annotated[str, typer.Option(help="The collection to learn into.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents of these folders that are gone.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help=REPLACE)] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help=REBUILD)] = False,
    most_pages: Annotated[int, typer.Option(min=1, max=100_000, help="Pages of a web site that are read.")] = 500,
    forget: Annotated[bool, typer.Option("--forget", help="Do not read these web sites again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn documents; what has not changed costs nothing.

    PDFs, office files, JPEG and PNG pictures may be sent to customers from then on. The first line of FILE.caption
    beside one is its name, further lines are other names that customers may call it by.

    Of a corpus each line is a document, called by its id. In folders only files named corpus.jsonl are corpora.

    A web site is read within bounds, on its own host, as its robots.txt allows; `serve` reads it again every
    SAHUT_RELEARN_HOURS. A document with `valid_until: 2027-01-31` in its front matter is not answered from afterwards.
    """
    quiet_logs()
    if not sources and not rebuild:
        raise typer.BadParameter("give files, folders or addresses to learn, or --rebuild")
    sources = sources or []
    if forget:
        run(_forget(sources, collection))
        return
    report, files = run(
        _learn(sources, collection, most_pages, dry_run=dry_run, prune=prune, replace=replace, rebuild=rebuild)
    )
    if as_json:
        show_json({**_plain(report), "files": _plain(files)})
    else:
        _print_report(report, files, dry_run=dry_run)
    if report.failed or files.failed:
        raise typer.Exit(1)


async def _learn(
    sources: list[str], collection: str, most_pages: int, *, dry_run: bool, prune: bool, replace: bool, rebuild: bool
) -> "tuple[LearnReport, AttachReport]":
    from agent.screening.documents import speaks_to_assistant
    from api.mind import open_store
    from knowledge.addresses import is_address
    from knowledge.attachments import attach
    from knowledge.embed import make_embedder
    from knowledge.learn import learn as learn_paths
    from knowledge.report import LearnReport
    from sahut.shelf import outgoing_shelf

    chosen = settings()
    paths = [Path(source) for source in sources if not is_address(source)]
    addresses = [source for source in sources if is_address(source)]
    report = LearnReport()
    async with open_store(chosen) as store:
        embedder = make_embedder(chosen, only_learns=True)
        with _Bar() as bar:
            if paths:
                report = await learn_paths(
                    store,
                    embedder,
                    paths,
                    collection=collection,
                    dry_run=dry_run,
                    prune=prune,
                    replace=replace,
                    progress=bar.step,
                    suspects=speaks_to_assistant,
                )
            for address in addresses:
                how = {"collection": collection, "dry_run": dry_run, "prune": prune}
                report = report + await _learn_site(chosen, store, embedder, address, most_pages, bar, how)
        shelf = outgoing_shelf(chosen.home)
        files = await attach(store, shelf, paths, collection=collection, dry_run=dry_run, prune=prune)
        if rebuild and not dry_run:
            await _rebuild(chosen, embedder, store)
    return report, files


async def _learn_site(
    chosen: Any, store: Any, embedder: Any, address: str, most_pages: int, bar: "_Bar", how: dict[str, Any]
) -> "LearnReport":
    from api.background.keeper import read_site
    from api.build import open_web
    from knowledge.site import Bounds
    from sahut.clock import SystemClock

    web = open_web(chosen)
    try:
        return await read_site(
            store,
            embedder,
            web,
            address,
            clock=SystemClock(),
            bounds=Bounds(pages=most_pages),
            progress=bar.step,
            fetching=bar.fetching,
            **how,
        )
    finally:
        await web.close()


async def _forget(sources: list[str], collection: str) -> None:
    from api.mind import open_store
    from knowledge.addresses import normal
    from sahut.errors import NotFound
    from sahut.store import sites

    async with open_store(settings()) as store:
        for source in sources:
            async with store.transaction() as tx:
                site = await sites.find(tx, normal(source), collection)
                if site is None:
                    raise NotFound(f"{source} is not among the sites that are read again.")
                await sites.forget(tx, site.id)
            print(f"{source} is not read again. Its documents stay until they are deleted.")


class _Bar:
    """The bar of progress on the terminal: pages that are fetched are counted, documents have an end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task("Learning", total=None)
        self._fetched = 0

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, step: "Step") -> None:
        """A document has come to its outcome."""
        self._progress.update(self._task, description="Learning", completed=step.number, total=step.total)

    def fetching(self, _address: str) -> None:
        """A page is being fetched."""
        self._fetched += 1
        self._progress.update(self._task, description="Reading the site", completed=self._fetched, total=None)


async def _rebuild(chosen: "Settings", embedder: "Embedder", store: "Store") -> None:
    import asyncio

    from knowledge.index import open_index
    from knowledge.relearn import relearn
    from knowledge.space import space_of

    index = await asyncio.to_thread(open_index, chosen, space_of(embedder).name)
    try:
        await relearn(store, embedder)
        await index.rebuild(store)
    finally:
        await index.close()


def _plain(report: "LearnReport | AttachReport") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report)


def _print_report(report: "LearnReport", files: "AttachReport", *, dry_run: bool) -> None:
    from sahut.text import counted

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
    print(f"{verb}: {', '.join(counts) or 'nothing'} ({counted(report.chunks, 'chunk')}).")
    for path, reason in report.failed:
        print(f"  failed: {path}: {reason}")
    for path, words in report.suspect:
        print(f"  look at this: {path} speaks to an assistant: {words!r}")
    for path in report.expired:
        print(f"  expired: {path} is not valid any more, so it is not answered from")
    if report.cut:
        print(f"  not all of it was read: {report.cut}")
    for path, folder in report.replaced:
        print(f"  replaced: {path}: it was learned from {folder} before")
    if files.sendable:
        print(f"{counted(len(files.sendable), 'file')} can be sent to customers: {', '.join(files.sendable[:5])}")
    for path, reason in files.failed:
        print(f"  cannot be sent: {path}: {reason}")
    skipped = [path for path in report.skipped if path not in files.sendable and not path.endswith(".caption")]
    if skipped:
        print(f"  skipped ({len(skipped)} {_why_skipped(skipped)}): {', '.join(skipped[:5])}")


def _why_skipped(skipped: list[str]) -> str:
    pages = any("://" in path for path in skipped)
    return (
        "files of other kinds, or pages that are gone, twice there or not to be read"
        if pages
        else ("files of other kinds")
    )


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
        from api.cli.batch import check_files

        check_files(batch, out)
        raise typer.Exit(1 if run(_search_batch(batch, out, top, collection)) else 0)
    if question is None or batch is not None or out is not None:
        raise typer.BadParameter("give a question, or --batch IN.jsonl --out OUT.jsonl")
    if not question.strip():
        raise typer.BadParameter("give a question")
    result = run(_search(question, top, collection))
    if as_json:
        show_json({"question": question, **_shape(result, top)})
        return
    print(f"answerable: {result.answerable:.2f}")
    for rank, passage in enumerate(result.passages, start=1):
        print(f"\n{rank}. {passage.document}  {passage.score:.2f}  {' > '.join(passage.headings)}")
        if passage.also:
            print(f"The same stands in {', '.join(dict.fromkeys(one.document for one in passage.also))}.")
        print(passage.text)


async def _search(question: str, top: int, collection: str | None) -> "SearchResult":
    from api.mind import open_mind

    async with open_mind(settings()) as mind:
        await warn_empty(mind.store)
        return await mind.search.search(question, top=top, collections=[collection] if collection else None)


async def _search_batch(source: Path, out: Path, top: int, collection: str | None) -> int:
    from agent.dialogue import turn_from_messages
    from agent.reading.burst import question as condensed
    from api.cli.batch import Row, run_batch, text_of
    from api.mind import open_mind
    from sahut.clock import SystemClock

    async with open_mind(settings()) as mind:

        async def work(row: Row) -> Row:
            if "messages" in row:
                turn = turn_from_messages(row["messages"], now=SystemClock().now())
                asked = condensed(turn.text, turn)
            else:
                asked = text_of(row, "question")
            within = [collection] if collection else None
            return _shape(await mind.search.search(asked, top=top, collections=within), top)

        return await run_batch(source, out, work)


def _shape(result: "SearchResult", top: int) -> dict[str, Any]:
    from knowledge.search import hits

    return {"answerable": round(result.answerable, 6), "hits": hits(result, top)}
