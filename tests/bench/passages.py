"""bench_passages: how often the right passage comes first, and how well `answerable` tells where none is right.

The sample handbook with its cases is always measured; what is out of its scope are the questions of the sets that ship
for fitting (`knowledge/data/asked/`). With `--data FOLDER`, every folder of it that holds
`corpus.jsonl` (id, title, text) and `questions.jsonl` (question, gold_docs, answerable) is, too, within its language
and across languages where the ids are the same, and so are the texts of `oos.jsonl` that its label calls `oos`.
Everything goes through the real learning and the real search.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from evals.suite import load_suite
from knowledge.asked import Question, Texts, read, shipped
from knowledge.embed import LocalEmbedder
from knowledge.fit import area
from knowledge.index import ScanIndex
from knowledge.learn import learn
from knowledge.search import Search
from knowledge.space import space_of
from sahut.found import SearchResult
from sahut.migrations import migrate
from sahut.store import Store
from tests.bench.processes import Folder
from tests.bench.tables import show

OFFICE = Path(__file__).parents[2] / "examples" / "tax-office"
COLUMNS = ["questions -> passages", "n", "R@1", "R@3", "nDCG@10", "unanswerable", "gold removed", "out of scope"]
TOP = 10
QUICK = 60  # questions of a set


async def bench(data: Path | None, *, quick: bool, with_e5: bool = True) -> bool:
    """Print the table. Areas under the curve of `answerable` are against the answered questions of the same row."""
    found, strangers = _data(data) if data else ([], [])
    embedder = LocalEmbedder(finds_with_e5=with_e5)
    others = [question.text for texts in shipped() for question in texts.questions]
    rows = [await _sample(embedder, (strangers or others)[: QUICK if quick else None])]
    for texts in found:
        askers = [
            other
            for other in found
            if other is texts or (not quick and other.documents.keys() == texts.documents.keys())
        ]
        rows += await _measure(embedder, texts, askers, strangers, QUICK if quick else None)
    show(f"bench_passages ({space_of(embedder).name})", COLUMNS, rows)
    embedder.close()
    return True


def _data(folder: Path) -> tuple[list[Texts], list[str]]:
    found = [read(place) for place in sorted(folder.iterdir()) if (place / "corpus.jsonl").is_file()]
    return found, _strangers(folder / "oos.jsonl") if (folder / "oos.jsonl").is_file() else []


async def _sample(embedder: LocalEmbedder, strangers: list[str]) -> list[str]:
    """The shipped handbook with the single questions of its suite that name what they should cite."""
    cases = load_suite(OFFICE / "evals" / "office.yaml").cases
    asked = [(" ".join(case.turns[0].user), case.turns[0].expect) for case in cases]
    cited = [Question(text, frozenset(expect.cites), "") for text, expect in asked if expect and expect.cites]
    handed = [text for text, expect in asked if expect and expect.decision == "hand_off"]
    with Folder() as folder:
        store = await _store(folder)
        await learn(store, embedder, [OFFICE / "handbook"])
        search = Search(store, embedder, ScanIndex(space_of(embedder).name))
        results = [await search.search(question.text, top=TOP) for question in cited]
        right = [result.answerable for result in results]
        others = area(right, [(await search.search(text)).answerable for text in handed])
        outside = area(right, [(await search.search(text)).answerable for text in strangers])
        await store.close()
    return ["sample handbook", str(len(cited)), *_ranks(cited, results), _three(others), "", _three(outside)]


async def _measure(
    embedder: LocalEmbedder, texts: Texts, askers: list[Texts], strangers: list[str], most: int | None
) -> list[list[str]]:
    with Folder() as folder:
        store, halves = await _store(folder), texts.halves
        for number, half in enumerate(halves):
            place = folder / f"half-{number}"
            place.mkdir()
            for name in half:
                (place / name).write_text(texts.documents[name], encoding="utf-8")
            await learn(store, embedder, [place], collection=str(number))
        search = Search(store, embedder, ScanIndex(space_of(embedder).name))
        far = [(await search.search(text)).answerable for text in strangers[:most]]
        rows = [await _asked(search, texts, asker, halves, far, most) for asker in askers]
        await store.close()
    return rows


async def _asked(
    search: Search, texts: Texts, asker: Texts, halves: Sequence[Sequence[str]], far: list[float], most: int | None
) -> list[str]:
    answered = [question for question in asker.questions if question.gold][:most]
    open_ones = [question for question in asker.questions if not question.gold][:most]
    results = [await search.search(question.text, top=TOP) for question in answered]
    right = [result.answerable for result in results]
    nothing = [(await search.search(question.text)).answerable for question in open_ones]
    there, gone = [], []
    for question in answered:
        # The half that holds the answer, and the half that holds its neighbours only.
        for number, half in enumerate(halves):
            found = await search.search(question.text, collections=[str(number)])
            (there if question.gold & set(half) else gone).append(found.answerable)
    name = texts.name if asker is texts else f"{asker.name} -> {texts.name}"
    areas = [area(right, nothing), area(there, gone), area(right, far)]
    return [name, str(len(answered)), *_ranks(answered, results), *map(_three, areas)]


def _ranks(questions: Sequence[Question], results: Sequence[SearchResult]) -> list[str]:
    first = third = gain = 0.0
    for question, result in zip(questions, results, strict=True):
        documents = list(dict.fromkeys(passage.document for passage in result.passages))
        rank = next((at for at, name in enumerate(documents, start=1) if name in question.gold), math.inf)
        first, third, gain = first + (rank == 1), third + (rank <= 3), gain + 1 / math.log2(rank + 1)
    return [_three(total / len(questions)) for total in (first, third, gain)]


async def _store(folder: Path) -> Store:
    store = Store(f"sqlite:///{folder / 'sahut.db'}")
    await migrate(store)
    return store


def _strangers(path: Path) -> list[str]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [row["text"] for row in rows if row["label"] == "oos"]


def _three(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
