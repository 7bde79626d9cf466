"""Rows of cells to text: questions and answers, or facts under the names of their columns. Knows no file format."""

from collections.abc import Sequence

from knowledge.text import TextBuilder, one_line, table_line

Row = list[str]

QUESTION = {
    *("question", "questions", "q", "pertanyaan", "tanya", "soal", "pergunta", "perguntas", "pregunta", "preguntas"),
    *("frage", "soru", "spurning", "vraag", "domanda"),
}
ANSWER = {
    *("answer", "answers", "a", "jawaban", "jawab", "resposta", "respostas", "respuesta", "respuestas"),
    *("antwort", "cevap", "yanıt", "svar", "antwoord", "risposta", "réponse"),
}
TOPIC = {
    *("topic", "category", "section", "topik", "kategori", "bagian", "categoria", "categoría", "tema", "assunto"),
}


def asks(row: Sequence[str]) -> bool:
    """Whether a row is the header of questions and answers."""
    names = {one_line(cell).casefold() for cell in row}
    return bool(names & QUESTION) and bool(names & ANSWER)


def add_questions(builder: TextBuilder, rows: Sequence[Row], *, level: int = 1) -> None:
    """Under the header `rows[0]`: each question a heading, its answer the body, topics above them at `level`."""
    names = [one_line(cell).casefold() for cell in rows[0]]
    question, answer, topic = (_column(names, known) for known in (QUESTION, ANSWER, TOPIC))
    current = ""
    for row in rows[1:]:
        cells = [*row, *[""] * len(names)]
        asked, answered = cells[question or 0].strip(), cells[answer or 0].strip()
        if not asked or not answered:
            continue
        if topic is not None and cells[topic].strip() != current:
            current = cells[topic].strip()
            builder.close(level)
            builder.heading(level, current)
        builder.heading(level + 1, asked)
        builder.block(answered)


def add_facts(builder: TextBuilder, rows: Sequence[Row], *, names: Row | None = None) -> None:
    """One line a row, each cell under its column's name: those given, else those of a header row."""
    if names is None:
        names, rows = (rows[0], rows[1:]) if headed(rows) else ([], rows)
    for number, row in enumerate(rows):
        # A single cell under a header of several says something about the rows, not about one column.
        filled = [cell for cell in row if cell.strip()]
        alone = len(filled) == 1 and len(names) > 2 and len(row) == len(names)
        builder.block(table_line(row, [] if alone or len(names) < 2 else names), tight=number > 0)


def headed(rows: Sequence[Row]) -> bool:
    """Whether the first row names the columns: words, all there and all different."""
    header = [one_line(cell) for cell in rows[0]] if len(rows) > 1 else []
    return bool(header) and all(header) and len(set(header)) == len(header) and not any(map(_numeric, header))


def _column(names: Sequence[str], known: set[str]) -> int | None:
    return next((number for number, name in enumerate(names) if name in known), None)


def _numeric(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").replace(" ", "").lstrip("-+").isdigit()
