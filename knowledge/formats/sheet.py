"""CSV sheets: questions and answers, or rows of facts. Knows no file and no database."""

import csv
import io

from knowledge.text import Extract, TextBuilder, clean, one_line, table_line
from sahut.errors import LoadError

QUESTION = {
    *(
        "question",
        "questions",
        "q",
        "pertanyaan",
        "tanya",
        "soal",
        "pergunta",
        "perguntas",
        "pregunta",
        "preguntas",
    ),
    *("frage", "soru", "spurning", "vraag", "domanda"),
}
ANSWER = {
    *("answer", "answers", "a", "jawaban", "jawab", "resposta", "respostas", "respuesta", "respuestas"),
    *("antwort", "cevap", "yanıt", "svar", "antwoord", "risposta", "réponse"),
}
TOPIC = {
    "topic",
    "category",
    "section",
    "topik",
    "kategori",
    "bagian",
    "categoria",
    "categoría",
    "tema",
    "assunto",
}
_DELIMITERS = ",;\t|"
_LOOK_AT = 20


def read_sheet(text: str) -> Extract:
    """A question-and-answer sheet: each question a heading, its answer the body. Otherwise one line a row.

    Raises `LoadError` where no row holds anything.
    """
    rows = parse_rows(text)
    if not rows:
        raise LoadError("the sheet has no rows")
    names = [one_line(cell).casefold() for cell in rows[0]]
    question, answer, topic = (_column(names, known) for known in (QUESTION, ANSWER, TOPIC))
    if question is None or answer is None:
        return _facts(rows)
    builder = TextBuilder()
    current = ""
    for row in rows[1:]:
        cells = [*row, *[""] * len(names)]
        if not cells[question].strip() or not cells[answer].strip():
            continue
        if topic is not None and cells[topic].strip() != current:
            current = cells[topic].strip()
            builder.close(1)
            builder.heading(1, current)
        builder.heading(2, cells[question])
        builder.block(cells[answer])
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
        names = {name.strip().strip('"').casefold() for name in first.split(delimiter)}
        if names & QUESTION and names & ANSWER:
            return delimiter
    lines = [line for line in text.split("\n")[:_LOOK_AT] if line.strip()]
    counts = {d: [line.count(d) for line in lines] for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda d: (min(counts[d], default=0), sum(counts[d])))


def _column(names: list[str], known: set[str]) -> int | None:
    return next((number for number, name in enumerate(names) if name in known), None)


def _facts(rows: list[list[str]]) -> Extract:
    header = [one_line(cell) for cell in rows[0]]
    named = len(rows) > 1 and all(header) and len(set(header)) == len(header) and not any(map(_numeric, header))
    builder = TextBuilder()
    for number, row in enumerate(rows[1:] if named else rows):
        builder.block(table_line(row, header if named and len(header) > 1 else []), tight=number > 0)
    return builder.finish()


def _numeric(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").replace(" ", "").lstrip("-+").isdigit()
