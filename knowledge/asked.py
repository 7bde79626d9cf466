"""Documents with questions about them: what retrieval is fitted on and measured with. Knows no embedder and no index.

The sets that ship (`data/asked/`) are made-up organisations, written for Sahut. A set of one's own is a folder with
`corpus.jsonl` (`id`, `text`, perhaps `title`) and `questions.jsonl` (`question`, `gold_docs`, `answerable`).
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.language import language_of
from sahut.errors import ConfigurationError

SHIPPED = Path(__file__).parent / "data" / "asked"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the documents that answer it; none where nothing does."""

    text: str
    gold: frozenset[str]
    language: str


@dataclass(frozen=True)
class Texts:
    """A set: documents by the name of their file, and questions."""

    name: str
    documents: dict[str, str]
    questions: tuple[Question, ...]

    @property
    def halves(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The documents in two halves: a question whose answer lies in one has only its neighbours in the other."""
        names = tuple(self.documents)
        return names[0::2], names[1::2]


def shipped() -> list[Texts]:
    """The sets that ship, by name."""
    return [_written(path) for path in sorted(SHIPPED.glob("*.toml"))]


def read(folder: Path) -> Texts:
    """The set that lies in a folder. Raises `ConfigurationError` that says which line of which file is wrong."""
    documents = {f"{row['id']}.md": _page(row.get("title", ""), row["text"]) for row in _rows(folder / "corpus.jsonl")}
    questions = []
    for row in _rows(folder / "questions.jsonl"):
        gold = frozenset(f"{name}.md" for name in row["gold_docs"] if row["answerable"])
        questions.append(Question(row["question"], gold, row.get("language") or language_of(row["question"])))
    return Texts(folder.name, documents, tuple(questions))


def _written(path: Path) -> Texts:
    documents: dict[str, str] = {}
    questions: list[Question] = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["document"]:
        name = f"{len(documents):02d}.md"
        documents[name] = _page(entry["title"], entry["text"].strip())
        for kind, gold in (("answers", frozenset((name,))), ("misses", frozenset[str]())):
            for language, texts in entry[kind].items():
                questions += [Question(text, gold, language) for text in texts]
    return Texts(path.stem, documents, tuple(questions))


_KEYS = {"corpus.jsonl": {"id", "text"}, "questions.jsonl": {"question", "gold_docs", "answerable"}}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(f"{path}, line {number}: no JSON ({error}).") from error
        missing = _KEYS[path.name] - row.keys() if isinstance(row, dict) else _KEYS[path.name]
        if missing:
            raise ConfigurationError(f"{path}, line {number}: {', '.join(sorted(missing))} is missing.")
        yield row


def _page(title: str, text: str) -> str:
    return f"# {title}\n\n{text}\n" if title else f"{text}\n"
