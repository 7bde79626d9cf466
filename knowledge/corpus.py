"""Corpora in JSON lines: every line is a document with `id`, `text` and perhaps a `title`. Reads one line at a time.

Knows no store and no other format. A line that is no document is named by file and line, and costs itself only.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from knowledge.archive import Member
from knowledge.formats.plain import read_plain
from knowledge.paths import clean_path
from knowledge.text import Extract
from sahut.errors import LoadError

SUFFIX = ".jsonl"
# In a folder only files of this name are corpora: others hold questions, chats or labels, which are no documents.
NAME = "corpus.jsonl"
MOST_LINES = 200_000
MOST_TOLD = 100
MOST_LINE_BYTES = 50 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def is_corpus(path: str) -> bool:
    """Whether a file that was named by itself is a corpus, by its ending."""
    return PurePosixPath(path).suffix.lower() == SUFFIX


def documents(file: Path) -> list[Member]:
    """The documents of a corpus: `number` is the byte at which the line begins, `path` the document's id.

    A line that is none has its place (`corpus.jsonl:7`) for a path and is `refused`. Raises `LoadError`.
    """
    found: dict[str, tuple[Member, int]] = {}
    refused: list[Member] = []
    for line, (start, raw) in enumerate(_lines(file), start=1):
        if line > MOST_LINES:
            raise LoadError(f"it holds more than {MOST_LINES:,} lines: split it")
        if not raw.strip():
            continue
        try:
            path, _, _ = parse(raw)
            if path in found:
                raise LoadError(f"the id {path[:100]!r} is already used in line {found[path][1]}")
        except LoadError as error:
            refused.append(Member(start, f"{file.name}:{line}", str(error)))
        else:
            found[path] = (Member(start, path), line)
    if not found:
        first = f"no line of it is a document; {refused[0].path}: {refused[0].refused}" if refused else "it is empty"
        raise LoadError(first)
    if (rest := len(refused) - MOST_TOLD) > 0:
        refused[MOST_TOLD:] = [Member(0, file.name, f"{rest} more lines are no documents")]
    return [*(member for member, _ in found.values()), *refused]


def read_line(file: Path, start: int) -> bytes:
    """The line that begins at this byte. Raises `LoadError`."""
    with _opened(file) as stream:
        stream.seek(start)
        return stream.readline(MOST_LINE_BYTES + 1).removeprefix(_BOM)


def parse(raw: bytes) -> tuple[str, str, str]:
    """Path, title (may be empty) and text of a line. `_id` does for `id`; other keys are passed over.

    Raises `LoadError` with what is wrong.
    """
    if len(raw) > MOST_LINE_BYTES:
        raise LoadError(f"the line is longer than {MOST_LINE_BYTES // 1024 // 1024} MB")
    try:
        row = json.loads(raw.removeprefix(_BOM).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise LoadError(f"the line is not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise LoadError(f"broken JSON: {error.msg} (column {error.colno})") from error
    except (RecursionError, ValueError) as error:
        raise LoadError("broken JSON: nested too deep, or a number of too many digits") from error
    if not isinstance(row, dict):
        raise LoadError('a document is a JSON object: {"id": "...", "title": "...", "text": "..."}')
    name, title, text = row.get("id", row.get("_id")), row.get("title"), row.get("text")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name.strip():
        raise LoadError("`id` must be a text")
    if not isinstance(text, str) or not text.strip():
        raise LoadError("`text` must be a text that is not empty")
    if not isinstance(title, str | None):
        raise LoadError("`title` must be a text")
    return clean_path(name), title or "", text


def extract(raw: bytes) -> Extract:
    """The text of a line, in paragraphs, under its title; without one its id. Raises `LoadError`."""
    path, title, text = parse(raw)
    found = read_plain(text)
    return Extract(" ".join(title.split()) or found.title or path, found.text, found.sections)


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Where each line begins, and its bytes: of one that is too long, one byte more than may be."""
    with _opened(file) as stream:
        start = 0
        while raw := stream.readline(MOST_LINE_BYTES + 1):
            yield start, raw
            while len(raw) > MOST_LINE_BYTES and not raw.endswith(b"\n"):
                raw = stream.readline(MOST_LINE_BYTES + 1)
            start = stream.tell()


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise LoadError(f"it cannot be opened: {error.strerror or error}") from error
