"""Lines with their places on pages to headings, paragraphs, lists and tables, pure. Knows no PDF library.

Places are in points from the lower left corner of a page, as PDF counts them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from knowledge.formats.rows import add_facts
from knowledge.text import Extract, TextBuilder

Page = Sequence["Line"]

# A line this much higher than the body is a heading; fonts of one size differ by less.
_LARGER = 1.12
_HEADING_MOST = 120
_BOLD_MOST = 80
_LEVELS = 4
# Lines at the edge of so many pages, the same but for page numbers, are running heads and feet.
_RUNNING_SHARE = 0.4
_RUNNING_LEAST = 2
_EDGE = 2
_MARGIN = 0.1
# Beyond the usual space between lines, in line heights: a new paragraph.
_PARAGRAPH_GAP = 0.35

_PAGE_NUMBER = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,%])")
_MARK = re.compile(r"(?:[-*•◦▪●–—·]|\(?\d{1,3}[.)]|\(?[a-z][.)]|[\uf0a7\uf0b7])\Z")
_ITEM = re.compile(r"(?:[-*•◦▪●–·\uf0a7\uf0b7]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+")
_BULLET = re.compile(r"[*•◦▪●–·\uf0a7\uf0b7]\s+")
_STOPS = (".", "!", "?", ":", ";", "…", "。")


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a line without a gap."""

    left: float
    right: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. `broken` says that its last word goes on in the next line."""

    cells: tuple[Cell, ...]
    top: float
    bottom: float
    bold: bool = False
    broken: bool = False

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 1.0)


def read_lines(pages: Sequence[Page], *, title: str = "") -> Extract:
    """The pages as one text with headings by size and weight; running heads and feet are left out."""
    rows = _without_running([_rows(page) for page in pages])
    reader = _Reader([line for page in rows for line in page])
    for page in rows:
        reader.page(page)
    return reader.finish(title)


def _rows(lines: Iterable[Line]) -> list[Line]:
    """Pieces that stand side by side become one line; a list mark joins the words behind it."""
    rows: list[Line] = []
    for line in lines:
        last = rows[-1] if rows else None
        beside = last and abs((last.top + last.bottom) - (line.top + line.bottom)) < 0.8 * min(last.height, line.height)
        if last and beside and line.cells[0].left >= last.cells[-1].right - 1:
            rows[-1] = replace(last, cells=last.cells + line.cells, bold=last.bold and line.bold, broken=line.broken)
        else:
            rows.append(line)
    return [_marked(row) for row in rows]


def _marked(line: Line) -> Line:
    if len(line.cells) < 2:
        return line
    mark, words, *rest = line.cells
    number = not rest and re.fullmatch(r"\d{1,2}", mark.text) and words.left - mark.right < 1.5 * line.height
    if not number and not _MARK.match(mark.text):
        return line
    text = f"{mark.text}. {words.text}" if number else f"{mark.text} {words.text}"
    return replace(line, cells=(Cell(mark.left, words.right, text), *rest))


def _without_running(pages: list[list[Line]]) -> list[list[Line]]:
    top = max((line.top for page in pages for line in page), default=0.0)
    bottom = min((line.bottom for page in pages for line in page), default=0.0)
    margin = (top - bottom) * _MARGIN
    edges = [_edge(page, bottom + margin, top - margin) for page in pages]
    counts = Counter(key for edge in edges for key in set(edge.values()))
    most = max(_RUNNING_LEAST, len(pages) * _RUNNING_SHARE)
    return [
        [line for number, line in enumerate(page) if counts[edge.get(number, "")] < most]
        for page, edge in zip(pages, edges, strict=True)
    ]


def _edge(page: list[Line], low: float, high: float) -> dict[int, str]:
    """Lines in the margins, their page numbers made alike: number of the line -> its words."""
    order = sorted(range(len(page)), key=lambda number: page[number].top)
    edge = [n for n in order[:_EDGE] + order[-_EDGE:] if page[n].top < low or page[n].bottom > high]
    return {number: _PAGE_NUMBER.sub("#", page[number].text) for number in edge}


class _Reader:
    """Takes the lines in order. The usual size and spacing are those of the whole document."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._builder = TextBuilder()
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[_size(line)] += len(line.text)
        self._body = sizes.most_common(1)[0][0] if sizes else 1.0
        larger = sorted((size for size in sizes if size > self._body * _LARGER), reverse=True)
        self._levels = {size: min(rank, _LEVELS) for rank, size in enumerate(larger, start=1)}
        gaps = [_gap(a, b) for a, b in pairwise(lines) if 0 <= _gap(a, b) < 2 * self._body]
        self._gap = Counter(round(gap) for gap in gaps).most_common(1)[0][0] if gaps else 0
        self._edges: dict[int, float] = {}
        self._paragraph: list[Line] = []
        self._tight = False
        self._owed = 0

    def page(self, lines: Sequence[Line]) -> None:
        """Read the next page; a sentence that the page break parted stays whole."""
        if lines and self._goes_on(lines[0]):
            self._owed += 1
        else:
            self._flush()
            self._builder.page()
        self._edges = _edges(lines)
        at = 0
        while at < len(lines):
            at += self._table(lines[at:]) or self._heading(lines[at:]) or self._text(lines[at])

    def finish(self, title: str) -> Extract:
        self._flush()
        return self._builder.finish(title)

    def _goes_on(self, line: Line) -> bool:
        if not self._paragraph or self._level(line) or len(line.cells) > 1:
            return False
        return not self._paragraph[-1].text.endswith(_STOPS) and line.text[:1].islower()

    def _level(self, line: Line) -> int:
        """The level of the heading that a line is; 0 for the body."""
        if len(line.cells) > 1 or len(line.text) > _HEADING_MOST or not any(c.isalpha() for c in line.text):
            return 0
        if level := self._levels.get(_size(line)):
            return level
        lone = (
            len(line.text) <= _BOLD_MOST and not line.text.endswith((".", ",", ";", ":")) and not _ITEM.match(line.text)
        )
        return _LEVELS + 1 if line.bold and lone else 0

    def _heading(self, lines: Sequence[Line]) -> int:
        """A heading may have several lines of one size; how many were taken."""
        level = self._level(lines[0])
        if not level:
            return 0
        taken = 1
        while taken < len(lines) and self._same_heading(lines[taken - 1], lines[taken], level):
            taken += 1
        self._flush()
        self._builder.heading(level, _joined(lines[:taken]))
        return taken

    def _same_heading(self, last: Line, line: Line, level: int) -> bool:
        return self._level(line) == level and -1 <= _gap(last, line) < 0.5 * line.height and not last.text.endswith("?")

    def _text(self, line: Line) -> int:
        last = self._paragraph[-1] if self._paragraph else None
        item = bool(_ITEM.match(line.text))
        if last is not None and (item or self._parted(last, line)):
            apart = _gap(last, line) > self._gap + _PARAGRAPH_GAP * line.height
            self._flush()
            self._tight = item or not apart
        self._paragraph.append(line)
        return 1

    def _parted(self, last: Line, line: Line) -> bool:
        """Whether a paragraph ends between two lines."""
        gap = _gap(last, line)
        if gap > self._gap + _PARAGRAPH_GAP * line.height or gap < -line.height:
            return not self._goes_on(line)
        # The next word would have fitted in: somebody ended the line here.
        room = self._edges.get(_indent(last), 0.0) - last.cells[-1].right
        letter = (line.cells[0].right - line.cells[0].left) / max(len(line.cells[0].text), 1)
        word = line.text.split(maxsplit=1)[0]
        return room > (len(word) + 2) * letter and not self._goes_on(line)

    def _flush(self) -> None:
        if self._paragraph:
            self._builder.block(_BULLET.sub("- ", _joined(self._paragraph), count=1), tight=self._tight)
        self._paragraph = []
        self._tight = False
        for _ in range(self._owed):
            self._builder.page()
        self._owed = 0

    def _table(self, lines: Sequence[Line]) -> int:
        """Rows of at least two cells one below the other; how many lines were taken."""
        taken = 0
        while taken < len(lines) and (len(lines[taken].cells) > 1 or _wrapped(lines, taken)):
            taken += 1
        grid = lines[:taken]
        if sum(len(line.cells) > 1 for line in grid) < 2:
            return 0
        columns = _columns(grid)
        if len(columns) < 2:
            return 0
        self._flush()
        add_facts(self._builder, _grid(grid, columns))
        return taken


