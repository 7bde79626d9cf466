"""Excel workbooks to text: questions and answers, or facts row by row under the names of their columns.

Values stand as a reader sees them (2%, Rp 60.000, 2026-03-31). Hidden sheets, rows and columns stay out.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any

from knowledge.formats.numbers import number_text
from knowledge.formats.package import opened
from knowledge.formats.rows import Row, add_facts, add_questions, asks, headed
from knowledge.text import Extract, TextBuilder, one_line
from sahut.errors import LoadError

# A cell may stand in the last row of millions, so cells are taken as they are stored, never by walking the grid.
MOST_CELLS = 2_000_000
MOST_COLUMNS = 200
_MOST_SPREAD = 10_000
_TITLE_MOST = 80


def read_workbook(data: bytes) -> Extract:
    """The visible sheets, each under its name where there are several. Raises `LoadError`."""
    from openpyxl import load_workbook

    with opened(data), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what openpyxl cannot keep (pictures, validation) is nothing to us
        book = load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    builder = TextBuilder()
    sheets = [
        (sheet.title, rows) for sheet in book.worksheets if sheet.sheet_state == "visible" and (rows := _rows(sheet))
    ]
    for name, rows in sheets:
        builder.close(1)
        if len(sheets) > 1:
            builder.heading(1, name)
        _add(builder, rows)
    extract = builder.finish(titled=False)
    if not extract.sections:
        raise LoadError(
            "no visible sheet holds any values; where they are formulas, "
            "open it in a spreadsheet program and save it, so that they are computed"
        )
    return extract


def _rows(sheet: Any) -> list[tuple[int, Row]]:
    """(row number, cells) of the visible rows that hold anything; columns that are empty throughout are left out."""
    values = _values(sheet)
    columns = sorted({column for cells in values.values() for column in cells})
    if len(columns) > MOST_COLUMNS:
        raise LoadError(f"the sheet {sheet.title!r} has more than {MOST_COLUMNS} columns: make it narrower")
    return [(number, [cells.get(column, "") for column in columns]) for number, cells in sorted(values.items())]


def _values(sheet: Any) -> dict[int, dict[int, str]]:
    """Row -> column -> text of every visible cell that says anything."""
    cells = sheet._cells  # the one way to the stored cells that does not build the whole grid
    if len(cells) > MOST_CELLS:
        raise LoadError(f"the sheet {sheet.title!r} has more than {MOST_CELLS} cells: split it")
    hidden = _hidden_columns(sheet)
    found: dict[int, dict[int, str]] = {}
    for (row, column), cell in cells.items():
        text = "" if column in hidden or sheet.row_dimensions[row].hidden else _text(cell)
        if text:
            found.setdefault(row, {})[column] = text
    for merged in sheet.merged_cells.ranges:
        _spread(found, merged)
    return found


def _hidden_columns(sheet: Any) -> set[int]:
    """The file keeps neighbours that are alike as one entry from `min` to `max`."""
    hidden: set[int] = set()
    for dimension in sheet.column_dimensions.values():
        if dimension.hidden and dimension.min and dimension.max:
            hidden.update(range(dimension.min, min(dimension.max, 16_384) + 1))
    return hidden


def _spread(found: dict[int, dict[int, str]], merged: Any) -> None:
    """A merged cell of several rows says the same for each of them, so that a row can be quoted alone."""
    text = found.get(merged.min_row, {}).get(merged.min_col)
    if text is None or merged.max_row - merged.min_row > _MOST_SPREAD:
        return
    for row in range(merged.min_row + 1, merged.max_row + 1):
        if row in found:
            found[row].setdefault(merged.min_col, text)


def _text(cell: Any) -> str:
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value, cell.number_format)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return str(value).strip()  # words, dates, spans of time, TRUE and FALSE


def _add(builder: TextBuilder, rows: Sequence[tuple[int, Row]]) -> None:
    """A question-and-answer table from its header on, wherever that is; else the tables that empty rows part."""
    start = next((at for at, (_, row) in enumerate(rows) if asks(row)), None)
    above = rows if start is None else rows[:start]
    names: Row = []
    for block in _blocks(above):
        names = _block(builder, block, names, leads=start is not None)
    if start is not None:
        add_questions(builder, [row for _, row in rows[start:]], level=2)


def _blocks(rows: Sequence[tuple[int, Row]]) -> Iterator[list[Row]]:
    block: list[Row] = []
    last = 0
    for number, row in rows:
        if block and number > last + 1:
            yield block
            block = []
        block.append(row)
        last = number
    if block:
        yield block


def _block(builder: TextBuilder, block: list[Row], names: Row, *, leads: bool) -> Row:
    """Titles, then a table under its own header, or under that of the block above; the header in force.

    `leads` says that questions follow, so that a short line alone is their title.
    """
    titles = 0
    while titles < len(block) and _filled(block[titles]) == 1:
        titles += 1
    for row in block[:titles]:
        text = next(cell for cell in row if cell)
        if (leads or titles < len(block)) and len(one_line(text)) <= _TITLE_MOST:
            builder.heading(3, text)
        else:
            builder.block(text)
    table = block[titles:]
    if not table:
        return names
    used = [column for column in range(len(table[0])) if any(row[column] for row in table)]
    table = [[row[column] for column in used] for row in table]
    if headed(table):
        add_facts(builder, table[1:], names=table[0])
        return table[0]
    add_facts(builder, table, names=names if len(names) == len(used) else [])
    return names


def _filled(row: Row) -> int:
    return sum(bool(cell) for cell in row)
