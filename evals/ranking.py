"""Measures what a chat model may change by ordering passages: `python -m evals.ranking [FOLDER ...]`.

No model is asked: a scripted order that is always right and one that is always wrong bound what any real one can do,
for better and for worse. The sample office's suite `retrieval` is measured, and each folder with `corpus.jsonl` and
`questions.jsonl` (`knowledge/asked.py`). Prints the table of docs/retrieval.md.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from agent.ranking import ORDERED, in_order, is_worth_it
from evals.curves import ndcg, ranks_of
from evals.scorers import same_document
from evals.suite import load_suite
from knowledge.asked import Question, Texts, read
from knowledge.embed import LocalEmbedder
from knowledge.index import ScanIndex
from knowledge.learn import learn
from knowledge.search import Search
from knowledge.space import space_of
from sahut.found import Passage
from sahut.migrations import migrate
from sahut.ports import Embedder, Retriever
from sahut.store import Store

OFFICE = Path(__file__).parents[1] / "examples" / "tax-office"
SUITE = OFFICE / "evals"
DEPTH = 10


class Outcome(NamedTuple):
    """What is read for a question (is the document of it wanted?), in retrieval's order and in the two others."""

    asked: bool
    wanted: int
    alone: tuple[bool, ...]
    right: tuple[bool, ...]
    wrong: tuple[bool, ...]


async def measure(retriever: Retriever, questions: Sequence[Question]) -> list[Outcome]:
    """Every question that has an answer, searched for once."""
    return [await _outcome(retriever, question) for question in questions if question.gold]


async def _outcome(retriever: Retriever, question: Question) -> Outcome:
    found = await retriever.search(question.text, top=ORDERED)
    holds = [_holds(passage, question) for passage in found.passages]
    right = sorted(range(1, len(holds) + 1), key=lambda number: not holds[number - 1])
    asked = is_worth_it(found)
    orders: list[list[int]] = [[], right, right[::-1]] if asked else [[], [], []]
    ways = [_documents(in_order(found.passages, order), question) for order in orders]
    return Outcome(asked, len(question.gold), *ways)


def _holds(passage: Passage, question: Question) -> bool:
    return any(_documents([passage], question))


def _documents(passages: Sequence[Passage], question: Question) -> tuple[bool, ...]:
    """For each document that is read, the first first, whether it is wanted."""
    named = dict.fromkeys(one.document for passage in passages for one in (passage, *passage.also))
    return tuple(any(same_document(gold, name) for gold in question.gold) for name in named)


def table(found: dict[str, list[Outcome]]) -> Iterator[str]:
    """R@1 / nDCG@10 / share of questions whose document is read, by retrieval alone and by either model."""
    yield "| | questions | asked about | alone | always right | always wrong |"
    yield "|---|---|---|---|---|---|"
    for name, rows in found.items():
        asked = sum(row.asked for row in rows) / len(rows)
        cells = [_figures([(getattr(row, way), row.wanted) for row in rows]) for way in ("alone", "right", "wrong")]
        yield f"| {name} | {len(rows)} | {asked:.1%} | {' | '.join(cells)} |"


def _figures(rows: Sequence[tuple[tuple[bool, ...], int]]) -> str:
    first = sum(places[:1] == (True,) for places, _ in rows)
    gain = sum(ndcg(ranks_of(["" for _ in places], places), wanted=wanted, k=DEPTH) for places, wanted in rows)
    is_read = sum(any(places) for places, _ in rows)
    return " / ".join(f"{total / len(rows):.3f}" for total in (first, gain, is_read))


def _office() -> list[Question]:
    """The questions of both halves of the sample office's suite: nothing is fitted here."""
    cases = [case for half in ("calibration", "test") for case in load_suite(SUITE / f"retrieval.{half}.jsonl").cases]
    turns = [turn for case in cases for turn in case.turns]
    wanted = [(" ".join(turn.user), turn.expect.retrieves) for turn in turns if turn.expect and turn.expect.retrieves]
    return [Question(text, frozenset(documents), "") for text, documents in wanted]


async def _over(embedder: Embedder, documents: Path, questions: Sequence[Question]) -> list[Outcome]:
    with TemporaryDirectory() as home:
        store = Store(f"sqlite:///{home}/sahut.db")
        try:
            await migrate(store)
            await learn(store, embedder, [documents])
            return await measure(Search(store, embedder, ScanIndex(space_of(embedder).name)), questions)
        finally:
            await store.close()


async def _over_set(embedder: Embedder, texts: Texts) -> list[Outcome]:
    with TemporaryDirectory() as folder:
        for name, text in texts.documents.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return await _over(embedder, Path(folder), texts.questions)


async def main() -> None:
    """Read, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.ranking", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", help="sets with corpus.jsonl and questions.jsonl")
    sets = [read(folder) for folder in parser.parse_args().folders]
    with closing(LocalEmbedder()) as embedder:
        found = {"sample office": await _over(embedder, OFFICE / "handbook", _office())}
        for texts in sets:
            found[texts.name.replace("_", " ")] = await _over_set(embedder, texts)
    sys.stdout.write("\n".join(table(found)) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
