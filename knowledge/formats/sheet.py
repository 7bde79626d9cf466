"""CSV sheets: questions and answers, or rows of facts. Knows no file and no database."""

import csv
import io

from knowledge.formats.rows import add_facts, add_questions, asks
from knowledge.text import Extract, TextBuilder, clean
from sahut.errors import LoadError

_DELIMITERS = ",;\t|"
_LOOK_AT = 20


def read_sheet(text: str) -> Extract:
    """A question-and-answer sheet: each question a heading, its answer the body. Otherwise one line a row.

    Raises `LoadError` where no row holds anything.
    """
    rows = parse_rows(text)
    if not rows:
        raise LoadError("the sheet has no rows")
    builder = TextBuilder()
    if not asks(rows[0]):
        add_facts(builder, rows)
        return builder.finish()
    add_questions(builder, rows)
    extract = builder.finish(titled=False)
    if not extract.sections:
        raise LoadError("no row of the sheet has both a question and an answer")
    return extract


def parse_rows(text: str) -> list[list[str]]:
    """The rows that hold anything, whatever the delimiter. An unclosed quote costs its own line, not the rest."""
    text = clean(text)
    if text[:4].casefold() == "sep=":
        text = text.partition("\n")[2]
    delimiter = _delimiter(text)
    try:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            rows = _torn(text, delimiter) if "end of data" in str(error) else _lenient(text, delimiter)
    except csv.Error as error:
        raise LoadError(f"the sheet cannot be read: {error}") from error
    return [row for row in rows if any(cell.strip() for cell in row)]


def _lenient(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _torn(text: str, delimiter: str) -> list[list[str]]:
    """Rows where a quote is never closed: whole records stay whole, a torn one is read as far as its line."""
    lines = text.split("\n")
    rows: list[list[str]] = []
    at = 0
    while at < len(lines):
        taken = next((n for n in range(1, _LOOK_AT) if _balanced(lines[at : at + n])), 1)
        rows.extend(_lenient("\n".join(lines[at : at + taken]), delimiter))
        at += taken
    return rows


def _balanced(lines: list[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 0


def _delimiter(text: str) -> str:
    """The delimiter that makes a question-and-answer header, else the one that splits the first lines best."""
    first = text.lstrip("\n").partition("\n")[0]
    for delimiter in _DELIMITERS:
        if asks([name.strip().strip('"') for name in first.split(delimiter)]):
            return delimiter
    lines = [line for line in text.split("\n")[:_LOOK_AT] if line.strip()]
    counts = {d: [line.count(d) for line in lines] for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda d: (min(counts[d], default=0), sum(counts[d])))
