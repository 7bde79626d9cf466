"""`sahut eval lint`, `schema`, `convert` and `export`: the files that suites are made of."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json
from sahut.text import counted

if TYPE_CHECKING:
    from sahut.models import Contact, Conversation
    from sahut.store import Store, Tx

Source = Annotated[Path, typer.Argument(help="A suite (YAML), cases or transcripts (JSONL, CSV), or a WhatsApp chat.")]
_PAGE = 200


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(lint)
    app.command("schema")(print_schema)
    app.command()(convert)
    app.command()(export)


def lint(source: Source, as_json: AsJson = False) -> None:
    """Check a suite without running it: every mistake with file and line; exit code 2 where there is one."""
    from api.cli.eval_parts import load

    quiet_logs()
    suite = run(load(source))
    advice = [*_advice(suite)]
    if as_json:
        show_json({"suite": suite.name, "cases": len(suite.cases), "advice": advice})
        return
    turns = sum(len(case.turns) for case in suite.cases)
    print(f"{suite.name}: {counted(len(suite.cases), 'case')}, {counted(turns, 'turn')}: sound")
    for line in advice:
        print(f"  {line}")


def print_schema() -> None:
    """Print the JSON schema of a line of cases, for editors."""
    from evals.exchange import schema

    show_json(schema())


def convert(
    source: Source,
    out: Annotated[Path, typer.Option(help="The file to write (JSONL).")],
    to: Annotated[str, typer.Option(help="`cases`, `openai` (chat format) or `inspect` (samples).")] = "cases",
    us: Annotated[str | None, typer.Option(help="In a WhatsApp chat: the name under which you write.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn chats and tables into cases, or cases into the files of other tools."""
    from evals.exchange import Shape, as_line, to_row
    from evals.folder import write_whole
    from evals.suite import SUITE_SUFFIXES, load_cases, load_suite
    from evals.whatsapp import read_chat

    if to not in get_args(Shape):
        raise typer.BadParameter(f"--to knows {', '.join(get_args(Shape))}")
    suffix = source.suffix.lower()
    if suffix == ".txt":
        cases = read_chat(source, us=us)
    else:
        cases = load_suite(source).cases if suffix in SUITE_SUFFIXES else load_cases(source)
    shape: Any = "openai" if to == "cases" and suffix == ".txt" else to
    write_whole(out, "\n".join(as_line(to_row(case, shape)) for case in cases))
    if as_json:
        show_json({"cases": len(cases), "to": shape, "file": str(out)})
    else:
        print(f"{counted(len(cases), 'case')} written to {out}")


def export(
    out: Annotated[Path, typer.Option(help="The file to write (JSONL, OpenAI's chat format, which suites read).")],
    limit: Annotated[int, typer.Option(min=1, help="Most conversations, newest first.")] = 500,
    status: Annotated[str | None, typer.Option(help="Only conversations with this status.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write stored conversations as redacted cases, and beside them what was redacted.

    Names, numbers, addresses, links and ids become placeholders. No rule finds every name: read the file before you
    share it.
    """
    from evals.exchange import as_line
    from evals.folder import write_whole

    quiet_logs()
    rows, redacted = run(_export(limit, status))
    if not rows:
        print("No conversation with a customer's words is stored.")
        raise typer.Exit(1)
    write_whole(out, "\n".join(as_line(row) for row in rows))
    listed = out.with_name(f"{out.stem}.redacted.jsonl")
    write_whole(listed, "\n".join(as_line(row) for row in redacted))
    totals: dict[str, int] = {}
    for row in redacted:
        for kind, count in row["redacted"].items():
            totals[kind] = totals.get(kind, 0) + count
    if as_json:
        show_json({"cases": len(rows), "redacted": totals, "file": str(out), "list": str(listed)})
        return
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(totals.items())) or "nothing"
    print(f"{len(rows)} conversations written to {out}\nredacted: {told}; by conversation in {listed}")
    print("No rule finds every name: read the file before you share it.")


async def _export(limit: int, status: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from api.mind import open_store

    async with open_store(settings()) as store:
        return await redacted_cases(store, limit=limit, status=status)


async def redacted_cases(
    store: "Store", *, limit: int, status: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Stored conversations, newest first, as redacted transcripts, and for each what was redacted."""
    from sahut.store import lists

    rows: list[dict[str, Any]] = []
    redacted: list[dict[str, Any]] = []
    before: str | None = None
    while len(rows) < limit:
        async with store.reading() as tx:
            page = await lists.conversations(tx, status=status, holder=None, before=before, limit=_PAGE)
            for conversation, contact in page:
                row, found = await _row(tx, conversation, contact, number=len(rows) + 1)
                if row is not None and len(rows) < limit:
                    rows.append(row)
                    redacted.append({"id": row["id"], "redacted": found})
        if len(page) < _PAGE:
            break
        before = page[-1][0].id
    return rows, redacted


async def _row(
    tx: "Tx", conversation: "Conversation", contact: "Contact", *, number: int
) -> tuple[dict[str, Any] | None, dict[str, int]]:
    """One conversation without what names a person; `None` where the customer said nothing in words."""
    from evals.redact import Redactor
    from sahut.store import lists

    said: list[Any] = []
    after: str | None = None
    while page := await lists.messages(tx, conversation.id, after=after, limit=_PAGE):
        said += page
        after = page[-1].id
    identities = (await lists.identities(tx, [contact.id])).get(contact.id, {})
    names = [contact.name, *identities.values(), *(message.author_name for message in said)]
    redactor = Redactor(names=tuple(dict.fromkeys(name.strip() for name in names if name and name.strip())))
    messages = _messages(said, redactor)
    if not any(message["role"] == "user" for message in messages):
        return None, {}
    return {"id": f"conversation-{number}", "messages": messages}, dict(redactor.found)


def _messages(said: Sequence[Any], redactor: Any) -> list[dict[str, str]]:
    """What the customer read or wrote, in OpenAI's shape; drafts that were dropped and failed sends were never read."""
    return [
        {"role": "user" if message.author == "contact" else "assistant", "content": redactor.redact(message.text)}
        for message in said
        if message.text.strip() and message.author != "system" and message.state not in ("dropped", "failed")
    ]


def _advice(suite: Any) -> list[str]:
    """What is no mistake and yet worth a look."""
    silent = [case.id for case in suite.cases if not any(turn.expect for turn in case.turns)]
    said: dict[Any, str] = {}
    twice = []
    for case in suite.cases:
        words = tuple(turn.user for turn in case.turns)
        if words in said:
            twice.append(f"{case.id} says what {said[words]} says")
        said.setdefault(words, case.id)
    advice = [f"{len(silent)} cases expect nothing and are replayed unscored, first {silent[0]}"] if silent else []
    advice += twice[:5] + ([f"... and {len(twice) - 5} more repeats"] if len(twice) > 5 else [])
    if suite.has_rubrics:
        advice.append("rubrics are scored where a judge is named (--judge MODEL), else they are kept and not scored")
    if not suite.gates:
        advice.append("there are no gates: only errors and critical cases can fail a run")
    return advice