def _wrapped(lines: Sequence[Line], at: int) -> bool:
    """Whether a line of one cell carries on a cell of the row above: close below it and within its width."""
    if at == 0 or lines[at].bold != lines[at - 1].bold:
        return False
    line, above = lines[at], lines[at - 1]
    (cell,) = line.cells
    inside = any(other.left - 2 <= cell.left and cell.right <= other.right + 40 for other in above.cells)
    return inside and -1 <= _gap(above, line) < 0.3 * line.height and _size(line) == _size(above)


def _columns(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Where the columns stand: the cells' extents, those that overlap taken together."""
    columns: list[tuple[float, float]] = []
    for left, right in sorted((cell.left, cell.right) for line in lines for cell in line.cells):
        if columns and left <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _grid(lines: Sequence[Line], columns: Sequence[tuple[float, float]]) -> list[list[str]]:
    rows: list[list[str]] = []
    for line in lines:
        row = [""] * len(columns)
        for cell in line.cells:
            number = next(n for n, (left, right) in enumerate(columns) if left <= cell.left <= right)
            row[number] = f"{row[number]} {cell.text}".strip()
        if rows and (len(line.cells) == 1 or not row[0]):
            rows[-1] = [f"{above} {below}".strip() for above, below in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows


def _edges(lines: Sequence[Line]) -> dict[int, float]:
    """How far the lines of each indent reach."""
    edges: dict[int, float] = {}
    for line in lines:
        edges[_indent(line)] = max(edges.get(_indent(line), 0.0), line.cells[-1].right)
    return edges


def _indent(line: Line) -> int:
    return round(line.cells[0].left / 4)


def _joined(lines: Sequence[Line]) -> str:
    parts = [line.text if line.broken else f"{line.text} " for line in lines]
    return "".join(parts).strip()


def _size(line: Line) -> float:
    return round(line.height * 2) / 2


def _gap(above: Line, below: Line) -> float:
    return above.bottom - below.top
